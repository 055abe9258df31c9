"""Stand-ins for another case when there is only one: images that keep their own texture.

They are no substitute for cases: results that rest on them are labelled approximate.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_latentattr.core.types import Bool, Float32


def shifted(image: Float32, mask: Bool, rng: np.random.Generator) -> Float32:
    """Image moved around its own body as on a torus; outside `mask` nothing changes.

    Parameters
    ----------
    image : (*S) float32 array
    mask : (*S) bool array
    rng : numpy.random.Generator
    """
    box = _bounding_box(mask)
    inside = _fill_outside(image[box], mask[box])
    steps = [int(rng.integers(1, n)) if n > 1 else 0 for n in inside.shape]
    return _paste(np.roll(inside, steps, range(inside.ndim)), image, mask, box)


def phase_randomised(image: Float32, mask: Bool, rng: np.random.Generator) -> Float32:
    """Image with the same spectrum and the same values, but random phases; inside `mask` only.

    References
    ----------
    Theiler et al., Physica D, 1992 (amplitude-adjusted Fourier surrogates).
    """
    box = _bounding_box(mask)
    inside = _fill_outside(image[box], mask[box])
    amplitude = np.abs(np.fft.rfftn(inside - inside.mean()))
    phase = np.angle(np.fft.rfftn(rng.standard_normal(inside.shape)))
    noise = np.fft.irfftn(amplitude * np.exp(1j * phase), inside.shape, axes=range(inside.ndim))
    order = np.argsort(noise[mask[box]])
    values = np.empty(order.size, dtype=np.float32)
    values[order] = np.sort(image[mask])
    remapped = image[box].copy()
    remapped[mask[box]] = values
    return _paste(remapped, image, mask, box)


def _bounding_box(mask: Bool) -> tuple[slice, ...]:
    if not mask.any():
        raise ValueError("the mask is empty")
    return tuple(slice(int(where.min()), int(where.max()) + 1) for where in (np.nonzero(mask)))


def _fill_outside(image: Float32, mask: Bool) -> Float32:
    """Continue the body beyond its edge with the nearest value inside."""
    if mask.all():
        return image
    nearest = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return np.asarray(image[tuple(nearest)])


def _paste(inside: Float32, image: Float32, mask: Bool, box: tuple[slice, ...]) -> Float32:
    out = image.copy()
    out[box] = np.where(mask[box], inside, image[box])
    return out
