"""Peers: what captum and MONAI offer for the same answers, and the list of all peers."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from importlib.metadata import version

import torch
from torch import Tensor, nn

from napari_latentattr.benchmarks.speed.importance import TABLE, sklearn_importance
from napari_latentattr.benchmarks.speed.peer import MissingPeer, Peer, PeerBuilder
from napari_latentattr.benchmarks.speed.plain_ways import (
    jvp_loop,
    map_means,
    masked_forwards,
    plain_forward,
)
from napari_latentattr.benchmarks.speed.workloads import WORKLOADS, Workload, build_workload

ORDERS, PATCH, STRIDE = 25, 16, 8


def captum_shapley(workload: Workload, *, few: int, many: int, target: float) -> Peer:
    """Shares (K, C) of the images in the means of all maps, from random orders."""
    from captum.attr import ShapleyValueSampling

    encoder, x = _encoder_and_case(workload)
    images = torch.arange(x.shape[1]).view(1, -1, *[1] * len(workload.shape))
    sampling = ShapleyValueSampling(lambda case: map_means(encoder(case)))

    @torch.inference_mode()
    def run(orders: int) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            shares: Tensor = sampling.attribute(x, feature_mask=images, n_samples=orders)
        return shares[0].flatten(2)[..., 0].clone()

    return Peer(
        name=f"{workload.name}: captum {version('captum')} ShapleyValueSampling, all maps",
        unit="order",
        key="shapley",
        workload=workload,
        few=few,
        many=many,
        full=ORDERS,
        target=target,
        run=run,
        forward=plain_forward(encoder, x),
    )


def captum_occlusion(workload: Workload, *, few: int, many: int, target: float) -> Peer:
    """Volume (C, *S) of what covering patches does to the mean of the last map, one map alone."""
    from captum.attr import Occlusion

    encoder, x = _encoder_and_case(workload)
    full = math.prod(_windows(workload))
    left = 0

    def last_map(case: Tensor) -> Tensor:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Enough
        return map_means(encoder(case))[:, -1]

    @torch.inference_mode()
    def run(windows: int) -> Tensor | None:
        nonlocal left
        left = 1 + windows  # the first one is the case as it is
        sides = (x.shape[1], *[PATCH] * len(workload.shape))
        strides = (x.shape[1], *[STRIDE] * len(workload.shape))
        try:
            volume: Tensor = Occlusion(last_map).attribute(x, sides, strides=strides)
        except _Enough:
            return None
        return volume[0]

    return Peer(
        name=f"{workload.name}: captum {version('captum')} Occlusion, one map",
        unit="window",
        key="occlusion",
        workload=workload,
        few=few,
        many=many,
        full=full,
        target=target,
        run=run,
        forward=plain_forward(encoder, x),
    )


class _Enough(Exception):
    """Ends a run that has no option to do less than everything."""


def monai_occlusion(workload: Workload, *, few: int, many: int, target: float) -> Peer:
    """Volumes (K, *S) of the means of all maps with patches covered; `few`, `many` along an axis.

    Raises
    ------
    MissingPeer
        When MONAI is not installed.
    """
    try:
        from monai.visualize.occlusion_sensitivity import OcclusionSensitivity
    except ImportError as error:
        raise MissingPeer(
            f"{workload.name}: MONAI OcclusionSensitivity is left out, for MONAI is not "
            "installed; run pip install 'napari-latentattr[monai]'"
        ) from error

    encoder, x = _encoder_and_case(workload)
    axes = len(workload.shape)
    full = math.prod(_windows(workload))
    sensitivity = OcclusionSensitivity(
        _Means(encoder),
        mask_size=PATCH,
        n_batch=4,
        overlap=1 - STRIDE / PATCH,
        mode=0.0,
        activate=False,
        verbose=False,
    )

    @torch.inference_mode()
    def run(windows: int) -> Tensor:
        across = PATCH + STRIDE * (round(windows ** (1 / axes)) - 1)
        # MONAI adds half a patch to the far side of the box that it is given.
        box = None if windows == full else [0, across - (PATCH - 1) // 2] * axes
        covered: Tensor = sensitivity(x, b_box=box)[0]
        return covered[0]

    return Peer(
        name=f"{workload.name}: MONAI {version('monai')} OcclusionSensitivity, all maps",
        unit="window",
        key="occlusion",
        workload=workload,
        few=few**axes,
        many=many**axes,
        full=full,
        target=target,
        run=run,
        forward=plain_forward(encoder, x),
    )


class _Means(nn.Module):
    """The mean of each map, as MONAI wants the answers of a network."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: Tensor) -> Tensor:
        """Return the means (N, K)."""
        return map_means(self.encoder(x))


def _encoder_and_case(workload: Workload) -> tuple[nn.Module, Tensor]:
    module, images = build_workload(replace(workload, n_cases=1))
    return module.get_submodule("encoder"), images


def _windows(workload: Workload) -> list[int]:
    """Windows along each axis."""
    return [(n - PATCH) // STRIDE + 1 for n in workload.shape]


_W1, _W2 = WORKLOADS
PEERS: tuple[PeerBuilder, ...] = (
    partial(captum_shapley, _W1, few=1, many=6, target=4.0),
    partial(captum_shapley, _W2, few=1, many=8, target=30.0),
    partial(masked_forwards, _W1, batch=1, many=32, target=1.25),
    partial(masked_forwards, _W1, batch=4, many=32, target=1.25),
    partial(masked_forwards, _W2, batch=1, many=16, target=1.2),
    partial(masked_forwards, _W2, batch=4, many=16, target=1.2),
    partial(captum_occlusion, _W1, few=16, many=96, target=58.0),
    partial(captum_occlusion, _W2, few=16, many=64, target=58.0),
    partial(monai_occlusion, _W1, few=4, many=10, target=33.0),
    partial(monai_occlusion, _W2, few=2, many=4, target=33.0),
    partial(jvp_loop, _W1, many=2, target=20.0),
    partial(jvp_loop, _W2, many=1, target=20.0),
    partial(sklearn_importance, TABLE, target=13.0),
)
