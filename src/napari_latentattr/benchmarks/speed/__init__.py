"""How fast the answers are, next to raw encoder forwards on the same machine; one work a file."""

from napari_latentattr.benchmarks.speed.run import WORKS, Speed, speed
from napari_latentattr.benchmarks.speed.workloads import WORKLOADS, Workload, build_workload

__all__ = ["WORKLOADS", "WORKS", "Speed", "Workload", "build_workload", "speed"]
