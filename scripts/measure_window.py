"""Measure how the window behaves, in a real napari window, and print a table.

Usage: xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" \
           python scripts/measure_window.py [jobs] [pictures] [memory] [cancel]

Opening the dock and the first feature maps of volumes of 96 cubed with four images; then all
parts, or those that are named: the longest time that the thread of the window did not answer while
jobs ran and what it did meanwhile, the memory after many runs, and how soon jobs stop.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

os.environ["NAPARI_LATENTATTR_DATA"] = tempfile.mkdtemp(prefix="latentattr-measure-")
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")

import napari
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QApplication, QWidget

from window_watch import WindowWatch

Row: TypeAlias = tuple[str, str, str]

# Pictures are kept until there are `MOST_PICTURES`; from then on memory should stand still.
RUNS, WARM = 50, 18
CASES = 8
REST = 2.0  # seconds after a job in which the window draws what came
SHOWN = 3  # stalls a job whose cause is printed


class Drawn(QObject):
    """Notices when a widget is drawn."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.seen = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look on."""
        self.seen |= event.type() == QEvent.Type.Paint
        return False


def wait_until(there: Callable[[], bool]) -> None:
    """Let the window live until something is there."""
    while not there():
        QApplication.instance().processEvents()
        time.sleep(0.001)


def wait_until_idle(dock: object, rest: float = REST) -> None:
    """Let the window live until no job runs or waits, and all is drawn."""
    quiet = time.perf_counter()
    while time.perf_counter() < quiet + rest:
        QApplication.instance().processEvents()
        if dock.runner.busy or dock.canvas.busy:
            quiet = time.perf_counter()
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
    from napari_latentattr.methods._registry import methods

    methods()  # as the job that opens a study does
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


def measure_opening(viewer: napari.Viewer) -> tuple[object, list[Row]]:
    """Open the dock, before any study."""
    began = time.perf_counter()
    from napari_latentattr.widgets.entrance import dock_in

    imported = time.perf_counter() - began
    began = time.perf_counter()
    dock = dock_in(viewer)
    drawn = Drawn(dock.footer)  # the last part of the dock
    wait_until(lambda: drawn.seen)
    opened = time.perf_counter() - began
    return dock, [
        ("open the dock, first paint included", f"{opened:.2f} s", "0.30 s"),
        ("importing the plugin's window, once", f"{imported:.2f} s", ""),
        ("torch imported by then", "yes" if "torch" in sys.modules else "no", "no"),
    ]


def longest_stalls(dock: object, watch: WindowWatch, name: str, do: Callable[[], object]) -> Row:
    """Do one long work, and see how long the window does not answer."""
    watch.start()
    began = time.perf_counter()
    do()
    if dock.session.latents is None:
        wait_until(lambda: dock.session.latents is not None)
    wait_until_idle(dock)
    took = time.perf_counter() - began - REST
    stalls = watch.stop()
    longest = ", ".join(f"{stall.ms:.0f} ({stall.own_ms:.0f})" for stall in stalls[:3])
    for stall in stalls[:SHOWN]:
        print(f"{name}: {stall}", flush=True)
    what = f"longest stalls during {name} ({took:.1f} s; of it CPU of this thread)"
    return what, f"{longest} ms", "100 ms"


def measure_jobs(dock: object, watch: WindowWatch) -> list[Row]:
    """Measure and rank all maps."""
    from napari_latentattr import jobs

    rows = []
    for name, make in (("channels", jobs.measure), ("rank", jobs.rank)):
        go = partial(dock.start, partial(make, dock.session))
        rows.append(longest_stalls(dock, watch, name, go))
    return rows


def measure_pictures(dock: object, watch: WindowWatch) -> list[Row]:
    """Make every kind of picture of one map as people do: on the page, twice the first."""
    closer = dock.inspect.closer

    def click(method: str) -> Callable[[], None]:
        def go() -> None:
            closer.method.setCurrentIndex(closer.method.findData(method))
            closer.go.click()

        return go

    def turn(view: int) -> Callable[[], None]:
        return lambda: closer.views.setCurrentIndex(view)

    def another_map() -> None:
        dock.session.select(map=dock.session.selection.map + 1)

    steps = (
        ("the step Inspect", lambda: dock.show_step("inspect")),
        ("show where: occlusion, the first", click("occlusion")),
        ("check", lambda: closer.check.button.click()),
        ("show where: swaps", click("swaps")),
        ("show where: integrated gradients", click("integrated_gradients")),
        ("all images side by side", lambda: closer.all.setChecked(True)),
        ("one image again", lambda: closer.all.setChecked(False)),
        ("the tab What it draws", turn(1)),
        ("what it draws", click("main_effect")),
        ("traverse, the first", lambda: closer.traverse.click()),
        ("another map", another_map),
        ("traverse, of another map", lambda: closer.traverse.click()),
        ("the tab Show where", turn(0)),
        ("show where: swaps, of another map", click("swaps")),
    )
    return [longest_stalls(dock, watch, name, do) for name, do in steps]


def measure_cancel(dock: object) -> list[Row]:
    """Stop all kinds of long work, and see how long that takes."""
    from napari_latentattr import jobs, picture_jobs
    from napari_latentattr.methods._registry import methods
    from napari_latentattr.samples.folders import sample_folder

    session, study = dock.session, sample_folder("dti") / "study_grouped.yaml"

    def attribute(key: str) -> Callable[[], object]:
        method = methods()[key]
        values = {p.name: p.default for p in method.parameters}
        return lambda: picture_jobs.attribute(session, method, values)

    makes = {
        "`channels`": lambda: jobs.measure(session),
        "`rank`": lambda: jobs.rank(session),
        **{key: attribute(key) for key in ("integrated_gradients", "swaps", "shapley")},
        "opening a study": lambda: jobs.open_study_file(session, study),
    }
    rows = []
    for name, make in makes.items():
        longest = 0.0
        for after in (0.1, 0.4, 0.7, 1.0):
            dock.start(make)
            until = time.perf_counter() + after
            wait_until(lambda until=until: time.perf_counter() > until)
            if dock.runner.busy:
                began = time.perf_counter()
                dock.runner.cancel()
                wait_until(lambda: not dock.runner.busy)
                longest = max(longest, time.perf_counter() - began)
            wait_until(lambda: not dock.runner.leaving)
        rows.append((f"cancel {name}, longest of 4", f"{longest:.2f} s", "0.30 s"))
        session.unfinished.clear()
    return rows


def measure_memory(dock: object, study: object) -> list[Row]:
    """Make many pictures of many maps, and see what they leave behind."""
    from napari_latentattr import picture_jobs
    from napari_latentattr.methods._registry import methods

    method = methods()["encode_alone"]
    for i in range(RUNS + WARM):
        if i == WARM:
            gc.collect()
            before = resident_mb()
        dock.session.select(map=i % study.model.spec.n_maps)
        dock.start(lambda: picture_jobs.attribute(dock.session, method, {}))
        wait_until_idle(dock, rest=0.05)
    gc.collect()
    grown = (resident_mb() - before) / before
    return [(f"memory growth over {RUNS} more runs", f"{100 * grown:.1f} %", "5 %")]


def main(parts: list[str]) -> None:
    """Measure and print."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1600, 1000)
    QApplication.instance().processEvents()
    dock, rows = measure_opening(viewer)
    from napari_latentattr.session import Opened

    study, watch = make_study(), WindowWatch()

    def measure_memory_and_layers() -> list[Row]:
        row = measure_memory(dock, study)
        return [*row, ("layers by then", f"{len(viewer.layers)}", "7")]

    known = {
        "jobs": lambda: measure_jobs(dock, watch),
        "pictures": lambda: measure_pictures(dock, watch),
        "memory": measure_memory_and_layers,
        "cancel": lambda: measure_cancel(dock),
    }
    name = "first feature maps, 4 images of 96 cubed"
    rows.append(longest_stalls(dock, watch, name, lambda: dock.session.use(Opened(study))))
    for part in parts or known:
        rows += known[part]()
    load = os.getloadavg()[0]
    print(f"\n{os.cpu_count()} cores, load {load:.1f}, Python {sys.version.split()[0]}, ", end="")
    print(f"napari {napari.__version__}\n\n| what | measured | target |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    dock.shut()
    viewer.close()


if __name__ == "__main__":
    main(sys.argv[1:])
