"""Which image drives each latent map: take one image from another case, see how far it moves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from napari_latentattr.core.broken import left_out
from napari_latentattr.core.dependence import ChannelDependence, JointSwap
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.inference import two_way_jackknife
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, CaseSource, Float64, MapRef, Provenance
from napari_latentattr.core.verdicts import Judgement, judge, name_drivers, tied_members
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.methods.asked_maps import asked_maps
from napari_latentattr.methods.donors import Pair, with_donors
from napari_latentattr.methods.swap_memory import ChannelSet, SwapMemory
from napari_latentattr.methods.swaps import Region, Swaps, measure_swaps
from napari_latentattr.methods.swaps_elsewhere import Question, fill_elsewhere
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes
from napari_latentattr.streaming.streaming import HERE, Streaming

# Images whose differences between cases correlate this much are near-copies of each other.
NEAR_COPY = 0.95


def channel_dependence(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    *,
    maps: int | Sequence[int] | None = None,
    region: str | Sequence[Bool] | None = None,
    tau: float = 0.03,
    donors: int = 4,
    seed: int = 0,
    memory: SwapMemory | None = None,
    streaming: Streaming = HERE,
    progress: Progress = SILENT,
) -> ChannelDependence:
    """Say which images drive which latent maps, and how sure that is.

    The ratio of a map and an image is the mean squared move of the map when only this image comes
    from another case, over the mean squared distance of the map between the two cases.

    Parameters
    ----------
    model : LatentModel
    cohort : CaseSource
        At least 2 cases; p values and intervals need 6 independent units. A single case is
        compared with surrogates of its own images and labelled approximate.
    maps : int or sequence of int, optional
        Maps named beforehand; all when None. p values are corrected over these maps and all images.
    region : str or sequence of (*S) bool array, optional
        Name of a label of the cohort, or one array a case: only latents of the region count.
    tau : float
        Ratio below which a dependence is too small to matter.
    donors : int
        Other cases that each case receives from, never of the same patient.
    memory : SwapMemory, optional
        An empty one is filled; given again after a stop, with all else the same, only the rest is
        measured.
    streaming : Streaming, optional
        As in `rank_maps`; nothing is kept on disk.

    Returns
    -------
    ChannelDependence
        Arrays of shape (K, C) for the K maps asked.

    Raises
    ------
    InputError
        When no case can receive, a named map does not vary, or a value is out of range.
    ModelError
        When model and cohort do not fit.

    References
    ----------
    Jansen, Comput Phys Commun, 1999; Gamboa et al., arXiv 1311.1797, 2013.
    """
    began = time.perf_counter()
    _check_values(tau, donors)
    fitted = over_volumes(model, cohort)
    asked = asked_maps(maps, fitted.spec.n_maps)
    memory = memory or SwapMemory()
    plan = _Plan.of(
        fitted, cohort, region, donors=donors, seed=seed, memory=memory, streaming=streaming
    )
    swaps = plan.measure([(c,) for c in range(len(cohort.channels))], progress)
    _check_varying(swaps, asked, fitted.spec.layer)
    single = _judge(swaps, asked, tau)
    joint, ties = _near_copies(plan, swaps, single, asked, tau, progress)
    leads = np.argmax(swaps.change.sum(axis=0), axis=1)[~swaps.still]
    return ChannelDependence(
        maps=tuple(MapRef(fitted.spec.layer, k) for k in asked),
        channels=cohort.channels,
        ratio=single.ratio,
        low=single.low,
        high=single.high,
        p=single.p if plan.exact else np.full_like(single.p, np.nan),
        q=single.q if plan.exact else np.full_like(single.q, np.nan),
        counting=single.estimate.df + 1,
        verdict=single.verdict,
        answer=np.array(
            [
                name_drivers(single, row, cohort.channels, tied, together)
                for row, (tied, together) in enumerate(ties)
            ]
        ),
        interaction=single.ratio.sum(axis=1) - 1,
        same_lead=_count_same(leads, single),
        varying=len(leads),
        joint=joint,
        likeness=np.abs(swaps.likeness),
        tau=tau,
        n=len(np.unique(swaps.recipient)),
        donors=swaps.n_donors,
        unit_name=cohort.unit_name,
        n_cases=swaps.n_cases,
        region=plan.region_name,
        approximate=plan.approximate,
        family=_family(len(asked), len(cohort.channels)),
        provenance=Provenance(
            method="channel_dependence",
            params={
                "tau": tau,
                "donors": donors,
                "region": plan.region_name,
                "maps": ",".join(map(str, asked)),
                **left_out(memory.broken),
            },
            seed=seed,
            model_sha256=fitted.spec.sha256,
            data_sha256=swaps.data_sha256,
            versions=installed_versions(fitted.spec.device),
            seconds=round(time.perf_counter() - began, 3),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """Who gives to whom, and which latents count."""

    model: LatentModel | SlicewiseModel
    cases: CaseSource
    pairs: list[Pair]
    region: Region | None
    region_name: str
    approximate: str
    memory: SwapMemory
    streaming: Streaming

    @classmethod
    def of(
        cls,
        model: LatentModel | SlicewiseModel,
        cohort: CaseSource,
        region: str | Sequence[Bool] | None,
        *,
        donors: int,
        seed: int,
        memory: SwapMemory,
        streaming: Streaming,
    ) -> _Plan:
        where, name = _region(cohort, region)
        cases, pairs = with_donors(cohort, donors=donors, seed=seed)
        approximate = "" if cohort.unit_name == "patients" else cohort.unit_name
        if len(cohort) == 1:
            approximate = "one case"
        return cls(model, cases, pairs, where, name, approximate, memory, streaming)

    @property
    def exact(self) -> bool:
        return not self.approximate

    def measure(self, sets: list[ChannelSet], progress: Progress) -> Swaps:
        if self.streaming.client is not None:
            fill_elsewhere(
                Question(self.model, self.cases, self.region, self.streaming.skip_broken),
                sets,
                self.pairs,
                self.memory,
                streaming=self.streaming,
                progress=progress,
            )
        swaps = measure_swaps(
            self.model,
            self.cases,
            sets,
            pairs=self.pairs,
            region=self.region,
            memory=self.memory,
            streaming=self.streaming,
            progress=progress,
        )
        if not len(swaps.change):
            raise InputError(
                f"no case has latents inside {self.region_name or 'its body mask'}, so nothing can "
                "be measured; check the label or the mask"
            )
        return swaps


def _region(cohort: CaseSource, region: str | Sequence[Bool] | None) -> tuple[Region | None, str]:
    if region is None:
        return None, ""
    if isinstance(region, str):
        return (lambda i: cohort.region(i, region)), region
    if len(region) != len(cohort):
        raise InputError(
            f"the region has {len(region)} arrays, the cohort {len(cohort)} cases; "
            "give one bool array a case"
        )
    return (lambda i: np.asarray(region[i], dtype=bool)), "the region"


def _judge(swaps: Swaps, asked: list[int], tau: float) -> Judgement:
    estimate = two_way_jackknife(swaps.change, swaps.spread, swaps.recipient, swaps.donor)
    return judge(
        estimate.only(asked), unmoved=swaps.unmoved[asked], still=swaps.still[asked], tau=tau
    )


def _near_copies(
    plan: _Plan, swaps: Swaps, single: Judgement, asked: list[int], tau: float, progress: Progress
) -> tuple[tuple[JointSwap, ...], list[tuple[list[int], float]]]:
    """Exchange near-copies together; for each map the channels that are tied, and their ratio."""
    likeness = np.abs(swaps.likeness)
    groups = _linked(likeness >= NEAR_COPY)
    ties: list[tuple[list[int], float]] = [([], np.nan) for _ in asked]
    if not groups:
        return (), ties
    together = _judge(plan.measure(groups, progress), asked, tau)
    joint = []
    for column, group in enumerate(groups):
        tied = [tied_members(single, together, row, group, column) for row in range(len(asked))]
        ratios = together.ratio[:, column]
        ties = [
            (new, float(ratio)) if new and not (old[0] and old[1] >= ratio) else old
            for old, new, ratio in zip(ties, tied, ratios, strict=True)
        ]
        joint.append(
            JointSwap(
                channels=tuple(plan.cases.channels[c] for c in group),
                likeness=float(_weakest_link(likeness, group)),
                ratio=together.ratio[:, column],
                low=together.low[:, column],
                high=together.high[:, column],
                tied=tuple(tuple(plan.cases.channels[c] for c in members) for members in tied),
            )
        )
    return tuple(joint), ties


def _linked(close: Bool) -> list[ChannelSet]:
    """Group two or more channels that are linked by closeness."""
    n_groups, group = connected_components(close, directed=False)
    found = [tuple(np.flatnonzero(group == g).tolist()) for g in range(n_groups)]
    return [channels for channels in found if len(channels) > 1]


def _weakest_link(likeness: Float64, group: ChannelSet) -> float:
    """Smallest of each member's likeness to the member it resembles most."""
    within = likeness[np.ix_(group, group)].copy()
    np.fill_diagonal(within, 0.0)
    return float(within.max(axis=1).min())


def _count_same(leads: npt.NDArray[np.int64], single: Judgement) -> npt.NDArray[np.int64]:
    """How many varying maps share each row's leading channel; 0 for a row that does not vary."""
    still = np.isnan(single.ratio).all(axis=1)
    own = np.argmax(np.nan_to_num(single.ratio), axis=1)
    return np.where(still, 0, (leads == own[:, None]).sum(axis=1))


def _family(n_maps: int, n_channels: int) -> str:
    maps = "1 map named beforehand" if n_maps == 1 else f"{n_maps} maps"
    return f"{maps} x {n_channels} images, Benjamini-Hochberg"


def _check_values(tau: float, donors: int) -> None:
    if not 0 < tau < 1:
        raise InputError(f"tau must lie between 0 and 1, got {tau}; the usual value is 0.03")
    if donors < 1:
        raise InputError(f"each case needs at least 1 donor, got {donors}; the usual number is 4")


def _check_varying(swaps: Swaps, asked: list[int], layer: str) -> None:
    if len(asked) == 1 and swaps.still[asked[0]]:
        raise InputError(
            f"map {MapRef(layer, asked[0])} does not vary between these cases, so no image can be "
            "said to drive it; ask another map"
        )
