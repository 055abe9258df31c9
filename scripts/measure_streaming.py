"""Stream cases from .nii.gz files through an encoder; tell time, memory, and what kills change.

``python scripts/measure_streaming.py speed`` reads, encodes, and does both one after the other and
with one thread reading ahead, in turns. ``memory`` runs 30 and 300 cases in processes of their own.
``kills`` kills a walk with a cache 20 times at random. ``workers`` runs on dask workers of this
machine, one and two. Images are 4 x 96^3, int16, smooth noise inside a ball; ten different cases
stand under as many names as are asked for.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from scipy.ndimage import gaussian_filter

from napari_latentattr import Cohort, EncodedCache, LatentModel, Streaming, channel_dependence
from napari_latentattr.benchmarks.speed.workloads import WORKLOADS, build_workload
from napari_latentattr.streaming.case import EncodedCase, encode_case
from napari_latentattr.streaming.encode import reduce_cases

CHANNELS = ("a", "b", "c", "d")
SIDE, DIFFERENT = 96, 10


def write_cases(folder: Path, n: int) -> Path:
    """Write a table of n cases of four files each."""
    rng = np.random.default_rng(0)
    ball = (np.indices((SIDE,) * 3) - SIDE / 2) ** 2
    for i in range(n):
        for c in CHANNELS:
            path = folder / f"{i:04d}_{c}.nii.gz"
            if i >= DIFFERENT:
                os.link(folder / f"{i % DIFFERENT:04d}_{c}.nii.gz", path)
                continue
            noise = gaussian_filter(rng.normal(size=(SIDE,) * 3), 2)
            image = 1000 + 200 * noise / noise.std()
            image[ball.sum(axis=0) > (0.46 * SIDE) ** 2] = 0
            sitk.WriteImage(sitk.GetImageFromArray(image.astype(np.int16)), str(path))
    rows = [
        f"c{i:04d},p{i:04d}," + ",".join(f"{i:04d}_{c}.nii.gz" for c in CHANNELS) for i in range(n)
    ]
    table = folder / f"cases_{n}.csv"
    table.write_text("\n".join(["case,patient," + ",".join(CHANNELS), *rows]) + "\n")
    return table


def cohort_of(table: Path) -> Cohort:
    """Cases of a table, scaled as usual."""
    return Cohort.from_table(table, channels=CHANNELS)


def model_of(features: tuple[int, ...]) -> LatentModel:
    """Build an encoder of three convolutions of stride 2."""
    module, _ = build_workload(replace(WORKLOADS[1], n_cases=1, features=features))
    return LatentModel.from_module(module, latent="encoder", n_channels=4, ndim=3)


def digest(case: EncodedCase) -> bytes:
    """All numbers of a case in a few bytes."""
    return sha256(case.maps.tobytes() + case.sha256).digest()


def stream(model: LatentModel, table: Path, streaming: Streaming) -> str:
    """Walk through all cases; the digest of all numbers."""
    found = reduce_cases(model, cohort_of(table), digest, streaming=streaming)
    return sha256(b"".join(found)).hexdigest()


def speed(table: Path, features: tuple[int, ...], repeats: int) -> None:
    """Time reading, encoding, both in turn, and both at a time."""
    model, cohort = model_of(features), cohort_of(table)
    n, stack = len(cohort), cohort[0]
    jobs: dict[str, Callable[[], object]] = {
        "read": lambda: [cohort_of(table)[i].case for i in range(n)],
        "encode": lambda: [encode_case(model, stack, i).index for i in range(n)],
        "serial": lambda: stream(model, table, Streaming(ahead=0)),
        "ahead": lambda: stream(model, table, Streaming()),
    }
    jobs["ahead"]()
    print(f"{n} cases of 4 x {SIDE}^3, features {features}, ms a case")
    for _ in range(repeats):
        took = {}
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            took[name] = time.perf_counter() - began
        print(
            ", ".join(f"{name} {1000 * seconds / n:.0f}" for name, seconds in took.items()),
            f"| ahead / slower {took['ahead'] / max(took['read'], took['encode']):.2f}",
            f"| serial / ahead {took['serial'] / took['ahead']:.2f}",
            flush=True,
        )


def kills(table: Path, times: int) -> None:
    """Kill a walk at random times; compare its final numbers with those of one that ran through."""
    rng, n = random.Random(0), len(cohort_of(table))
    with tempfile.TemporaryDirectory() as cache:
        plain = _child("walk", table, "")
        for done in range(times):
            process = subprocess.Popen(_command("walk", table, cache), stdout=subprocess.PIPE)
            assert process.stdout is not None
            process.stdout.readline()  # it begins
            time.sleep(rng.uniform(0.0, 2.0))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            print(
                f"kill {done + 1}: {len(list(Path(cache).glob('[!.]*')))} of {n} kept", flush=True
            )
        print("the same numbers:", _child("walk", table, cache) == plain)


def workers(table: Path) -> None:
    """Time a walk and channel dependence here, and on one and two workers of this machine."""
    from distributed import Client, LocalCluster

    model, cohort = model_of(WORKLOADS[1].features), cohort_of(table)
    want = stream(model, table, Streaming())
    for count in (0, 1, 2):
        if not count:
            _time_both(model, cohort, table, Streaming(), "here", want)
            continue
        with (
            LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            _time_both(model, cohort, table, Streaming(client=client), f"{count} workers", want)


def _time_both(
    model: LatentModel, cohort: Cohort, table: Path, way: Streaming, name: str, want: str
) -> None:
    began = time.perf_counter()
    same = stream(model, table, way) == want
    between = time.perf_counter()
    channel_dependence(model, cohort, streaming=way)
    print(
        f"{name}: {len(cohort)} cases encoded in {between - began:.1f} s (same numbers: {same}), "
        f"channel dependence {time.perf_counter() - between:.1f} s",
        flush=True,
    )


def _command(*argv: object) -> list[str]:
    return [sys.executable, __file__, *(str(part) for part in argv)]


def _child(*argv: object) -> str:
    done = subprocess.run(_command(*argv), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def _walk(table: Path, cache: str) -> None:
    """Run in a process of its own: walk, print the digest of all numbers and the peak memory."""
    model = model_of(WORKLOADS[1].features)
    print("ready", flush=True)
    streaming = Streaming(cache=EncodedCache(cache) if cache else None)
    print(stream(model, table, streaming))


def main() -> None:
    """Measure what is asked for."""
    if len(sys.argv) > 2 and sys.argv[1] == "walk":
        _walk(Path(sys.argv[2]), sys.argv[3])
        return
    if len(sys.argv) > 2 and sys.argv[1] == "peak":
        _walk(Path(sys.argv[2]), "")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "memory", "kills", "workers"))
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--features", type=int, nargs="+", default=[4, 28, 64, 64])
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        table = write_cases(Path(folder), given.cases)
        if given.what == "speed":
            speed(table, tuple(given.features), given.repeats)
        elif given.what == "kills":
            kills(table, 20)
        elif given.what == "workers":
            workers(table)
        else:
            for n in (30, 300):
                with tempfile.TemporaryDirectory() as part:
                    peak = float(_child("peak", write_cases(Path(part), n)))
                    print(f"{n} cases: peak memory {peak:.3f} GB", flush=True)


if __name__ == "__main__":
    main()
