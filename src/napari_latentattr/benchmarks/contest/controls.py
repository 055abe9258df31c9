"""What the asker tried first: likeness of a map to images, by bare correlations and spatial nulls.

The registered controls `encode_alone` and `solo`, asked of all cases and maps at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
from scipy import stats

from napari_latentattr.benchmarks.contest.calls import Calls, body_of
from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.inference import benjamini_hochberg
from napari_latentattr.core.similarity import rank_correlation
from napari_latentattr.core.surrogates import phase_randomised, shifted
from napari_latentattr.core.types import Bool, Float32, Float64, ImageStack
from napari_latentattr.model.latent import LatentModel

Surrogate: TypeAlias = Callable[[Float32, Bool, np.random.Generator], Float32]

DRAWS = 49


def encode_alone(model: LatentModel, cohort: Cohort) -> dict[str, Calls]:
    """Correlate each map with itself when one image is encoded alone, the others zero."""
    inside = body_of(model, cohort)
    found = []
    for stack in cohort:
        code, responses = responses_alone(model, stack)
        alike = [
            rank_correlation(
                responses[:, k], np.broadcast_to(code[k], responses[:, k].shape), inside
            )
            for k in range(len(code))
        ]
        found.append(np.nan_to_num(alike))
    return _by_likeness("encode alone", np.mean(found, axis=0), int(inside.sum()))


def decode_alone(model: LatentModel, cohort: Cohort) -> dict[str, Calls]:
    """Correlate each image with its picture when one map is decoded alone, the others zero."""
    found, voxels = [], 0
    for stack in cohort:
        code = model.encode(stack.data[None])[0]
        alone = np.zeros((len(code), *code.shape), dtype=np.float32)
        alone[np.arange(len(code)), np.arange(len(code))] = code
        alike = [rank_correlation(p, stack.data, stack.mask) for p in model.decode(alone)]
        found.append(np.nan_to_num(alike))
        voxels = stack.data[0].size if stack.mask is None else int(stack.mask.sum())
    return _by_likeness("decode alone", np.mean(found, axis=0), voxels)


def responses_alone(model: LatentModel, stack: ImageStack) -> tuple[Float32, Float32]:
    """Code (K, *L) of a case, and those (C, K, *L) of each image alone, the others zero."""
    n = len(stack.channels)
    alone = np.zeros((n, *stack.data.shape), dtype=np.float32)
    alone[np.arange(n), np.arange(n)] = stack.data
    return model.encode(stack.data[None])[0], model.encode(alone)


def _by_likeness(name: str, rho: Float64, places: int) -> dict[str, Calls]:
    """Call by the p value as if places were independent, and by two bounds of rho (K, C)."""
    size = np.minimum(np.abs(rho), 1 - 1e-12)
    t = size * np.sqrt((places - 2) / (1 - size**2))
    called = {
        "p < .05": 2 * stats.t.sf(t, places - 2) < 0.05,
        "rho > .3": rho > 0.3,
        "rho > .5": rho > 0.5,
    }
    return {f"{name}, {rule}": Calls(found, rho) for rule, found in called.items()}


def _spatial_null(
    name: str, make: Surrogate, model: LatentModel, cohort: Cohort
) -> dict[str, Calls]:
    """Test the likeness of `encode_alone` against surrogates of the map.

    Means over cases are as good as normal, so that few draws tell small p values, too.
    """
    inside = body_of(model, cohort)
    rng = np.random.default_rng(0)
    total = np.zeros(())
    for stack in cohort:
        code, responses = responses_alone(model, stack)
        ranks = _standard_ranks(responses[:, :, inside])
        rho = [
            _standard_ranks(_with_surrogates(image, inside, make, rng)) @ ranks[:, k].T
            for k, image in enumerate(code)
        ]
        total = total + np.stack(rho, axis=1) / len(cohort)  # (1 + draws, K, C)
    rho, null = total[0], total[1:]
    away = np.abs(rho - null.mean(axis=0)) / np.maximum(null.std(axis=0, ddof=1), 1e-12)
    p = np.where(rho == 0, 1.0, 2 * stats.norm.sf(away))
    return {name: Calls(benjamini_hochberg(p) < 0.05, np.abs(rho))}


def _with_surrogates(
    image: Float32, inside: Bool, make: Surrogate, rng: np.random.Generator
) -> Float32:
    """Values (1 + draws, V) of a map and of its surrogates inside the body."""
    drawn = [make(image, inside, rng)[inside] for _ in range(DRAWS)]
    return np.stack([image[inside], *drawn])


def _standard_ranks(values: Float32) -> Float64:
    """Ranks along the last axis with mean 0 and norm 1; 0 where all values agree."""
    ranks = stats.rankdata(values, axis=-1)
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    norm = np.linalg.norm(ranks, axis=-1, keepdims=True)
    return np.asarray(ranks / np.where(norm > 0, norm, 1.0))


shift_null = partial(_spatial_null, "encode alone, shifted maps, q < .05", shifted)
phase_null = partial(_spatial_null, "encode alone, random phases, q < .05", phase_randomised)
