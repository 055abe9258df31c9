"""Measure how the window behaves, in a real napari window, and print a table.

Usage: xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" python scripts/measure_window.py

Opening the dock, the first feature maps of volumes of 96 cubed with four images, the longest time
that the thread of the window did not answer while jobs ran, and the memory after many runs.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

os.environ["NAPARI_LATENTATTR_DATA"] = tempfile.mkdtemp(prefix="latentattr-measure-")
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")

import napari
from qtpy.QtCore import QElapsedTimer, Qt, QTimer
from qtpy.QtWidgets import QApplication

RUNS = 50
CASES = 8


class Heartbeat:
    """Longest time between two beats of the window's thread."""

    def __init__(self) -> None:
        self.clock, self.longest, self.all = QElapsedTimer(), 0.0, []
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Begin to count."""
        self.longest, self.all = 0.0, []
        self.clock.start()
        self.timer.start(2)

    def stop(self) -> float:
        """Stop, and return the longest time in ms."""
        self.timer.stop()
        return self.longest

    def _beat(self) -> None:
        passed = self.clock.nsecsElapsed() / 1e6
        self.clock.restart()
        self.all.append(passed)
        self.longest = max(self.longest, passed)


def wait_until_idle(dock: object) -> None:
    """Let the window live until no job runs or waits."""
    app = QApplication.instance()
    quiet = 0
    while quiet < 5:
        app.processEvents()
        quiet = 0 if dock.runner.busy else quiet + 1
        time.sleep(0.001)


def resident_mb() -> float:
    """Memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def make_study():
    """Eight made-up cases of 96 cubed with four images, and an untrained model of 64 maps."""
    from napari_latentattr import Cohort, LatentModel
    from napari_latentattr.benchmarks.speed import WORKLOADS, build_workload
    from napari_latentattr.cohort.study import Study

    work = WORKLOADS[1]
    module, images = build_workload(work)
    x = images.numpy()[:CASES].copy()
    rng = np.random.default_rng(0)
    region = np.zeros((CASES, *work.shape), dtype=bool)
    for i in range(CASES):
        z, y, a = rng.integers(10, 50, 3)
        region[i, z : z + 30, y : y + 30, a : a + 30] = True
        x[i, 0][region[i]] += 3
    names = ["T1", "T2", "PD", "FLAIR"]
    cohort = Cohort.from_arrays(x, channels=names, labels={"lesion": region})
    model = LatentModel.from_module(module, latent="encoder", n_channels=4, ndim=3)
    return Study("made-up", None, model, cohort, "lesion", 0)


def main() -> None:
    """Measure and print."""
    rows: list[tuple[str, str, str]] = []
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1600, 1000)
    app = QApplication.instance()
    app.processEvents()
    began = time.perf_counter()
    from napari_latentattr.widgets.entrance import dock_in

    imported = time.perf_counter() - began
    began = time.perf_counter()
    dock = dock_in(viewer)
    app.processEvents()
    opened = time.perf_counter() - began
    torch_there = "torch" in sys.modules
    rows.append(("open the dock, first paint included", f"{opened:.2f} s", "0.30 s"))
    rows.append(("importing the plugin's window, once", f"{imported:.2f} s", ""))
    rows.append(("torch imported by then", "yes" if torch_there else "no", "no"))

    from napari_latentattr import jobs
    from napari_latentattr.session import Opened

    study = make_study()
    beat = Heartbeat()
    beat.start()
    began = time.perf_counter()
    dock.session.use(Opened(study))
    while dock.session.latents is None:
        app.processEvents()
    wait_until_idle(dock)
    first = time.perf_counter() - began
    rows.append(("first feature maps, 4 images of 96 x 96 x 96", f"{first:.2f} s", ""))
    rows.append(("longest stall until then", f"{beat.stop():.0f} ms", ""))

    for name, make in (
        ("channels", lambda: jobs.measure(dock.session)),
        ("rank", lambda: jobs.rank(dock.session)),
    ):
        beat.start()
        began = time.perf_counter()
        dock.start(make)
        wait_until_idle(dock)
        took = time.perf_counter() - began
        worst = sorted(beat.all)[-3:]
        rows.append(
            (
                f"longest stall during `{name}` ({took:.0f} s)",
                f"{beat.stop():.0f} ms (then {worst[-2]:.0f}, {worst[-3]:.0f})",
                "100 ms",
            )
        )
        dock.start(make)
        until = time.perf_counter() + 0.7
        while time.perf_counter() < until:
            app.processEvents()
        began = time.perf_counter()
        dock.runner.cancel()
        while dock.runner.busy:
            app.processEvents()
        rows.append((f"cancel `{name}`", f"{time.perf_counter() - began:.2f} s", "0.30 s"))

    from napari_latentattr.methods._registry import methods

    method = methods()["encode_alone"]
    for i in range(RUNS + 10):
        if i == 10:
            gc.collect()
            before = resident_mb()
        dock.session.select(map=i % study.model.spec.n_maps)
        dock.start(lambda: jobs.attribute(dock.session, method, {}))
        wait_until_idle(dock)
    gc.collect()
    grown = (resident_mb() - before) / before
    layers = len(viewer.layers)
    rows.append((f"memory growth over {RUNS} more runs", f"{100 * grown:.1f} %", "5 %"))
    rows.append(("layers at the end", f"{layers}", "7"))
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, napari {napari.__version__}\n")
    print("| what | measured | target |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    dock.shut()
    viewer.close()


if __name__ == "__main__":
    main()
