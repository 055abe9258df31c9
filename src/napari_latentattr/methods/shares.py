"""Divide the change of latent maps from a baseline to a case among the images, by Shapley's rule.

Walks over mixtures and adds up their latents; a volume under a 2D model is walked slice by slice.
Makes no claim and refuses to know cohorts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.progress import Progress
from napari_latentattr.core.stopping import stop_if_asked
from napari_latentattr.core.types import Float32, Float64, ImageStack
from napari_latentattr.methods.cases import body_latents
from napari_latentattr.methods.coalition_plans import (
    EXACT,
    Plan,
    both_ways,
    draw_orders,
    every_mixture,
    interactions,
)
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.mixing import MixedCase, MixEncoder, players_of
from napari_latentattr.model.slicewise import SlicewiseModel


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """The change of M maps, divided among C images.

    Attributes
    ----------
    volume : (M, C, *L) float32 array
        At every latent.
    score : (M, C) float64 array
        Mean of the volume over the latents of the body.
    error : (M, C) float64 array
        Standard error of the score over random orders: zero where all mixtures were encoded, NaN
        from one pair of orders.
    volume_error : (M, C, *L) float32 array or None
        The same of the volume; None where all mixtures were encoded.
    interaction : (M, C, C) float64 array or None
        As `coalition_plans.interactions`; None where not all mixtures were encoded.
    change : (M,) float64 array
        Of the mean of each map over the latents of the body.
    numbers : dict of str to float
        ``orders``, 0 where all mixtures were encoded, and ``mixtures`` encoded.
    """

    volume: Float32
    score: Float64
    error: Float64
    volume_error: Float32 | None
    interaction: Float64 | None
    change: Float64
    numbers: dict[str, float]

    @property
    def arrays(self) -> dict[str, Float32 | Float64]:
        """What has to be read beside score and volume, where it is there."""
        found = {
            "error": self.error,
            "volume_error": self.volume_error,
            "interaction": self.interaction,
        }
        return {name: values for name, values in found.items() if values is not None}

    @property
    def miss(self) -> Float64:
        """By how much the scores of each map miss its change, (M,)."""
        return np.asarray(self.score.sum(axis=1) - self.change)


def divide(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    baseline: Float32,
    maps: Sequence[int],
    *,
    orders: int,
    seed: int,
    progress: Progress,
) -> Shares:
    """Divide the change from a baseline (C, *S) among the images.

    Exact where up to 8 images can matter: they differ from the baseline and have weights.
    Otherwise from random orders, each followed by its reverse; an odd number is raised by one.
    """
    with model.running():
        return _Division(model, stack, baseline, maps, orders, seed, progress).run()


class _Division:
    """One walk over the slices of a case, or its one volume, and over their mixtures."""

    def __init__(
        self,
        model: LatentModel | SlicewiseModel,
        stack: ImageStack,
        baseline: Float32,
        maps: Sequence[int],
        orders: int,
        seed: int,
        progress: Progress,
    ) -> None:
        self.model, self.stack, self.maps = model, stack, list(maps)
        self.flat = model.model if isinstance(model, SlicewiseModel) else model
        self.encoder = MixEncoder(self.flat)
        device = model.spec.device
        self.x, self.start = (self._planes(data).to(device) for data in (stack.data, baseline))
        n, c = self.x.shape[:2]
        players = players_of(self.flat, self.start, self.x)
        self.exact = len(players) <= EXACT
        self.orders = [] if self.exact else draw_orders(c, -(-orders // 2), seed)
        self.progress, self.done = progress, 0
        self.total = n * ((2 * c + 1) * len(self.orders) or 2 ** len(players))
        self.scores = np.zeros((max(1, len(self.orders)), c, len(self.maps)))
        self.change = np.zeros(len(self.maps))
        self.interaction = np.zeros((len(self.maps), c, c))
        self.weight: Tensor | None = None

    def run(self) -> Shares:
        planes = [self._divide(i) for i in range(len(self.x))]
        self.progress.report(self.total, self.total, "encoding mixtures of images")
        n = len(self.scores)
        error = np.zeros(self.scores.shape[1:])
        if not self.exact:
            error = self.scores.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else error * np.nan
        return Shares(
            volume=self._joined([mean for mean, _ in planes]),
            score=self.scores.mean(axis=0).T.copy(),
            error=error.T.copy(),
            volume_error=None if self.exact else self._joined([error for _, error in planes]),
            interaction=self.interaction if self.exact else None,
            change=self.change,
            numbers={"orders": 2 * len(self.orders), "mixtures": self.done},
        )

    def _divide(self, plane: int) -> tuple[Tensor, Tensor]:
        """Mean and standard error (C, M, *L) of the shares at every latent of one plane."""
        case = self.encoder.between(self.start[plane, None], self.x[plane, None])
        n, total, square = len(self.scores), torch.zeros(()), torch.zeros(())
        for row, plan in enumerate(self._plans(case)):
            estimate, means = self._estimate(case, plan, plane)
            self.scores[row] += (estimate.flatten(2) @ self._counted(estimate)[plane]).numpy()
            if row == 0:
                self.change += means[-1] - means[0]
            if self.exact:
                self.interaction += interactions(case.players, plan, means)
            if n == 1:
                return estimate, torch.full_like(estimate, torch.nan)
            total, square = total + estimate, square + estimate.square()
        mean = total / n
        return mean, ((square / n - mean**2).clamp_min_(0) / (n - 1)).sqrt_()

    def _plans(self, case: MixedCase) -> Iterator[Plan]:
        c = self.x.shape[1]
        if self.exact:
            yield every_mixture(case.players, c)
        for order in self.orders:
            yield both_ways(tuple(i for i in order if i in case.players), c)

    def _estimate(self, case: MixedCase, plan: Plan, plane: int) -> tuple[Tensor, Float64]:
        """Shares (C, M, *L) by one plan, and the mean (n, M) of each map for each mixture."""
        means: list[Tensor] = []
        sums: Tensor | None = None
        for rows in self.encoder.batches(case, len(plan.mixtures)):
            self.progress.report(self.done, self.total, "encoding mixtures of images")
            z = self.encoder.latents(case, plan.mixtures[rows])
            self.done += len(z)
            z = (z if len(self.maps) == z.shape[1] else z[:, self.maps]).cpu().double()
            means.append(z.flatten(2) @ self._counted(z)[plane])
            if sums is None:
                sums = z.new_zeros(2, len(plan.weights), *z.shape[1:])
            _add_weighted(sums, z, plan.weights[:, rows])
        if sums is None:
            raise ValueError("a plan needs at least one mixture")
        return sums[0].sub_(sums[1]), torch.cat(means).numpy()

    def _counted(self, latents: Tensor) -> Tensor:
        """Weight of every latent of every plane in a score, (n, V), from some (A, M, *L)."""
        if self.weight is None:
            blank = self._joined([latents[:1, :1]] * len(self.x))
            inside = body_latents(self.stack, self.model.spec, blank.shape[2:])
            self.weight = self._planes(inside[None] / inside.sum()).flatten(1)
        return self.weight

    def _planes(self, values: Float32 | Float64) -> Tensor:
        """Values (A, *S) of a case, plane by plane: (n, A, *S'), where a volume is one."""
        stop_if_asked()
        x = torch.from_numpy(values[None].copy())
        return self.model.fold(x) if isinstance(self.model, SlicewiseModel) else x

    def _joined(self, planes: Sequence[Tensor]) -> Float32:
        """Values (C, M, *L') of each plane as (M, C, *L) of the case."""
        x = torch.stack([plane.float().transpose(0, 1) for plane in planes])
        if isinstance(self.model, SlicewiseModel):
            volumes = self.model.unfold(x.flatten(1, 2), 1)
            x = volumes.reshape(1, *x.shape[1:3], *volumes.shape[2:])
        return x[0].contiguous().numpy()


def _add_weighted(sums: Tensor, values: Tensor, weights: Float64) -> None:
    """Add values (n, M, *L), times weights (C, n), to sums (2, C, M, *L): of positive, of negative.

    One after the other, so that the two sums of an image that does nothing are equal.
    """
    for value, of_images in zip(values, weights.T, strict=True):
        for c in np.flatnonzero(of_images):
            sums[0 if of_images[c] > 0 else 1, c].add_(value, alpha=abs(of_images[c]))
