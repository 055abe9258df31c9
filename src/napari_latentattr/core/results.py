"""What was found out about one study so far, and what is looked at; plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from napari_latentattr.core.clusters import Clusters
from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.core.sanity import SanityCheck
from napari_latentattr.core.traversal import Traversal
from napari_latentattr.core.types import Float32, Float64, Grid, MapRef, Provenance, Ranking

PictureKind: TypeAlias = Literal["where", "drawn"]
PictureKey: TypeAlias = tuple[str, int, str, Place]

# A picture of four images of 96 cubed takes 14 MB.
MOST_PICTURES = 12
# Parameters that are there only where part of a map was asked.
_PARTS = ("region", "voxel")
# Checks are small; a few for every map of a large model.
MOST_CHECKS = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """The one latent map, image and case that everything on the screen is about.

    Attributes
    ----------
    map, channel, case : int
    place : Place
        The part of the map that pictures of where are about.
    """

    map: int = 0
    channel: int = 0
    case: int = 0
    place: Place = WHOLE


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is laid over the images of one case for one latent map.

    Attributes
    ----------
    kind : {"where", "drawn"}
        Where the images drive the map, or what the decoder draws from it.
    target : MapRef
    case : str
    channels : tuple of str
    volume : (C, *S) float32 array
    grid : Grid
    unit : str
    method : str
        Its key.
    title : str
        The method in words.
    note : str
        What has to be known to read it, e.g. how far the parts are from adding up.
    numbers : mapping of str to float
        What the method says beside, e.g. ``entanglement``.
    place : Place
        The part of the map that it is about.
    """

    kind: PictureKind
    target: MapRef
    case: str
    channels: tuple[str, ...]
    volume: Float32
    grid: Grid
    unit: str
    method: str
    title: str
    note: str
    provenance: Provenance
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    place: Place = WHOLE

    @property
    def key(self) -> PictureKey:
        """What a later picture replaces: kind, map, case, part of the map."""
        return (self.kind, self.target.index, self.case, self.place)


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """All answers of a session; adding gives a new value, so any state can be gone back to.

    Attributes
    ----------
    ranking : Ranking or None
    dependence : tuple of ChannelDependence
        The newest first.
    pictures : mapping of (kind, map, case, part of the map) to Picture
        The newest last.
    checks : tuple of SanityCheck
        The newest first.
    traversal : Traversal or None
        The newest; not kept between sessions.
    clusters : Clusters or None
        Groups of cases.
    """

    ranking: Ranking | None = None
    dependence: tuple[ChannelDependence, ...] = ()
    pictures: Mapping[PictureKey, Picture] = field(default_factory=lambda: MappingProxyType({}))
    checks: tuple[SanityCheck, ...] = ()
    traversal: Traversal | None = None
    clusters: Clusters | None = None

    def with_clusters(self, found: Clusters) -> Results:
        """Return these results with these groups of cases."""
        return replace(self, clusters=found)

    def with_ranking(self, ranking: Ranking) -> Results:
        """Return these results with this ranking."""
        return replace(self, ranking=ranking)

    def with_dependence(self, found: ChannelDependence) -> Results:
        """Return these results with this answer in front; it replaces one to the same question."""
        others = (d for d in self.dependence if (d.region, d.maps) != (found.region, found.maps))
        return replace(self, dependence=(found, *others))

    def with_picture(self, picture: Picture) -> Results:
        """Return these results with this picture; beyond `MOST_PICTURES` the oldest goes."""
        kept = {key: p for key, p in self.pictures.items() if key != picture.key}
        kept[picture.key] = picture
        newest = list(kept.items())[-MOST_PICTURES:]
        return replace(self, pictures=MappingProxyType(dict(newest)))

    def with_check(self, found: SanityCheck) -> Results:
        """Return these results with this check in front; it replaces one of the same picture."""
        others = tuple(c for c in self.checks if _checked(c) != _checked(found))
        return replace(self, checks=(found, *others)[:MOST_CHECKS])

    def check_of(self, picture: Picture) -> SanityCheck | None:
        """Newest check of exactly this picture, made with the same method and parameters."""
        made = dict(picture.provenance.params)
        for found in self.checks:
            params = found.provenance.params
            same = (found.target, found.case, found.method) == (
                picture.target,
                picture.case,
                picture.method,
            )
            if same and all(params.get(n) == made.get(n) for n in (*made, *_PARTS)):
                return found
        return None

    def ratio_of(self, which: int) -> Float64 | None:
        """How far each image moves one map (C,), where that was measured."""
        found = self.about(which)
        return None if found is None else found.ratio[found.row(which)]

    def checks_of_map(self, which: int) -> list[SanityCheck]:
        """All checks of one map, the newest first."""
        return [found for found in self.checks if found.target.index == which]

    def with_traversal(self, found: Traversal) -> Results:
        """Return these results with this traversal in the place of any other."""
        return replace(self, traversal=found)

    def about(self, which: int, *, region: str = "") -> ChannelDependence | None:
        """Newest answer about one map, in the whole body or inside one region."""
        for found in self.dependence:
            if found.region == region and any(ref.index == which for ref in found.maps):
                return found
        return None


def _checked(found: SanityCheck) -> tuple[object, ...]:
    """Return what a later check must share to replace it."""
    params = tuple(sorted((name, str(value)) for name, value in found.provenance.params.items()))
    return (found.target, found.case, found.method, params)
