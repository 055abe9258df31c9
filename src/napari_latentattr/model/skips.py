"""Whether the picture can travel around the latent maps, and through which submodules.

Asked with the latent held fixed: whatever still changes with the input went around it.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from napari_latentattr.model.passes import Call, picture, run_with, watch


def find_skips(module: nn.Module, layer: str, x: Tensor, other: Tensor) -> tuple[str, ...]:
    """Name the submodules whose outputs reach the picture past the latent.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode.
    x, other : (1, C, *S) tensors
        Two different inputs.

    Returns
    -------
    tuple of str
        ``"input"`` stands for the input itself; empty when nothing travels around the latent.
    """
    calls, output = watch(module, x)
    names = [c.name for c in calls]
    before = _outermost(calls[: names.index(layer)], layer)
    latent = calls[names.index(layer)].output
    held = {layer: latent, **before}
    shape = (x.shape[1], x.ndim - 2)
    if picture(output, *shape) is None or not _travels(module, layer, latent, x, other):
        return ()
    there = {c.name: c.output for c in watch(module, other)[0]}
    reference = _run(module, x, held)
    found = [
        name for name in before if not same(reference, _run(module, x, {**held, name: there[name]}))
    ]
    if not same(reference, _run(module, other, held)):
        found.append("input")
    return tuple(found) or ("unknown",)


def cuts(module: nn.Module, layer: str, latent: Tensor, x: Tensor, other: Tensor) -> bool:
    """Whether all of the picture comes through `layer`: with its output fixed, nothing changes."""
    return not _travels(module, layer, latent, x, other)


def _travels(module: nn.Module, layer: str, latent: Tensor, x: Tensor, other: Tensor) -> bool:
    code = latent.flip(1)  # neither x's nor other's
    return any(
        not same(_run(module, x, {layer: z}), _run(module, other, {layer: z}))
        for z in (latent.new_zeros(latent.shape), code)
    )


def _run(module: nn.Module, x: Tensor, outputs: Mapping[str, Tensor]) -> Tensor:
    found = picture(run_with(module, x, outputs), x.shape[1], x.ndim - 2)
    if found is None:
        raise ValueError("the module returns no picture")
    return found


def _outermost(calls: list[Call], layer: str) -> dict[str, Tensor]:
    """Collect outputs of what finished before the latent, except the latent's own parts."""
    names = [c.name for c in calls if not layer.startswith(f"{c.name}.")]
    return {
        c.name: c.output for c in calls if c.name in names and not c.name.startswith(f"{layer}.")
    }


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two pictures agree within float32 noise."""
    return bool((a - b).abs().max() <= 1e-6 * a.abs().max().clamp_min(1e-12))
