"""Where a latent map depends on each image: the voxel layer of channel dependence."""

from __future__ import annotations

import time
from hashlib import sha256

import numpy as np
import torch

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_inside, to_input_grid
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, CaseSource, Float64, MapRef, Provenance
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.methods.donors import with_donors
from napari_latentattr.model.engine import PreparedCase, SwapEncoder
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes


def dependence_volume(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    which: int,
    *,
    case: int,
    donors: int = 4,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Attribution:
    """Show where a latent map of one case moves when one image comes from another case.

    Parameters
    ----------
    model : LatentModel
    cohort : CaseSource
    which : int
        The latent map.
    case : int
        Position of the case in the cohort.
    donors : int
        Other cases that the image is taken from in turn.

    Returns
    -------
    Attribution
        `volume` (C, *S) is the root mean square move of the latents over donors, in units of the
        latent map, on the voxels of the image; `score` (C,) its root mean square in the mask.

    Raises
    ------
    InputError
        When the cohort has no such case, or the model no such map.
    """
    began = time.perf_counter()
    fitted = over_volumes(model, cohort)
    if not 0 <= which < fitted.spec.n_maps:
        raise InputError(f"map {which} was asked, the model has maps 0 to {fitted.spec.n_maps - 1}")
    if not 0 <= case < len(cohort):
        raise InputError(f"case {case} was asked, the cohort has cases 0 to {len(cohort) - 1}")
    stack = cohort[case]
    moves = latent_moves(fitted, cohort, which, case, donors, seed, progress)
    shape = moves.shape[1:]
    inside = np.ones(shape, dtype=bool)
    if stack.mask is not None:
        inside = latents_inside(stack.mask, fitted.spec, shape)
    volume = to_input_grid(moves.astype(np.float32), fitted.spec, stack.grid.shape)
    if stack.mask is not None:
        volume = np.where(stack.mask, volume, np.float32(0))
    return Attribution(
        target=MapRef(fitted.spec.layer, which),
        score=np.sqrt((moves[:, inside] ** 2).mean(axis=1)),
        picture=volume,
        unit="latent units",
        residual=float("nan"),
        grid=stack.grid,
        provenance=Provenance(
            method="dependence_volume",
            params={"map": which, "case": stack.case, "donors": donors},
            seed=seed,
            model_sha256=fitted.spec.sha256,
            data_sha256=sha256(stack.data.tobytes()).hexdigest(),
            versions=installed_versions(fitted.spec.device),
            seconds=round(time.perf_counter() - began, 3),
        ),
    )


def latent_moves(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    which: int | list[int],
    case: int,
    donors: int,
    seed: int,
    progress: Progress,
) -> Float64:
    """Root mean square move of a latent map over donors, (C, *L); of M maps, (C, M, *L)."""
    source, pairs = with_donors(cohort, donors=donors, seed=seed)
    others = dict(pairs)[case]
    encoder = SwapEncoder(model)

    def prepared(i: int) -> PreparedCase:
        return encoder.prepare(torch.from_numpy(source[i].data[None].copy()).to(model.spec.device))

    moves = []
    with model.running():
        mine = prepared(case)
        theirs = [prepared(j) for j in others]
        latents = encoder.latents(mine)
        for c in range(len(cohort.channels)):
            progress.report(c, len(cohort.channels), "where each image matters")
            move = encoder.swap(mine, theirs, [c])[:, which] - latents[0, which]
            moves.append(move.double().square().mean(dim=0).sqrt().cpu().numpy())
    progress.report(len(cohort.channels), len(cohort.channels), "where each image matters")
    return np.stack(moves)
