"""What can be found out about a model by running it: its bottleneck, and how it is wired.

Nothing here remembers anything; the module is left as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.model.passes import Call, run_to, run_with, watch
from napari_latentattr.model.reach import layers_that_see_everything
from napari_latentattr.model.receptive_field import AxisField, measure_fields
from napari_latentattr.model.skips import cuts, find_skips, same
from napari_latentattr.model.state import undisturbed

# Sides of a square or cubic input that are tried in turn, the usual ones first.
_SIDES = (32, 64, 16, 48, 96, 128, 28, 24, 8, 160, 224, 256)


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found in a model.

    Attributes
    ----------
    layer : str
    n_maps : int
    fields : tuple of AxisField
        Stride, offset and receptive field along each axis.
    skips, everywhere : tuple of str
        See `LatentSpec`.
    first_layer : str or None
        Convolution through which alone the input reaches the latent.
    flat : bool
        The latent has no spatial axes: (N, K).
    shape : tuple of int
        An input shape that works.
    peak : float
        Numbers per voxel of the input that the largest layer up to the latent reads and writes,
        the input itself not counted.
    """

    layer: str
    n_maps: int
    fields: tuple[AxisField, ...]
    skips: tuple[str, ...]
    everywhere: tuple[str, ...]
    first_layer: str | None
    flat: bool
    shape: tuple[int, ...]
    peak: float


def probe(module: nn.Module, *, latent: str | None, n_channels: int, ndim: int) -> Probe:
    """Find the latent of `module` and describe it.

    Parameters
    ----------
    module : nn.Module
    latent : str or None
        Submodule whose output is the latent; found when None.

    Raises
    ------
    ModelError
        When the module does not run, the layer does not exist or is used twice, or several
        layers could be the latent.
    """
    if latent is not None and latent not in dict(module.named_modules()):
        names = ", ".join(name for name, _ in module.named_children())
        raise ModelError(f"the model has no submodule {latent!r}; its parts are {names}")
    with undisturbed(module):
        shape = _working_shape(module, n_channels, ndim)
        x, other = (_noise((1, n_channels, *shape), module, seed) for seed in (0, 1))
        calls, _ = watch(module, x)
        layer = latent if latent is not None else _find_bottleneck(module, calls, x, other)
        z = _latent_of(calls, layer, ndim)
        if not torch.equal(z, _latent_of(watch(module, x)[0], layer, ndim)):
            raise ModelError(
                f"the layer {layer} gives another output each time, so nothing can be measured; "
                "make the model deterministic in evaluation mode or name the layer of the mean"
            )
        first = _first_layer(module, layer, calls, x)
        skips = find_skips(module, layer, x, other)
    fields = measure_fields(module, layer, n_channels=n_channels, shape=shape)
    everywhere = layers_that_see_everything(module, layer, fields, n_channels=n_channels)
    flat = z.ndim == 2
    peak = _peak(calls, layer, x)
    return Probe(layer, z.shape[1], fields, skips, everywhere, first, flat, shape, peak)


def _working_shape(module: nn.Module, n_channels: int, ndim: int) -> tuple[int, ...]:
    reason = ""
    for side in _SIDES:
        shape = (side,) * ndim
        try:
            module(_noise((1, n_channels, *shape), module, 0))
        except (RuntimeError, ValueError, AssertionError, IndexError) as error:
            reason = reason or str(error).splitlines()[0]
            continue
        return shape
    raise ModelError(
        f"the model does not run on {n_channels} images in {ndim}D of side "
        f"{min(_SIDES)} to {max(_SIDES)}: {reason}; check n_channels and ndim"
    )


def _latent_of(calls: Sequence[Call], layer: str, ndim: int) -> Tensor:
    outputs = [c.output for c in calls if c.name == layer]
    if not outputs:
        raise ModelError(f"the layer {layer} is not used when the model runs; name another one")
    if len(outputs) > 1:
        raise ModelError(
            f"the layer {layer} is used {len(outputs)} times in one pass, so its output is "
            "ambiguous; name a layer that is used once"
        )
    if outputs[0].ndim not in (2, ndim + 2):
        raise ModelError(
            f"the output of {layer} has {outputs[0].ndim} axes, a latent of a {ndim}D model has "
            f"{ndim + 2} (cases, maps, space) or 2 (cases, maps); name another layer"
        )
    return outputs[0]


def _peak(calls: Sequence[Call], layer: str, x: Tensor) -> float:
    names = [c.name for c in calls]
    turns = calls[: names.index(layer) + 1]
    read = [0 if c.seen is None or c.seen is x else c.seen.numel() for c in turns]
    largest = max(n + c.output.numel() for n, c in zip(read, turns, strict=True))
    return largest / x[0, 0].numel()


def _find_bottleneck(module: nn.Module, calls: Sequence[Call], x: Tensor, other: Tensor) -> str:
    """Smallest output that the whole picture passes, or else the smallest output."""
    if not torch.equal(calls[-1].output, watch(module, x)[0][-1].output):
        raise ModelError(
            "the model gives another picture each time, so its latent cannot be found; make it "
            "deterministic in evaluation mode or name the layer of the mean with latent="
        )
    once = [c for c in calls if sum(d.name == c.name for d in calls) == 1 and _mapped(c.output, x)]
    if not once:
        raise ModelError("the model has no layer with smaller maps than its input; pass latent=")
    passed: list[Call] = []
    for size in sorted({_size(c.output) for c in once}):
        small = [c for c in once if _size(c.output) == size]
        passed = [c for c in small if cuts(module, c.name, c.output, x, other)]
        if passed or size[0] > 1:  # pooled values that gate a layer are small but no bottleneck
            break
    passed = passed or small
    last = passed[-1]
    views = [c for c in passed if c.output.data_ptr() == last.output.data_ptr()]
    return min((c.name for c in views), key=lambda name: (name.count("."), len(name)))


def _mapped(output: Tensor, x: Tensor) -> bool:
    smaller = output.ndim == x.ndim and output[0, 0].numel() < x[0, 0].numel()
    return output.shape[0] == x.shape[0] and (smaller or output.ndim == 2)


def _size(output: Tensor) -> tuple[int, int]:
    """Voxels of a map, then all elements: decoders start wide at the size of the latent."""
    return (output[0, 0].numel(), output.numel())


def _first_layer(module: nn.Module, layer: str, calls: Sequence[Call], x: Tensor) -> str | None:
    """Name of the convolution through which alone the input reaches the latent."""
    for call in calls:
        part = module.get_submodule(call.name)
        if (
            isinstance(part, nn.Conv2d | nn.Conv3d)
            and part.padding_mode == "zeros"
            and not isinstance(part.padding, str)
            and call.seen is not None
            and call.seen.data_ptr() == x.data_ptr()
            and call.seen.shape == x.shape
            and _is_plain(part, x)
            and _alone(module, layer, call, x)
        ):
            return call.name
    return None


def _is_plain(part: nn.Conv2d | nn.Conv3d, x: Tensor) -> bool:
    """Whether a layer does with its weights what every convolution does: some make others first."""
    run = nn.functional.conv2d if x.ndim == 4 else nn.functional.conv3d
    how = (part.stride, part.padding, part.dilation, part.groups)
    return same(part(x), run(x, part.weight, part.bias, *how))  # type: ignore[arg-type]


def _alone(module: nn.Module, layer: str, call: Call, x: Tensor) -> bool:
    """Whether the latent is the same, bit for bit, when the input is blank past this layer."""
    if call.name == layer:
        return True
    expected = run_to(module, layer, x).clone()
    response = module.get_submodule(call.name)(x)
    captured: list[Tensor] = []

    def keep(_module: nn.Module, _args: object, output: object) -> None:
        if isinstance(output, Tensor):
            captured.append(output.clone())

    with module.get_submodule(layer).register_forward_hook(keep):
        run_with(module, torch.zeros_like(x), {call.name: response})
    return bool(captured) and torch.equal(captured[0], expected)


def _noise(shape: tuple[int, ...], module: nn.Module, seed: int) -> Tensor:
    like = next(iter(module.parameters()), torch.zeros(()))
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).to(device=like.device, dtype=like.dtype)
