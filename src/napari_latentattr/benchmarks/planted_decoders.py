"""Whether pictures of what a decoder draws from one map show the planted place, and nothing else.

Each method is asked through `decompose`, as anybody would ask it. The picture of one map with all
others zero is the control that must fail. A voxel outside a map's own region counts as false even
where a gate truly lets the map change what another one draws there: the question is what the map
stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from scipy import stats

from napari_latentattr.benchmarks.calibration import Rate
from napari_latentattr.benchmarks.drawing_worlds import (
    DrawingWorld,
    Interaction,
    PlantedDecoder,
    make_drawing_world,
)
from napari_latentattr.benchmarks.timing import one_thread
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, Float32, Float64, ImageStack
from napari_latentattr.methods.decompose import decompose
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import as_tensor

METHODS = ("main_effect", "shapley", "leave_one_out", "solo")
INTERACTIONS = {
    "none": Interaction(),
    "gates 0.5": Interaction(0.5),
    "gates 1": Interaction(1.0),
    "normalisation": Interaction(normalised=True),
    "gates 0.5, normalisation": Interaction(0.5, normalised=True),
    "gates 1, normalisation": Interaction(1.0, normalised=True),
}
PROMISED = ("main_effect", "shapley")
# Most false voxels; where maps turn each other off altogether, or all voxels hang together, nothing
# is promised and the numbers are shown.
MOST = {"none": 0.02, "gates 0.5": 0.10}
RECALL = 0.9
PLANTED = 0.2  # of the brightest voxels of a map: from there on it has to be found
FEWEST_VOXELS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """Share of the voxels outside a map's region that one method shows, with one interaction."""

    interaction: str
    method: str
    false_voxels: Rate


@dataclass(frozen=True, slots=True)
class DrawnTruth:
    """False voxels of every method where it finds 90 % of the planted ones.

    Attributes
    ----------
    worlds, n_cases, n_maps : int
        Seeds, cases of each whose pictures are judged, maps of each.
    recall : float
    found : tuple of Found
        The rate is the mean over worlds; its 95 % interval takes worlds as independent.
    """

    worlds: int
    n_cases: int
    n_maps: int
    recall: float
    found: tuple[Found, ...]

    def rate(self, interaction: str, method: str) -> Rate:
        """Return the false voxels of one method with one interaction."""
        for one in self.found:
            if (one.interaction, one.method) == (interaction, method):
                return one.false_voxels
        raise KeyError(f"{method} was not measured with {interaction}")

    @property
    def keeps_promise(self) -> bool:
        """Whether main effect and Shapley show at most 2 % false voxels, with gates 0.5 10 %."""
        return all(
            self.rate(interaction, method).value <= most
            for interaction, most in MOST.items()
            for method in PROMISED
        )

    def record(self) -> dict[str, object]:
        """Return the rates as plain values for a JSON file."""
        return {"kind": "benchmark planted decoders", "version": 1, **asdict(self)}


def find_drawn(
    *, worlds: int = 10, n_cases: int = 6, cohort: int = 40, progress: Progress = SILENT
) -> DrawnTruth:
    """Ask what decoders with planted regions draw from each map, and count voxels outside.

    Parameters
    ----------
    worlds : int
        Simulated cohorts and decoders; seeds 0, 1, ...
    n_cases : int
        Cases of each world that are asked about.
    cohort : int
        Cases of each world behind the mean code.
    """
    kinds = list(INTERACTIONS.values())
    share, n_maps = np.empty((worlds, len(kinds), len(METHODS))), 0
    for seed in range(worlds):
        world = make_drawing_world(cohort, seed=seed)
        n_maps = len(world.region)
        for i, interaction in enumerate(kinds):
            done = seed * len(kinds) + i
            progress.report(done, worlds * len(kinds), "looking for planted places")
            share[seed, i] = false_voxels(world, interaction, n_cases=n_cases)
    progress.report(1, 1, "looking for planted places")
    found = [
        Found(name, method, _rate(share[:, i, m]))
        for i, name in enumerate(INTERACTIONS)
        for m, method in enumerate(METHODS)
    ]
    return DrawnTruth(worlds, n_cases, n_maps, RECALL, tuple(found))


def false_voxels(world: DrawingWorld, interaction: Interaction, *, n_cases: int) -> Float64:
    """Mean share of false voxels over cases and maps, one a method."""
    model, cohort, shares = world.model(interaction), world.cohort(), []
    with one_thread():  # passes this small only wait for each other on more
        mean = world.code.mean(axis=0, keepdims=True)
        for case in range(n_cases):
            planted = _planted(model, cohort[case], mean)
            shown = list(_shown(model, cohort[case], mean, world.seed))
            for k, place in enumerate(world.region):
                inside = planted[k] > PLANTED * np.quantile(planted[k], 0.995)
                if inside.sum() >= FEWEST_VOXELS:
                    shares.append([share(images[k], inside, place < 1e-6) for images in shown])
    return np.asarray(np.mean(shares, axis=0))


def share(image: Float32, inside: Bool, outside: Bool) -> float:
    """Share of the voxels outside that are shown where 90 % of those inside are."""
    strength = np.abs(image)
    return float((strength[outside] >= np.quantile(strength[inside], 1 - RECALL)).mean())


def _planted(model: LatentModel, stack: ImageStack, mean: Float32) -> Float32:
    """How far each map alone changes the picture from the mean code, by its plan, (K, C, *S)."""
    decoder = model.module.get_submodule("decoder")
    if not isinstance(decoder, PlantedDecoder):
        raise TypeError("the decoder must be a planted one")
    with torch.no_grad():
        code, start = (as_tensor(z) for z in (model.encode(stack.data[None]), mean))
        change: Float32 = (decoder.alone(code) - decoder.alone(start))[0].abs().numpy()
    return change


def _shown(
    model: LatentModel, stack: ImageStack, mean: Float32, seed: int
) -> Iterator[list[Float32]]:
    """Images of all maps, by each of `METHODS`."""
    maps = range(model.spec.n_maps)
    shared = decompose(model, stack, reference=mean, seed=seed)
    yield [shared.main_effect(k) for k in maps]
    yield [shared.image(k) for k in maps]
    for method in METHODS[2:]:
        other = decompose(model, stack, reference=mean, method=method)
        yield [other.image(k) for k in maps]


def _rate(shares: Float64) -> Rate:
    """Mean over worlds with its 95 % interval; no interval from one world."""
    mean, n = float(shares.mean()), len(shares)
    if n < 2:
        return Rate(mean, 0.0, 1.0)
    reach = float(stats.t.ppf(0.975, n - 1) * shares.std(ddof=1) / np.sqrt(n))
    return Rate(mean, max(mean - reach, 0.0), min(mean + reach, 1.0))
