"""Peers: the plain ways, as anyone would write them down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from napari_latentattr.benchmarks.speed.peer import Peer
from napari_latentattr.benchmarks.speed.shapley import DISTINCT
from napari_latentattr.benchmarks.speed.workloads import Workload, build_workload
from napari_latentattr.methods.coalition_plans import EXACT, both_ways, every_mixture

STEPS = 8


def masked_forwards(workload: Workload, *, batch: int, many: int, target: float) -> Peer:
    """Encode mixtures, a batch at a time; gives the mean of each map (n, K).

    Where there are too many images for all mixtures, those of one order, to and fro.
    """
    module, x = build_workload(replace(workload, n_cases=1))
    encoder, n = module.get_submodule("encoder"), workload.features[0]
    plan = (every_mixture if n <= EXACT else both_ways)(tuple(range(n)), n)
    kept = torch.zeros(len(plan.mixtures), n, *[1] * len(workload.shape))
    for row, mixture in enumerate(plan.mixtures):
        kept[row, list(mixture)] = 1

    @torch.inference_mode()
    def run(mixtures: int) -> Tensor:
        rows = kept[:mixtures]
        starts = range(0, mixtures, batch)
        return torch.cat([map_means(encoder(x * rows[i : i + batch])) for i in starts])

    how = "one by one" if batch == 1 else f"{batch} at a time"
    return Peer(
        name=f"{workload.name}: plain forwards of mixtures, {how}, all maps",
        unit="mixture",
        key="shapley",
        workload=workload,
        few=0,
        many=many,
        full=2**n if n <= EXACT else DISTINCT,
        target=target,
        run=run,
        forward=plain_forward(encoder, x),
    )


def jvp_loop(workload: Workload, *, many: int, target: float) -> Peer:
    """Images (n, C, *S) of maps by forward derivatives, averaged on the way from a code of zeros.

    A raw forward is one decode.
    """
    module, x = build_workload(replace(workload, n_cases=1))
    decoder = module.get_submodule("decoder")
    with torch.no_grad():
        code = module.get_submodule("encoder")(x)

    @torch.no_grad()
    def run(maps: int) -> Tensor:
        return torch.cat([_drawn(decoder, code, k) for k in range(maps)])

    return Peer(
        name=f"{workload.name}: torch.func.jvp, {STEPS} steps a map, all maps",
        unit="map",
        key="decoder",
        workload=workload,
        few=0,
        many=many,
        full=workload.features[-1],
        target=target,
        run=run,
        forward=plain_forward(decoder, code),
    )


def _drawn(decoder: torch.nn.Module, code: Tensor, which: int) -> Tensor:
    """Mean derivative along one map, at the middles of the steps, times what the map changes."""
    along = torch.zeros_like(code)
    along[:, which] = code[:, which]
    total = torch.zeros(())
    for step in range(STEPS):
        at = code * ((step + 0.5) / STEPS)
        total = total + torch.func.jvp(decoder, (at,), (along,))[1]
    return total / STEPS


def plain_forward(module: torch.nn.Module, x: Tensor) -> Callable[[], Tensor]:
    """One raw forward, to be called again and again."""

    @torch.inference_mode()
    def forward() -> Tensor:
        out: Tensor = module(x)
        return out

    return forward


def map_means(code: Tensor) -> Tensor:
    """Mean of each map (N, K) of a code (N, K, *L)."""
    return code.flatten(2).mean(-1)
