"""Trying a model on noise before anybody trusts it.

Knows the model's public methods only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import picture


@dataclass(frozen=True, slots=True)
class SelfTest:
    """How a loaded model behaved when it was tried.

    Attributes
    ----------
    gap : float
        Largest difference between decode(encode(x)) and the model's own output, relative to its
        largest value; NaN where a skip connection makes them differ by design.
    repeats : bool
        The same input gave the same bits twice.
    other_shape : bool
        It also ran on an input of another size.
    """

    gap: float
    repeats: bool
    other_shape: bool


def self_test(model: LatentModel) -> SelfTest:
    """Try the model on noise: decoding, repeating, another size."""
    spec, x = model.spec, model.noise(seed=2)
    with model.running():
        z, again = (model.encode_tensor(x).clone() for _ in range(2))
        whole = picture(model.module(x), spec.n_channels, spec.ndim)
        gap = float("nan")
        if whole is not None and not spec.skips:
            scale = whole.abs().max().clamp_min(1e-12)
            gap = float((model.decode_tensor(z) - whole).abs().max() / scale)
        try:
            model.encode_tensor(x.repeat(1, 1, *[2] * spec.ndim))
            other_shape = True
        except (RuntimeError, ValueError):
            other_shape = False
    return SelfTest(gap, bool(torch.equal(z, again)), other_shape)
