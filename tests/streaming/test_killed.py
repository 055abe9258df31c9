"""A walk that is killed goes on where it was, and ends with the same numbers."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import pytest

# Each case takes a while, so that a kill falls between, into and behind writes.
WALK = """
import sys, time
from hashlib import sha256
from napari_latentattr import EncodedCache, Streaming, open_study
from napari_latentattr.cohort.table import TableCases
from napari_latentattr.streaming.encode import encode_cases

read, plain = [], TableCases.read
def slow(self, index):
    read.append(index)
    time.sleep(0.05)
    return plain(self, index)
TableCases.read = slow
study = open_study(sys.argv[1])
print("ready", flush=True)
streaming = Streaming(cache=EncodedCache(sys.argv[2]) if len(sys.argv) > 2 else None)
digest = sha256()
for case in encode_cases(study.model, study.cohort, streaming=streaming):
    digest.update(case.maps.tobytes() + case.inside.tobytes() + case.sha256)
print(digest.hexdigest(), len(set(read)))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_at_random_it_resumes_and_ends_with_the_same_numbers(write_study, tmp_path):
    study = write_study(tmp_path / "study", n_cases=16)
    walk = [sys.executable, "-c", WALK, str(study)]
    whole = subprocess.run(walk, capture_output=True, text=True, check=True).stdout.split()
    rng, cache = random.Random(0), tmp_path / "cache"
    left: list[int] = []
    for _ in range(3):
        with subprocess.Popen([*walk, str(cache)], stdout=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            time.sleep(rng.uniform(0.05, 0.5))
            process.send_signal(signal.SIGKILL)
        left.append(len(list(cache.glob("[!.]*.npz"))) if cache.is_dir() else 0)
    assert left == sorted(left)
    done = subprocess.run([*walk, str(cache)], capture_output=True, text=True, check=True)
    digest, read = done.stdout.split()[1:]
    assert digest == whole[1]
    assert int(read) == 16 - left[-1]
