"""Works: patches of all images covered one after the other, all maps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from napari_latentattr.benchmarks.speed.work import Work
from napari_latentattr.benchmarks.speed.workloads import Built, Workload, build
from napari_latentattr.core.progress import SILENT
from napari_latentattr.methods.covering import WindowEffects
from napari_latentattr.methods.occlusion import occlude

PATCH, STRIDE = 16, 8
TARGETS = {"W1": 25.0, "W2": 46.0}


def covering(workload: Workload) -> Work:
    """Cover every patch with zero; the unit is the whole answer, its cache included."""
    built = build(replace(workload, n_cases=1))
    windows = int(np.prod([(n - PATCH) // STRIDE + 1 for n in workload.shape]))
    return Work(
        name=f"{workload.name}: occlusion, {windows:,} patches, {workload}",
        unit="answer",
        units=1,
        target=TARGETS.get(workload.name, 46.0),
        workload=workload,
        run=lambda: _covered(built),
        forward=built.forward,
        exactness=lambda: _exactness(built),
        key="occlusion",
    )


def _covered(built: Built) -> WindowEffects:
    found, _ = occlude(
        built.model,
        built.cohort[0],
        cohort=None,
        latents=None,
        patch=PATCH,
        stride=STRIDE,
        fill="zero",
        together=True,
        seed=0,
        progress=SILENT,
    )
    return found


@torch.inference_mode()
def _exactness(built: Built, *, tried: int = 12) -> float:
    """Largest difference from covering and encoding whole, over the largest effect."""
    found, model = _covered(built), built.model
    x = torch.from_numpy(built.cohort[0].data[None].copy())
    counts = found.effects.shape[2:]
    away, largest = 0.0, 0.0
    with model.running():
        own = _map_means(model.encode_tensor(x))
        for window in np.linspace(0, np.prod(counts) - 1, tried).astype(int):
            at = np.unravel_index(window, counts)
            covered = x.clone()
            inside: Any = (..., *(slice(STRIDE * i, STRIDE * i + PATCH) for i in at))
            covered[inside] = 0
            truth = own - _map_means(model.encode_tensor(covered))
            away = max(away, float(np.abs(found.effects[(0, slice(None), *at)] - truth).max()))
            largest = max(largest, float(np.abs(truth).max()))
    return away / largest


def _map_means(code: torch.Tensor) -> np.ndarray:
    return np.asarray(code.double().flatten(2).mean(-1)[0].numpy())
