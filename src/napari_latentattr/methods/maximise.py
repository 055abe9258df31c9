"""Make up a picture that excites one map as much as the cohort's own strongest cases do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.broken import left_out
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.maximisation import Maximisation
from napari_latentattr.core.progress import SILENT, Part, Progress
from napari_latentattr.core.skip_words import skip_flag
from napari_latentattr.core.so_far import PictureSoFar
from napari_latentattr.core.types import CaseSource, Float32, Float64, MapRef, Provenance
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.methods.attribute import find_map
from napari_latentattr.methods.cases import companions
from napari_latentattr.methods.cohort_activation import (
    CohortActivation,
    drawing_error,
    measure_activation,
)
from napari_latentattr.methods.cohort_spectrum import Complex64, transform
from napari_latentattr.methods.excitation import Excitation, Goal, NoSlopeError
from napari_latentattr.methods.phase_picture import PhasePictures
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes
from napari_latentattr.streaming.streaming import HERE, Streaming

QUANTILE = 0.99
MOST_SEEDS = 32
_TOP = 3

Watch: TypeAlias = Callable[[PictureSoFar], None]


def maximise(
    model: LatentModel | SlicewiseModel,
    map: int | MapRef,  # noqa: A002
    *,
    cohort: CaseSource,
    voxel: Sequence[int] | None = None,
    toward: Literal["high", "low"] = "high",
    seeds: int = 3,
    spread: float = 0.05,
    seed: int = 0,
    watch: Watch | None = None,
    streaming: Streaming = HERE,
    progress: Progress = SILENT,
) -> Maximisation:
    """Make up a picture that excites a map as much as the cohort's own strongest cases do.

    Every image keeps the strength of its waves in the cohort (mean magnitude of the Fourier
    transform), its background and its range of intensities; only the phases are chosen: the most
    probable ones, given how well the cases agree on each, with which the map reaches the 99 %
    quantile of its activation in the cohort, and no more. Where phases alone do not lead there,
    magnitudes move as well, by at most two standard deviations of the cohort.

    The picture shows what the model answers to. It is no patient, it is one of many that would do,
    and it says nothing about disease; it comes with numbers to doubt it, and real cases.

    Parameters
    ----------
    model : LatentModel
    map : int or MapRef
    cohort : Cohort
        At least 2 cases of the same size; read one at a time.
    voxel : sequence of int, optional
        Index of the one latent to excite. Without it, the mean over the latents in the body.
    toward : {"high", "low"}
        Reach the 99 % or the 1 % quantile.
    seeds : int
        Pictures, from 1 to 32, each from other random numbers.
    spread : float
        Size of those numbers relative to what the cases agree on, from 0 to 10. With the default
        all pictures are to be the same; 3 asks for different ones.
    watch : callable, optional
        Gets the picture while it comes into being.
    streaming : Streaming, optional
        As in `rank_maps`; images that a cache or workers had are read here once more, for their
        spectrum.

    Returns
    -------
    Maximisation

    Raises
    ------
    InputError
        When the map does not vary, cases differ in size, or a value is out of range.
    ModelError
        When model and cohort do not fit, or the map has no gradient.

    References
    ----------
    Fel et al.: Unlocking feature visualization for deeper networks with MAgnitude Constrained
    Optimization, NeurIPS 2023.
    """
    began = time.perf_counter()
    _check(toward, seeds, spread)
    companions(cohort, "a made-up picture")
    fitted = over_volumes(model, cohort)
    target = find_map(map, fitted.spec)
    found = measure_activation(
        fitted, cohort, target.index, voxel=voxel, streaming=streaming, progress=progress
    )
    with fitted.running():
        asked = _Asked.of(fitted, cohort, target, found, lowest=toward == "low", watch=watch)
        climbs = [
            asked.climb(spread, seed + i, Part(progress, i, seeds, "making up a picture"))
            for i in range(seeds)
        ]
        numbers = asked.numbers(climbs)
    params = {
        **{"map": target.index, "toward": toward, "seeds": seeds, "spread": spread},
        **({} if voxel is None else {"voxel": ",".join(str(int(i)) for i in voxel)}),
        **{"cases": len(found.index), "start": climbs[0].began_from},
        **left_out(found.broken),
        **skip_flag(fitted.spec.skips),
    }
    made = Provenance(
        method="maximise",
        params=params,
        seed=seed,
        model_sha256=fitted.spec.sha256,
        data_sha256=found.data_sha256,
        versions=installed_versions(fitted.spec.device),
        seconds=round(time.perf_counter() - began, 3),
    )
    return asked.result(climbs, numbers, made)


@dataclass(frozen=True, slots=True, eq=False)
class _Climb:
    """One picture, the one that nothing was asked of, and how it came about."""

    picture: Float32
    start: Float32
    reached: float
    free: bool
    began_from: str


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is to be reached in which cohort; `top` are the rows of its strongest cases."""

    model: LatentModel | SlicewiseModel
    cohort: CaseSource
    target: MapRef
    found: CohortActivation
    goal: Goal
    top: list[int]
    watch: Watch | None

    @classmethod
    def of(
        cls,
        model: LatentModel | SlicewiseModel,
        cohort: CaseSource,
        target: MapRef,
        found: CohortActivation,
        *,
        lowest: bool,
        watch: Watch | None,
    ) -> _Asked:
        goal = _goal(found.activation, target, lowest=lowest)
        top = found.strongest(cohort.units, lowest=lowest, most=_TOP)
        return cls(model, cohort, target, found, goal, top, watch)

    def climb(self, spread: float, seed: int, progress: Progress) -> _Climb:
        """Make up one picture; from the phases of the top case where the map is flat at the mean.

        A map behind a rectifier may be silent for the mean picture and all that is near.
        """
        try:
            return self._climb_from(self.found.spectrum.phase, "mean", spread, seed, progress)
        except NoSlopeError:
            case = self.cohort[self.found.index[self.top[0]]]
            waves = transform(case.data)
            phase = np.exp(1j * np.angle(waves)).astype(np.complex64)
            return self._climb_from(phase, case.case, spread, seed, progress)

    def _climb_from(
        self, phase: Complex64, name: str, spread: float, seed: int, progress: Progress
    ) -> _Climb:
        spectrum, counted = self.found.spectrum, self.found.latents
        device = self.model.spec.device
        share = torch.from_numpy(counted.ravel() / counted.sum()).float()

        def activation(picture: Tensor) -> Tensor:
            return self.model.encode_tensor(picture[None])[0, self.target.index].flatten() @ weight

        jitter = [round(step) for step in self.model.spec.stride]
        with self.model.differentiable():  # tensors made outside cannot be differentiated
            weight = share.to(device, copy=True)
            pictures = PhasePictures(spectrum, phase, spread=spread, seed=seed, device=device)
            climb = Excitation(pictures, activation, self.goal, jitter=jitter)
            picture, reached = climb.climb(progress, self._show)
            return _Climb(_volume(picture), _volume(climb.began), reached, climb.free, name)

    def _show(self, picture: Tensor, activation: float) -> None:
        if self.watch is not None:
            grid, level = self.found.spectrum.grid, self.goal.level
            self.watch(PictureSoFar(self.target, _volume(picture), grid, activation, level))

    def numbers(self, climbs: Sequence[_Climb]) -> dict[str, float]:
        """Everything that is read beside the picture."""
        first, spectrum = climbs[0].picture, self.found.spectrum
        drawn = self.model.decode(self.model.encode(first[None]))[0]
        limit = float(np.quantile(self.found.error, 0.95))
        error = drawing_error(drawn, first, spectrum.body)
        return {
            "reached": climbs[0].reached,
            "level": self.goal.level,
            "usual": self.goal.usual,
            "spectrum_distance": spectrum.distance(first),
            "usual_distance": float(
                np.mean(
                    [spectrum.distance(self.cohort[self.found.index[i]].data) for i in self.top]
                )
            ),
            "out_of_distribution": error / limit if limit else float("nan"),
            "agreement": _agreement([climb.picture for climb in climbs]),
        }

    def result(
        self, climbs: Sequence[_Climb], numbers: dict[str, float], provenance: Provenance
    ) -> Maximisation:
        """Put it all together."""
        first, spectrum = climbs[0], self.found.spectrum
        change = (first.picture - first.start)[:, spectrum.body].astype(np.float64)
        return Maximisation(
            target=self.target,
            score=np.sqrt(np.mean(change**2, axis=1)),
            picture=first.picture,
            unit="intensity",
            residual=float("nan"),
            grid=spectrum.grid,
            provenance=provenance,
            numbers=numbers,
            channels=self.cohort.channels,
            pictures=np.stack([climb.picture for climb in climbs]),
            start=first.start,
            top_cases=tuple(self.cohort.cases[self.found.index[i]] for i in self.top),
            top_activations=tuple(float(self.found.activation[i]) for i in self.top),
            magnitudes_moved=first.free,
        )


def _goal(activation: Float64, target: MapRef, *, lowest: bool) -> Goal:
    """Level to reach; refuses a map that does not vary, and a single case."""
    if len(activation) < 2:
        raise InputError(
            "a made-up picture needs at least 2 cases that can be used, and 1 is left; mend the "
            "others"
        )
    level = float(np.quantile(activation, 1 - QUANTILE if lowest else QUANTILE))
    usual = float(np.median(activation))
    if abs(level - usual) <= 1e-6 * float(np.abs(activation).max()):
        raise InputError(
            f"map {target} does not vary between the {len(activation)} cases of the cohort, so "
            "there is no level to reach; ask another map"
        )
    return Goal(level, usual)


def _agreement(pictures: Sequence[Float32]) -> float:
    """Smallest correlation between two pictures; NaN where there is but one."""
    flat = [picture.ravel().astype(np.float64) for picture in pictures]
    pairs = [float(np.corrcoef(a, b)[0, 1]) for a, b in combinations(flat, 2)]
    return min(pairs, default=float("nan"))


def _volume(picture: Tensor) -> Float32:
    return np.asarray(picture.detach().cpu().numpy(), dtype=np.float32)


def _check(toward: str, seeds: int, spread: float) -> None:
    if toward not in ("high", "low"):
        raise InputError(f"toward must be high or low, got {toward!r}")
    if not 1 <= seeds <= MOST_SEEDS:
        raise InputError(f"seeds must lie between 1 and {MOST_SEEDS}, got {seeds}")
    if not 0 <= spread <= 10:
        raise InputError(f"spread must lie between 0 and 10, got {spread}; the usual one is 0.05")
