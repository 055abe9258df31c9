"""Which mixtures of images to encode for Shapley shares, and how their latents are added up.

A share is a weighted sum of the latents of mixtures; the weights are all that is decided here.
Refuses to know models and images.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.types import Float64
from napari_latentattr.model.mixing import Order

# Images up to which every mixture is encoded: 256 of them.
EXACT = 8


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What makes one estimate of every share.

    Mixtures with an image stand in the same sequence as those without it that they are compared
    with, so that sums over the two are equal to the last bit where the image does nothing.

    Attributes
    ----------
    mixtures : tuple of tuple of int
        From the baseline alone to the case itself.
    weights : (C, n) float64 array
        Of each mixture in the share of each image.
    """

    mixtures: tuple[Order, ...]
    weights: Float64


def every_mixture(players: Order, n_channels: int) -> Plan:
    """Plan the exact shares: all mixtures, 2^P."""
    n = len(players)
    chosen = itertools.product([False, True], repeat=n)
    mixtures = [tuple(itertools.compress(players, which)) for which in chosen]
    weights = np.zeros((n_channels, len(mixtures)))
    for column, mixture in enumerate(mixtures):
        for c in players:
            others = len(mixture) - (c in mixture)
            weight = 1 / (n * math.comb(n - 1, others))
            weights[c, column] = weight if c in mixture else -weight
    return Plan(tuple(mixtures), weights)


def both_ways(order: Order, n_channels: int) -> Plan:
    """Plan one estimate from an order, in which images are put in one by one, and its reverse.

    Either way ends with a case of its own, summed up along it, so that its last step, too, is no
    more than one response.
    """
    mixtures: list[Order] = [()]
    for way in (order, order[::-1]):
        mixtures += [way[: i + 1] for i in range(len(way))]
    weights = np.zeros((n_channels, len(mixtures)))
    for column, mixture in enumerate(mixtures[1:], 1):
        weights[mixture[-1], column] += 0.5
        weights[mixture[-1], column - 1 if len(mixture) > 1 else 0] -= 0.5
    return Plan(tuple(mixtures), weights)


def draw_orders(n_channels: int, pairs: int, seed: int) -> list[Order]:
    """Random orders of all images, each to be walked both ways."""
    rng = np.random.default_rng(seed)
    return [tuple(rng.permutation(n_channels).tolist()) for _ in range(pairs)]


def interactions(players: Order, plan: Plan, values: Float64) -> Float64:
    """How far two images do more or less together than each alone, from an exact plan.

    The mean of ``V(S + c + d) - V(S + c) - V(S + d) + V(S)`` over all mixtures S without the two.

    Parameters
    ----------
    players : tuple of int
    plan : Plan
        Of `every_mixture`.
    values : (n, M) float64 array
        Of each mixture, for M maps.

    Returns
    -------
    (M, C, C) float64 array
        NaN on the diagonal; zero for images that are no players.

    References
    ----------
    Grabisch, Roubens: An axiomatic approach to the concept of interaction among players in
    cooperative games, International Journal of Game Theory, 1999 (the Banzhaf interaction index).
    """
    n_channels = len(plan.weights)
    found = np.zeros((values.shape[1], n_channels, n_channels))
    if len(players) > 1:
        sign = np.array([[1.0 if c in m else -1.0 for c in players] for m in plan.mixtures])
        pairs = np.einsum("ic,id,im->mcd", sign, sign, values) / 2 ** (len(players) - 2)
        found[np.ix_(range(len(found)), players, players)] = pairs
    found[:, range(n_channels), range(n_channels)] = np.nan
    return found
