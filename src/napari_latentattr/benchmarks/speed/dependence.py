"""Work: channel dependence with swaps, statistics and verdicts."""

from __future__ import annotations

from napari_latentattr.benchmarks.speed.work import Work
from napari_latentattr.benchmarks.speed.workloads import DONORS, Workload, build
from napari_latentattr.methods.channel_dependence import channel_dependence


def dependence(workload: Workload) -> Work:
    """Channel dependence of all maps; a unit is the pass of one swapped stack."""
    built = build(workload)
    return Work(
        name=f"{workload.name}: {workload.n_cases} cases, {workload}",
        unit="pass",
        units=workload.passes,
        target=workload.target,
        workload=workload,
        run=lambda: channel_dependence(built.model, built.cohort, donors=DONORS),
        forward=built.forward,
    )
