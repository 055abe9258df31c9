"""Find the phases with which a picture excites one map to a given level, and no further.

Refuses to know cohorts and results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import torch
from torch import Tensor

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.progress import Progress
from napari_latentattr.methods.level_search import strength_for
from napari_latentattr.methods.phase_picture import PhasePictures
from napari_latentattr.methods.phase_turn import Turn, Waves

STEPS = 16
TRIES = 12  # that meet the level at the end
# Of the steps: pictures are shifted while the first are taken; from then on magnitudes may move.
_SHIFTED, _FREE = STEPS // 2, 3 * STEPS // 4
_SETTLE = 6  # steps of confining before the model is asked
_NEWEST = 0.5  # weight of the newest gradient in the mean of all
_GUESSES = 20  # of the strength in a step, none of which asks the model
_NEARLY = 0.9  # of the way to the level: further than that, phases suffice
_TEXT = "making up a picture"


@dataclass(frozen=True, slots=True)
class Goal:
    """Activation that is looked for, and one that is nothing special."""

    level: float
    usual: float

    @property
    def tolerance(self) -> float:
        """How nearly the level is to be met: 1 % of the way and of itself, where it is not zero."""
        way = abs(self.level - self.usual)
        return max(0.001 * way, min(0.01 * way, 0.01 * abs(self.level)))

    def way(self, activation: float) -> float:
        """Share of the way from usual to the level."""
        return (activation - self.usual) / (self.level - self.usual)


class Excitation:
    """One climb from a picture that nothing was asked of to one that excites the map.

    Parameters
    ----------
    pictures : PhasePictures
    activation : callable
        Of a picture (C, *S), a tensor without axes.
    goal : Goal
    jitter : sequence of int
        Voxels by which a picture is shifted at most, along each axis, in the first steps.

    Attributes
    ----------
    began : (C, *S) tensor
        The picture that nothing was asked of.
    free : bool
        Whether phases did not suffice, so that magnitudes moved too.
    """

    def __init__(
        self,
        pictures: PhasePictures,
        activation: Callable[[Tensor], Tensor],
        goal: Goal,
        *,
        jitter: Sequence[int],
    ) -> None:
        self._pictures, self._activation, self._goal = pictures, activation, goal
        self._shifts = list(product(*[sorted({0, -(j // 2), j // 2}) for j in jitter]))
        self._slope: Tensor | None = None
        self._strength = 0.0
        self.free = False
        self._waves = pictures.start()
        for _ in range(_SETTLE):
            self._make_up()
        self.began = self._confined(self._waves)

    def climb(
        self, progress: Progress, watch: Callable[[Tensor, float], None]
    ) -> tuple[Tensor, float]:
        """Take all steps; `watch` gets the picture and its activation at each.

        Returns
        -------
        picture : (C, *S) tensor
        activation : float

        Raises
        ------
        ModelError
            When the map does not answer to small changes of the picture.
        """
        report = partial(progress.report, total=STEPS + TRIES, text=_TEXT)
        for step in range(STEPS):
            report(step)
            if step == _FREE:
                self.free = self._goal.way(self._measure(self._waves)) < _NEARLY
            shift = self._shifts[step % len(self._shifts)] if step < _SHIFTED else None
            found = self._ask(shift, partial(report, step))
            watch(*found)
            self._turn(found[1])
        self._meet(report)
        report(STEPS + TRIES)
        picture, reached = self._confined(self._waves), self._measure(self._waves)
        watch(picture, reached)
        return picture, reached

    def _ask(self, shift: Sequence[int] | None, pause: Callable[[], None]) -> tuple[Tensor, float]:
        """Picture as it is and its activation; take the gradient of that into the mean."""
        x = self._pictures.draw(self._waves).requires_grad_()
        picture = self._pictures.confine(x)
        seen = picture if shift is None else picture.roll(tuple(shift), tuple(range(1, x.ndim)))
        value = self._activation(seen)
        pause()
        self._newest = self._pictures.transform(_slope(value, x))
        old = self._newest if self._slope is None else self._slope
        self._slope = _NEWEST * self._newest + (1 - _NEWEST) * old
        return picture.detach(), float(value.detach())

    def _turn(self, value: float) -> None:
        """Turn the phases as far as the gradient says that the level is."""
        turn = self._along_slope()
        change = turn.change(self._pictures.weigh(self._newest), self._waves)
        self._strength = strength_for(
            self._goal.level,
            lambda strength: value + change(strength),
            first=self._strength,
            tolerance=5 * self._goal.tolerance,
            tries=_GUESSES,
        )
        self._waves = turn.waves(self._strength)
        self._make_up()

    def _meet(self, report: Callable[[int], None]) -> None:
        """Turn the phases until the model itself says that the level is met."""
        turn = self._along_slope()
        tried = iter(range(STEPS, STEPS + TRIES))

        def measured(strength: float) -> float:
            report(next(tried))
            return self._measure(turn.waves(strength))

        self._strength = strength_for(
            self._goal.level,
            measured,
            first=self._strength,
            tolerance=self._goal.tolerance,
            tries=TRIES,
        )
        self._waves = turn.waves(self._strength)

    def _along_slope(self) -> Turn:
        """Pictures by the strength of the push along the mean gradient."""
        if self._slope is None:
            raise ValueError("the model was not asked yet")
        push = self._pictures.magnitude * self._slope
        push = push / push.abs().amax()
        return self._pictures.turn(self._waves, push, free=self.free)

    def _make_up(self) -> None:
        confined = self._pictures.transform(self._confined(self._waves))
        self._waves = self._pictures.made_up(self._waves, confined)

    def _confined(self, waves: Waves) -> Tensor:
        return self._pictures.confine(self._pictures.draw(waves))

    def _measure(self, waves: Waves) -> float:
        with torch.no_grad():
            return float(self._activation(self._confined(waves)))


def _slope(value: Tensor, x: Tensor) -> Tensor:
    """Gradient of the activation; raises a `ModelError` where there is none."""
    slope = None
    if value.requires_grad:
        (slope,) = torch.autograd.grad(value, x, allow_unused=True)
    if slope is None:
        raise ModelError(
            "the map has no gradient with respect to the images, so nothing can be made up that "
            "excites it; look at the cases that excite it most instead"
        )
    if not slope.isfinite().all() or not slope.any():
        raise NoSlopeError(
            "the map does not answer to small changes of the picture that is like the mean of the "
            "cohort nor of its top case; look at the cases that excite it most instead"
        )
    return slope


class NoSlopeError(ModelError):
    """The map is flat where the climb is."""
