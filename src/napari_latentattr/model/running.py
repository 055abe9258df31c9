"""Runs a user's module up to its latent, and gives the module back as it was.

Knows where the latent is and nothing of what it means.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.stopping import asking, can_stop, stop_if_asked
from napari_latentattr.model.device import exact
from napari_latentattr.model.passes import Reached, first_tensor
from napari_latentattr.model.state import undisturbed


class Runner:
    """Holds a module while it runs; one thread at a time is inside, others wait.

    Parameters
    ----------
    module : nn.Module
    layer : str
        Whose output is the latent; what comes after it is not computed.
    first_layer : str or None
        Layer whose output can be given instead.
    device : str
    """

    def __init__(self, module: nn.Module, layer: str, first_layer: str | None, device: str) -> None:
        self._module, self._layer = module, layer
        self._first_layer, self._device = first_layer, device
        self.lock = threading.RLock()
        self._depth = 0
        self._given: Tensor | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Set the module up once for many runs; give it back as it was at the end."""
        with self.lock, ExitStack() as stack:
            if self._depth:
                yield
                return
            stack.enter_context(undisturbed(self._module))
            stack.enter_context(exact(self._device))
            stack.enter_context(torch.inference_mode())
            self._replace_first_layer()
            if can_stop():
                self._stop_between_layers()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                self._given = None

    @contextmanager
    def differentiable(self) -> Iterator[None]:
        """Set the module up for gradients of tensors made inside; its weights get none."""
        with self.running(), torch.inference_mode(False), torch.enable_grad():
            wanted = [p for p in self._module.parameters() if p.requires_grad]
            self._module.requires_grad_(False)
            try:
                yield
            finally:
                for parameter in wanted:
                    parameter.requires_grad_(True)

    def to_latent(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """Output of the latent's layer for x (N, C, *S), while `running`.

        Parameters
        ----------
        given : (N, F, *T) tensor, optional
            Output of the first layer, which is not computed then; x only lends its shape.
        """
        self._given = given
        hook = self._module.get_submodule(self._layer).register_forward_hook(_stop)
        try:
            self._module(x)
        except Reached as reached:
            return reached.output
        finally:
            hook.remove()
            self._given = None
        raise ModelError(f"the layer {self._layer} is not used when the model runs")

    def _replace_first_layer(self) -> None:
        """Let the first layer return what is given; `undisturbed` takes this back."""
        if self._first_layer is None:
            return
        part = self._module.get_submodule(self._first_layer)
        compute = part.forward
        part.forward = lambda x: compute(x) if self._given is None else self._given

    def _stop_between_layers(self) -> None:
        """Let every layer ask before it runs; `undisturbed` takes this back."""
        for part in self._module.modules():
            part.register_forward_pre_hook(_ask)


def stop_on_the_way_back(x: Tensor) -> None:
    """Let the gradient ask whether to go on when it comes by what a layer gave."""
    if can_stop() and x.grad_fn is not None:
        ask = asking()  # on a GPU, another thread comes by
        x.register_hook(lambda _slope: ask())  # type: ignore[no-untyped-call]


def _ask(_module: nn.Module, args: tuple[object, ...]) -> None:
    stop_if_asked()
    given = first_tensor(args)
    if given is not None:
        stop_on_the_way_back(given)


def _stop(_module: nn.Module, _args: object, output: object) -> None:
    found = first_tensor(output)
    if found is not None:
        raise Reached(found)
