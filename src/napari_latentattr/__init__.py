"""What does a latent feature map capture? Error-controlled answers for convolutional autoencoders.

Names below are loaded when they are first used: importing the package loads neither torch nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_latentattr.cohort.cohort import Cohort
    from napari_latentattr.cohort.study import Study, open_study
    from napari_latentattr.core.clusters import Clusters
    from napari_latentattr.core.decomposition import Decomposition
    from napari_latentattr.core.dependence import ChannelDependence
    from napari_latentattr.core.latent_response import LatentResponse
    from napari_latentattr.core.likeness import PatternLikeness
    from napari_latentattr.core.map_statistics import MapStatistics
    from napari_latentattr.core.maximisation import Maximisation
    from napari_latentattr.core.retrieval import Retrieval
    from napari_latentattr.core.sanity import SanityCheck
    from napari_latentattr.core.traversal import Traversal
    from napari_latentattr.core.types import (
        Attribution,
        Evidence,
        Grid,
        ImageStack,
        MapRef,
        Ranking,
    )
    from napari_latentattr.io.volumes import read_stack
    from napari_latentattr.io.writing import write_volume
    from napari_latentattr.methods._parameters import Bounds
    from napari_latentattr.methods._registry import methods as methods
    from napari_latentattr.methods._registry import register
    from napari_latentattr.methods.attribute import attribute
    from napari_latentattr.methods.channel_dependence import channel_dependence
    from napari_latentattr.methods.channel_shapley import channel_shapley
    from napari_latentattr.methods.check import check
    from napari_latentattr.methods.decompose import decompose
    from napari_latentattr.methods.dependence_volume import dependence_volume
    from napari_latentattr.methods.latent_response import latent_response
    from napari_latentattr.methods.maximise import maximise
    from napari_latentattr.methods.pattern_likeness import pattern_likeness
    from napari_latentattr.methods.traversal import traverse
    from napari_latentattr.model.latent import LatentModel
    from napari_latentattr.model.loading import load_model
    from napari_latentattr.ranking.rank import rank_maps
    from napari_latentattr.retrieval.cluster import cluster_cases
    from napari_latentattr.retrieval.find import find_cases
    from napari_latentattr.streaming.cache import EncodedCache
    from napari_latentattr.streaming.map_statistics import map_statistics
    from napari_latentattr.streaming.streaming import Streaming

_HOME = {
    "Attribution": "core.types",
    "Bounds": "methods._parameters",
    "ChannelDependence": "core.dependence",
    "Clusters": "core.clusters",
    "Cohort": "cohort.cohort",
    "Decomposition": "core.decomposition",
    "EncodedCache": "streaming.cache",
    "Evidence": "core.types",
    "Grid": "core.types",
    "ImageStack": "core.types",
    "LatentModel": "model.latent",
    "LatentResponse": "core.latent_response",
    "MapRef": "core.types",
    "MapStatistics": "core.map_statistics",
    "Maximisation": "core.maximisation",
    "PatternLikeness": "core.likeness",
    "Ranking": "core.types",
    "Retrieval": "core.retrieval",
    "SanityCheck": "core.sanity",
    "Streaming": "streaming.streaming",
    "Study": "cohort.study",
    "Traversal": "core.traversal",
    "attribute": "methods.attribute",
    "channel_dependence": "methods.channel_dependence",
    "channel_shapley": "methods.channel_shapley",
    "check": "methods.check",
    "cluster_cases": "retrieval.cluster",
    "decompose": "methods.decompose",
    "dependence_volume": "methods.dependence_volume",
    "find_cases": "retrieval.find",
    "latent_response": "methods.latent_response",
    "load_model": "model.loading",
    "map_statistics": "streaming.map_statistics",
    "maximise": "methods.maximise",
    "open_study": "cohort.study",
    "pattern_likeness": "methods.pattern_likeness",
    "rank_maps": "ranking.rank",
    "read_stack": "io.volumes",
    "register": "methods._registry",
    "traverse": "methods.traversal",
    "write_volume": "io.writing",
}

__all__ = [
    "Attribution",
    "Bounds",
    "ChannelDependence",
    "Clusters",
    "Cohort",
    "Decomposition",
    "EncodedCache",
    "Evidence",
    "Grid",
    "ImageStack",
    "LatentModel",
    "LatentResponse",
    "MapRef",
    "MapStatistics",
    "Maximisation",
    "PatternLikeness",
    "Ranking",
    "Retrieval",
    "SanityCheck",
    "Streaming",
    "Study",
    "Traversal",
    "attribute",
    "channel_dependence",
    "channel_shapley",
    "check",
    "cluster_cases",
    "decompose",
    "dependence_volume",
    "find_cases",
    "latent_response",
    "load_model",
    "map_statistics",
    "maximise",
    "open_study",
    "pattern_likeness",
    "rank_maps",
    "read_stack",
    "register",
    "traverse",
    "write_volume",
]


def __getattr__(name: str) -> Any:
    if name == "methods":  # the folder itself; called, it lists what is in it
        return import_module(f"{__name__}.methods")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
