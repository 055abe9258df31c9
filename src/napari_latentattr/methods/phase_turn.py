"""The pictures that lie along one push, and what each is expected to do, without drawing it.

Refuses to know where the push comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# A magnitude moves by no more than so many standard deviations of the cohort.
_MOST_MOVED = 2.0
_TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """One picture: phase, and magnitude relative to the cohort's, of every wave (C, *F).

    Attributes
    ----------
    phase : complex64 tensor
        Numbers of size 1.
    made_up : float32 tensor
        For what confining takes away.
    moved : float32 tensor
        Where phases alone do not suffice; 1 elsewhere.
    """

    phase: Tensor
    made_up: Tensor
    moved: Tensor

    @property
    def size(self) -> Tensor:
        """Magnitude relative to the cohort's."""
        return self.made_up * self.moved


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """The most probable pictures under the cohort's phases that a push leads to.

    Phases are those of a von Mises distribution around the cohort's, shifted by the push: of
    ``concentration * mean phase + push``.

    Attributes
    ----------
    unpushed, steer : (C, *F) complex64 tensor
        Phases are those of ``unpushed + strength * steer``.
    push : (C, *F) complex64 tensor
        Along which magnitudes move; `steer` where phases may turn.
    made_up : (C, *F) float32 tensor
        Kept as it is.
    spread : (C, *F) float32 tensor, optional
        By how much magnitudes vary between cases; without it they do not move.
    """

    unpushed: Tensor
    steer: Tensor
    push: Tensor
    made_up: Tensor
    spread: Tensor | None

    def waves(self, strength: float) -> Waves:
        """Picture that a push of this strength leads to."""
        phase = unit(self.unpushed + strength * self.steer)
        if self.spread is None:
            return Waves(phase, self.made_up, torch.ones_like(self.made_up))
        return Waves(phase, self.made_up, self._moved(strength * _along(self.push, phase)))

    def change(self, weight: Tensor, before: Waves) -> Callable[[float], float]:
        """Change of what has this weight on every wave, by strength, to first order."""
        was = _sum(weight, before)
        return lambda strength: _sum(weight, self.waves(strength)) - was

    def _moved(self, along: Tensor) -> Tensor:
        if self.spread is None:
            raise ValueError("magnitudes do not move")
        most = _MOST_MOVED * self.spread
        return torch.minimum(torch.maximum(along * self.spread**2, -most), most).exp()


def _sum(weight: Tensor, waves: Waves) -> float:
    return float((_along(weight, waves.phase) * waves.size).sum(dtype=torch.float64))


def unit(waves: Tensor) -> Tensor:
    """Phases of waves as numbers of size 1; those of nothing are 1."""
    square = _along(waves, waves)
    return torch.where(square > _TINY, waves * square.clamp_min(_TINY).rsqrt(), 1.0)


def _along(a: Tensor, b: Tensor) -> Tensor:
    """Real part of ``conj(a) * b``."""
    return a.real * b.real + a.imag * b.imag
