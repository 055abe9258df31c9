"""Works: Shapley shares of the images of one case, at every latent of all maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from napari_latentattr.benchmarks.speed.work import Work
from napari_latentattr.benchmarks.speed.workloads import Built, Workload, build
from napari_latentattr.methods.channel_shapley import channel_shapley
from napari_latentattr.methods.coalition_plans import both_ways, every_mixture
from napari_latentattr.model.mixing import MixEncoder, Order

ORDERS = 25
# Of the 25 random orders of 16 images that the target was set with, all different. The function
# encodes more of them, for a 26th order and so that shares of nothing are zero to the last bit.
DISTINCT = 347


def exact_shapley(workload: Workload) -> Work:
    """All mixtures of a few images; the unit is the whole answer."""
    built, n = _one_case(workload), workload.features[0]
    return Work(
        name=f"{workload.name}: exact Shapley, {2**n} coalitions, {workload}",
        unit="answer",
        units=1,
        target=12.0,
        workload=workload,
        run=lambda: channel_shapley(built.model, built.cohort[0], baseline="zero"),
        forward=built.forward,
        exactness=lambda: _exactness(built, every_mixture(tuple(range(n)), n).mixtures),
        key="shapley",
    )


def sampled_shapley(workload: Workload) -> Work:
    """Random orders of many images; a unit is one of their distinct coalitions."""
    built, n = _one_case(workload), workload.features[0]
    return Work(
        name=f"{workload.name}: Shapley, {DISTINCT} coalitions of {ORDERS} orders, {workload}",
        unit="coalition",
        units=DISTINCT,
        target=0.85,
        workload=workload,
        run=lambda: channel_shapley(
            built.model, built.cohort[0], baseline="zero", permutations=ORDERS
        ),
        forward=built.forward,
        exactness=lambda: _exactness(built, both_ways(tuple(range(n)), n).mixtures),
        key="shapley",
    )


def _one_case(workload: Workload) -> Built:
    return build(replace(workload, n_cases=1))


@torch.inference_mode()
def _exactness(built: Built, mixtures: Sequence[Order]) -> float:
    """Largest difference of latents from those of masked forwards, over the largest latent."""
    x = torch.from_numpy(built.cohort[0].data[None].copy())
    encoder, model = MixEncoder(built.model), built.model
    case = encoder.between(torch.zeros_like(x), x)
    away, largest = 0.0, 0.0
    with model.running():
        for batch in encoder.batches(case, len(mixtures)):
            rows = mixtures[batch]
            plain = torch.cat([model.encode_tensor(_masked(x, row)) for row in rows])
            away = max(away, float((encoder.latents(case, rows) - plain).abs().max()))
            largest = max(largest, float(plain.abs().max()))
    return away / largest


def _masked(x: Tensor, kept: Order) -> Tensor:
    out = torch.zeros_like(x)
    out[:, list(kept)] = x[:, list(kept)]
    return out
