"""Which layers let every latent depend on every voxel: found by disturbing what is far away.

Types are asked only where numbers cannot tell; a layer is named because it was seen to do it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_latentattr.model.passes import run_to, watch
from napari_latentattr.model.receptive_field import AxisField, double_copy

_NOISE = 1e-9  # relative; float64 sums differ by 1e-13 when their terms are reordered
_LOCAL = (nn.modules.conv._ConvNd, nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd)


def layers_that_see_everything(
    module: nn.Module, layer: str, fields: Sequence[AxisField], *, n_channels: int
) -> tuple[str, ...]:
    """Name the layers through which a latent depends on voxels outside its receptive field.

    Returns
    -------
    tuple of str
        Empty when no latent moved; ``("unknown",)`` when one did and no layer owns up to it.
    """
    twin = double_copy(module)
    with torch.no_grad():
        if not any(_leaks(twin, layer, axis, f, n_channels) for axis, f in enumerate(fields)):
            return ()
        x = _noise((1, n_channels, *fields[0].shape), twin, seed=0)
        return _culprits(twin, layer, x) or ("unknown",)


def _leaks(twin: nn.Module, layer: str, axis: int, field: AxisField, n_channels: int) -> bool:
    """Whether latent `field.index` moves when all outside its box is redrawn."""
    if field.whole:
        return True
    x = _noise((1, n_channels, *field.shape), twin, seed=0)
    other = _noise(tuple(x.shape), twin, seed=1)
    low, high = field.box
    inside = slice(low, high + 1)
    other.movedim(axis + 2, 0)[inside] = x.movedim(axis + 2, 0)[inside]
    before, after = (
        run_to(twin, layer, v).select(axis + 2, field.index).clone() for v in (x, other)
    )
    return _moved(before, after)


def _culprits(twin: nn.Module, layer: str, x: Tensor) -> tuple[str, ...]:
    calls, _ = watch(twin, x)
    names = [c.name for c in calls]
    turns = {c.name: c.seen for c in calls[: names.index(layer) + 1]}
    parts = {n: twin.get_submodule(n) for n in turns}
    far = [n for n, seen in turns.items() if seen is not None and _sees_far(parts[n], seen)]
    leaves = tuple(n for n in far if not any(parts[n].children()) or _attends(parts[n]))
    if leaves:
        return leaves
    return tuple(n for n in far if not any(m != n and m.startswith(f"{n}.") for m in far))


def _sees_far(part: nn.Module, seen: Tensor) -> bool:
    """Whether the last corner of the output moves with the first corner of the input."""
    if _attends(part):
        return True
    if isinstance(part, _LOCAL):
        return False
    other = seen.clone()
    other[_corner(seen.ndim, 0)] += 1.0 + other.abs().max()
    try:
        before, after = part(seen.clone()), part(other)
    except (TypeError, RuntimeError):
        return False  # takes more than one argument: its own parts are asked instead
    if not (isinstance(before, Tensor) and isinstance(after, Tensor)):
        return False
    last = _corner(before.ndim, -1)
    return _moved(before[last], after[last])


def _corner(ndim: int, index: int) -> tuple[int | slice, ...]:
    """All features at the first or last position: (0, :, i, i), tokens (0, i), features (0, i)."""
    return (0, slice(None), *[index] * (ndim - 2)) if ndim > 3 else (0, index)


def _attends(part: nn.Module) -> bool:
    return isinstance(part, nn.MultiheadAttention)


def _moved(before: Tensor, after: Tensor) -> bool:
    return bool((before - after).abs().max() > _NOISE * before.abs().max().clamp_min(1e-12))


def _noise(shape: tuple[int, ...], like: nn.Module, *, seed: int) -> Tensor:
    device = next((p.device for p in like.parameters()), torch.device("cpu"))
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(device)
