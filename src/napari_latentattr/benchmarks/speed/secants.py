"""Works: a picture divided among the maps, and maps among the images, by secants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.benchmarks.speed.work import Work
from napari_latentattr.benchmarks.speed.workloads import Workload, build
from napari_latentattr.methods.channel_rescale import channel_rescales
from napari_latentattr.methods.decompose import decompose
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.secants import Division

RESCALE_TARGETS = {"W1": 15.0, "W2": 6.0}


def decoder(workload: Workload) -> Work:
    """Images of all maps from another case's code; a raw forward is one decode."""
    built = build(replace(workload, n_cases=2))
    model, stack = built.model, built.cohort[0]
    start = model.encode(built.cohort[1].data[None])
    return Work(
        name=f"{workload.name}: decoder, {workload.features[-1]} maps",
        unit="answer",
        units=1,
        target=80.0,
        workload=workload,
        run=lambda: decompose(model, stack, reference=start, method="secant"),
        forward=_decode(model, torch.from_numpy(model.encode(stack.data[None]))),
        exactness=lambda: decompose(model, stack, reference=start, method="secant").residual,
        key="decoder",
    )


def click(workload: Workload) -> Work:
    """One map of the decoder, nothing known before; a raw forward is one decode."""
    built = build(replace(workload, n_cases=2))
    model, stack = built.model, built.cohort[0]
    start = model.encode(built.cohort[1].data[None])
    return Work(
        name=f"{workload.name}: decoder, one map",
        unit="answer",
        units=1,
        target=4.2,
        workload=workload,
        run=lambda: decompose(model, stack, reference=start, method="secant", maps=[3]),
        forward=_decode(model, torch.from_numpy(model.encode(stack.data[None]))),
    )


def next_click(workload: Workload) -> Work:
    """Another map of the same case, its secants at hand; a raw forward is one decode."""
    built = build(replace(workload, n_cases=2))
    model = built.model
    ends = [torch.from_numpy(model.encode(built.cohort[i].data[None])) for i in (0, 1)]
    with model.running():
        division = Division(model, "decoder", *ends)

    def run() -> Tensor:
        with model.running():
            return division.parts([3])

    return Work(
        name=f"{workload.name}: decoder, the next map",
        unit="answer",
        units=1,
        target=1.25,
        workload=workload,
        run=run,
        forward=_decode(model, ends[0]),
    )


def rescale(workload: Workload) -> Work:
    """Shares of all images in all maps, at every latent."""
    built = build(replace(workload, n_cases=1))
    model, stack = built.model, built.cohort[0]

    def run() -> float:
        found = channel_rescales(model, stack, model.maps, baseline="zero")
        return float(np.max([abs(one.residual) / np.abs(one.score).sum() for one in found]))

    return Work(
        name=f"{workload.name}: channel rescale, {workload}",
        unit="answer",
        units=1,
        target=RESCALE_TARGETS.get(workload.name, 15.0),
        workload=workload,
        run=run,
        forward=built.forward,
        exactness=run,
    )


def _decode(model: LatentModel, z: Tensor) -> Callable[[], object]:
    @torch.inference_mode()
    def forward() -> Tensor:
        return model.decode_tensor(z)

    return forward
