"""Ask where a map is moved in a volume larger than what a pass may hold; tell time and memory.

``python scripts/measure_large_volume.py`` covers patches of 4 images of 256 x 512 x 512 voxels
under the built-in 3D autoencoder; ``--method integrated_gradients`` asks another method.
``--shape 96 96 96 --compare`` also runs the volume whole, and tells how far the two are apart.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch
from torch import nn

from napari_latentattr import Grid, ImageStack, LatentModel, attribute, methods
from napari_latentattr.core.errors import LatentAttrError
from napari_latentattr.core.stopping import stoppable
from napari_latentattr.model.architectures import ConvAutoencoder

# Nothing that needs other cases, and few steps: they take time and no memory.
ASKED = {
    "channel_rescale": {"baseline": "zero"},
    "channel_shapley": {"baseline": "zero"},
    "integrated_gradients": {"baseline": "zero", "steps": 8},
    "occlusion": {"patch": 64.0, "stride": 64.0},
    "smooth_gradient": {"samples": 4},
}


class Watch:
    """Longest processor time in which work did not ask whether to stop: a user waits for it."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.thread_time()

    def check(self) -> None:
        """Note the time since the work asked last."""
        now = time.thread_time()
        self.longest, self._last = max(self.longest, now - self._last), now

    def report(self, done: int, total: int, text: str) -> None:
        """Do as `check`."""
        self.check()


def main() -> None:
    """Build, attribute, print."""
    where = [key for key, method in methods().items() if method.view == "where"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=where, default="occlusion")
    parser.add_argument("--shape", type=int, nargs=3, default=(256, 512, 512))
    parser.add_argument(
        "--patch", type=float, help="mm, of occlusion; side by side, voxels of 1 mm"
    )
    parser.add_argument("--relu", action="store_true", help="ReLU between the layers, not GELU")
    parser.add_argument("--compare", action="store_true", help="also run the volume whole")
    given = parser.parse_args()
    asked = dict(ASKED.get(given.method, {}))
    if given.patch:
        asked.update(patch=given.patch, stride=given.patch)
    model, stack = built(tuple(given.shape), relu=given.relu)
    if given.compare:
        taken = model.footprint(torch.from_numpy(stack.data[None].copy()))
        model.most_bytes = min(stack.data.nbytes, taken - 1)
    _, small = built((32, 32, 32), relu=False)
    attribute(model, small, 3, method=given.method, **asked)  # imports and reads the network
    print(f"{given.method} {asked}, 4 x {' x '.join(map(str, given.shape))}")
    before, watch, began = peak(), Watch(), time.process_time()
    try:
        with stoppable(watch.check):
            found = attribute(model, stack, 3, method=given.method, progress=watch, **asked)
    except LatentAttrError as error:
        print(f"refused: {error}")
        return
    watch.check()
    print(f"{time.process_time() - began:.0f} s of processor time")
    print(f"peak memory {peak():.2f} GB, before the question {before:.2f} GB")
    print(f"longest processor time between two questions whether to stop {watch.longest:.2f} s")
    if given.compare:
        model.most_bytes = 2**40
        whole = attribute(model, stack, 3, method=given.method, **asked)
        gap = np.abs(found.volume - whole.volume).max() / np.abs(whole.volume).max()
        print(f"tiled and whole differ by {gap:.1e} of the largest value")


def built(shape: tuple[int, ...], *, relu: bool) -> tuple[LatentModel, ImageStack]:
    """Return a network of 8 maps with random weights, and 4 images of noise."""
    torch.manual_seed(0)
    module = ConvAutoencoder(n_channels=4, n_maps=8, ndim=3)
    if relu:
        module.encoder[1] = module.encoder[3] = nn.ReLU()
    model = LatentModel.from_module(module, latent="encoder", n_channels=4, ndim=3)
    rng = np.random.default_rng(0)
    data = np.empty((4, *shape), dtype=np.float32)
    for image in data:
        rng.standard_normal(out=image, dtype=np.float32)
    return model, ImageStack("noise", tuple("abcd"), data, Grid.from_spacing(shape, (1.0,) * 3))


def peak() -> float:
    """Most memory that this process held so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    main()
