"""How fast the answers are, next to raw forwards on the same machine and to what others need."""

from napari_latentattr.benchmarks.speed.peers import PEERS
from napari_latentattr.benchmarks.speed.run import WORKS, Speed, speed
from napari_latentattr.benchmarks.speed.workloads import WORKLOADS, Workload, build_workload

__all__ = ["PEERS", "WORKLOADS", "WORKS", "Speed", "Workload", "build_workload", "speed"]
