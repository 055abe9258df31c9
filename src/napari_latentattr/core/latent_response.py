"""What becomes of each latent map when another one is changed, drawn and encoded again: the result.

Refuses to know the model.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_latentattr.core.types import Float64, MapRef, Provenance


@dataclass(frozen=True, slots=True, eq=False)
class LatentResponse:
    """How far every map moves when one map is taken from another case and the picture re-encoded.

    Attributes
    ----------
    maps : tuple of MapRef
        The K maps of the model.
    matrix : (K, K) float64 array
        Row j, column i: move of map i when map j was exchanged, relative to the distance of map i
        between the two cases. The identity where every map draws what it alone reads again. Below
        1 on the diagonal: what the map holds is partly not drawn, or not read again. Off the
        diagonal: what it draws is read by other maps. NaN in the columns of maps that do not vary.
    n_cases : int
        Cases that maps were exchanged in.
    donors : int
        Other cases that each of them received from.
    unit_name : str
        What the cases are: donor and recipient are of different ones.
    provenance : Provenance
    """

    maps: tuple[MapRef, ...]
    matrix: Float64
    n_cases: int
    donors: int
    unit_name: str
    provenance: Provenance
