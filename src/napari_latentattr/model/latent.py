"""A trained autoencoder and its latent feature maps.

Holds the user's module and never changes it: every run happens inside ``running`` and ends with
the module as it was. Knows nothing of files.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.types import Float32, LatentSpec, MapRef
from napari_latentattr.model.device import exact, room
from napari_latentattr.model.passes import as_tensor, picture, run_with
from napari_latentattr.model.probing import Probe, probe
from napari_latentattr.model.running import Runner
from napari_latentattr.model.shortcuts import Shortcuts, find_shortcuts, in_place
from napari_latentattr.model.state import state_hash


class LatentModel:
    """Encoder and decoder of a module, with the latent in between.

    Attributes
    ----------
    module : nn.Module
        The user's own.
    spec : LatentSpec
    first_layer : str or None
        Convolution through which alone the input reaches the latent.
    heap_end : tensor or None
        Keeps memory of one question for the next; see `engine.reserve_heap`.
    most_bytes : int or None
        Memory that the activations of one image may take; see `room`.
    """

    def __init__(self, module: nn.Module, found: Probe, spec: LatentSpec) -> None:
        self.module = module
        self.spec = spec
        self._found = found
        self.first_layer = found.first_layer
        self.heap_end: Tensor | None = None
        self.most_bytes: int | None = None
        self._flat = found.flat
        self._probed_shape = found.shape
        self._runner = Runner(module, spec.layer, found.first_layer, spec.device)
        self._shortcuts = Shortcuts()
        self._shortcuts = self._find_shortcuts()
        self._decoder = self._own_decoder()

    @classmethod
    def from_module(
        cls, module: nn.Module, *, latent: str | None = None, n_channels: int, ndim: int
    ) -> LatentModel:
        """Wrap any torch module that maps images to images through a latent; it runs where it is.

        Parameters
        ----------
        module : nn.Module
            Takes (N, C, *S); returns the reconstruction alone or first in a tuple.
        latent : str, optional
            Dotted name of the submodule whose output is the latent; found by probing when None.
        n_channels : int
            Input images C.
        ndim : int
            2 or 3.

        Raises
        ------
        ModelError
            When the module does not run, or its latent cannot be found.
        """
        if ndim not in (2, 3):
            raise ModelError(f"a model has 2 or 3 spatial axes, got ndim {ndim}")
        device = next((str(p.device) for p in module.parameters()), "cpu")
        with exact(device):
            found = probe(module, latent=latent, n_channels=n_channels, ndim=ndim)
        spec = LatentSpec(
            layer=found.layer,
            n_channels=n_channels,
            n_maps=found.n_maps,
            ndim=ndim,
            stride=tuple(f.stride for f in found.fields),
            receptive_field=tuple(f.width for f in found.fields),
            offset=tuple(f.offset for f in found.fields),
            skips=found.skips,
            everywhere=found.everywhere,
            device=device,
            sha256=state_hash(module.state_dict()),
        )
        return cls(module, found, spec)

    def twin(self, change: Callable[[nn.Module], None]) -> LatentModel:
        """Return the same model around a changed copy of the module.

        Parameters
        ----------
        change : callable
            Sets weights of the copy; layers, sizes and wiring must stay.
        """
        with self._runner.lock:
            module = copy.deepcopy(self.module)
        change(module)
        spec = replace(self.spec, sha256=state_hash(module.state_dict()))
        twin = LatentModel(module, self._found, spec)
        twin.most_bytes = self.most_bytes
        return twin

    def __reduce__(self) -> tuple[object, ...]:
        made_of = (self.module, self._found, self.spec)
        return LatentModel, made_of, {"most_bytes": self.most_bytes}

    @property
    def layout(self) -> torch.memory_format:
        """Layout in memory in which `latents_after` is fastest."""
        return self._shortcuts.layout

    @property
    def maps(self) -> tuple[MapRef, ...]:
        """The latent maps."""
        return tuple(MapRef(self.spec.layer, k) for k in range(self.spec.n_maps))

    def encode(self, x: npt.ArrayLike | Tensor) -> Float32:
        """Latent maps of images.

        Parameters
        ----------
        x : (N, C, *S) array or tensor

        Returns
        -------
        (N, K, *L) float32 array
            Cases run one by one, so a case gives the same bits in any company.

        Raises
        ------
        ModelError
            When the images do not fit the model.
        """
        given = self._tensor(x)
        self._check_images(given)
        with self.running():
            return _stack([self.encode_tensor(case[None]) for case in given])

    def decode(self, z: npt.ArrayLike | Tensor) -> Float32:
        """Pictures that the decoder draws from latent maps.

        Where the picture can travel around them (``spec.skips``), that way carries an empty image.

        Parameters
        ----------
        z : (N, K, *L) array or tensor

        Returns
        -------
        (N, C, *S) float32 array
        """
        given = self._tensor(z)
        if given.ndim != self.spec.ndim + 2 or given.shape[1] != self.spec.n_maps:
            raise ModelError(
                f"the decoder needs a code of shape (cases, {self.spec.n_maps} maps, "
                f"{self.spec.ndim} spatial axes), got {tuple(given.shape)}"
            )
        with self.running():
            return _stack([self.decode_tensor(code[None]) for code in given])

    @property
    def room(self) -> int:
        """Bytes for the activations of one image; with more, it is run in parts."""
        return room(self.spec.device) if self.most_bytes is None else self.most_bytes

    def footprint(self, x: Tensor) -> int:
        """Bytes that images (N, C, *S) take in a pass beside themselves, about."""
        return round(self._found.peak * len(x) * x[0, 0].numel() * x.element_size())

    def encode_tensor(self, x: Tensor) -> Tensor:
        """Latent maps (N, K, *L) of a tensor (N, C, *S) on the model's device."""
        with self.running():
            if self.footprint(x) <= self.room:
                return self.encode_whole(x)
            from napari_latentattr.model.parts import encode_in_parts  # it reads models

            return encode_in_parts(self, x)

    def encode_whole(self, x: Tensor) -> Tensor:
        """Do as `encode_tensor`, in one pass whatever the memory."""
        with self.running():
            return self._run_to_latent(x, None)

    def latents_after(self, response: Tensor) -> Tensor:
        """Latent maps, given the output of `first_layer`; that layer is not computed.

        Parameters
        ----------
        response : (N, F, *T) tensor
            May be changed in place by the module.
        """
        if self.first_layer is None:
            raise ValueError("this model has no first layer to share")
        with self.running():
            step: tuple[int, ...] = self.module.get_submodule(self.first_layer).stride  # type: ignore[assignment]
            shape = [n * s for n, s in zip(response.shape[2:], step, strict=True)]
            blank = response.new_zeros(()).expand(len(response), self.spec.n_channels, *shape)
            with in_place(self._shortcuts.overwriting):
                return self._run_to_latent(blank, response)

    def decode_tensor(self, z: Tensor) -> Tensor:
        """Pictures (N, C, *S) from a code (N, K, *L) on the model's device."""
        code = z.flatten(1) if self._flat else z
        with self.running():
            if self._decoder is not None:
                output = self._decoder(code)
            else:
                blank = z.new_zeros(len(z), self.spec.n_channels, *self._input_shape(z))
                output = run_with(self.module, blank, {self.spec.layer: code})
            found = picture(output, self.spec.n_channels, self.spec.ndim)
        if found is None:
            raise ModelError(f"the model returns no picture of {self.spec.n_channels} images")
        return found

    def noise(self, *, seed: int) -> Tensor:
        """Return one case (1, C, *S) of noise, of the size that the model was probed with."""
        shape = (1, self.spec.n_channels, *self._probed_shape)
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(shape, generator=generator).to(self.spec.device)

    def running(self) -> AbstractContextManager[None]:
        """Set the module up once for many runs; give it back as it was at the end.

        One thread at a time is inside; others wait.
        """
        return self._runner.running()

    def differentiable(self) -> AbstractContextManager[None]:
        """Set the module up for gradients of tensors made inside; its weights get none."""
        return self._runner.differentiable()

    def _run_to_latent(self, x: Tensor, given: Tensor | None) -> Tensor:
        z = self._runner.to_latent(x, given)
        return z.reshape(*z.shape, *[1] * self.spec.ndim) if self._flat else z

    def _find_shortcuts(self) -> Shortcuts:
        if self.first_layer is None:
            return Shortcuts()

        def run(response: Tensor, shortcuts: Shortcuts) -> Tensor:
            self._shortcuts = shortcuts
            return self.latents_after(response)

        with self.running():
            response = self.module.get_submodule(self.first_layer)(self.noise(seed=4))
            return find_shortcuts(self.module, response, run)

    def _own_decoder(self) -> nn.Module | None:
        """Use the child named decoder where it alone maps the latent to the picture."""
        part = getattr(self.module, "decoder", None)
        if not isinstance(part, nn.Module) or self._flat or self.spec.skips:
            return None
        x = self.noise(seed=3)
        self._decoder = None
        with self.running():
            whole = picture(self.module(x), self.spec.n_channels, self.spec.ndim)
            try:
                drawn = picture(part(self.encode_tensor(x)), self.spec.n_channels, self.spec.ndim)
            except (RuntimeError, ValueError, TypeError):
                return None
        same = whole is not None and drawn is not None and torch.equal(whole, drawn)
        return part if same else None

    def _input_shape(self, z: Tensor) -> tuple[int, ...]:
        if self._flat:
            return self._probed_shape
        return tuple(round(n * s) for n, s in zip(z.shape[2:], self.spec.stride, strict=True))

    def _tensor(self, values: npt.ArrayLike | Tensor) -> Tensor:
        return as_tensor(values).detach().to(self.spec.device, torch.float32)

    def _check_images(self, x: Tensor) -> None:
        if x.ndim != self.spec.ndim + 2:
            raise ModelError(
                f"the model expects images of {self.spec.ndim} spatial axes as (cases, images, "
                f"space), got an array of shape {tuple(x.shape)}"
            )
        if x.shape[1] != self.spec.n_channels:
            raise ModelError(
                f"the model expects {self.spec.n_channels} images, got {x.shape[1]}; "
                "choose which image goes where"
            )


def _stack(tensors: list[Tensor]) -> Float32:
    return np.concatenate([t.float().cpu().numpy() for t in tensors])
