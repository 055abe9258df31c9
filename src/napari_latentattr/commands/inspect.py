"""``latentattr inspect``: what is known of the model and of the images, and whether they agree."""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from napari_latentattr.cohort.study import Study, open_study
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.tables import sheet
from napari_latentattr.core.errors import LatentAttrError
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Grid, ImageStack, LatentSpec, Provenance
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.io.atomic import write_json
from napari_latentattr.io.records import Record, provenance_record
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import picture
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes
from napari_latentattr.model.state import undisturbed

_TOLERANCE = 1e-5  # of the largest value of the picture; float32 sums in another order differ less


def run(folder: Path, *, study: Path, trust: bool, progress: Progress) -> Report:
    """Describe a study in words and in ``inspect.json``."""
    began = time.perf_counter()
    opened = open_study(study, trust=trust)
    progress.report(0, 1, "trying the model on the first case")
    first = opened.cohort[0]
    model, images = _model_record(opened.model), _study_record(opened, first)
    checks = _try_model(opened, first)
    progress.report(1, 1, "trying the model on the first case")
    provenance = Provenance(
        method="inspect",
        params={"trust": trust},
        seed=opened.seed,
        model_sha256=opened.model.spec.sha256,
        data_sha256=sha256(first.data.tobytes()).hexdigest(),
        versions=installed_versions(),
    ).timed(time.perf_counter() - began)
    record: Record = {
        "kind": "inspection",
        "version": 1,
        "model": model,
        "study": images,
        "checks": [
            {"check": name, "passed": passed, "found": found} for name, passed, found in checks
        ],
        "provenance": provenance_record(provenance),
    }
    write_json(folder / "inspect.json", record)
    return Report(_words(opened, first, model, checks), "inspect.json")


def _model_record(model: LatentModel) -> Record:
    spec = model.spec
    return {
        "layer": spec.layer,
        "n_channels": spec.n_channels,
        "n_maps": spec.n_maps,
        "ndim": spec.ndim,
        "stride": list(spec.stride),
        "offset": list(spec.offset),
        "receptive_field": list(spec.receptive_field),
        "skips": list(spec.skips),
        "everywhere": list(spec.everywhere),
        "parameters": sum(p.numel() for p in model.module.parameters()),
        "device": spec.device,
        "sha256": spec.sha256,
    }


def _study_record(study: Study, first: ImageStack) -> Record:
    cohort = study.cohort
    return {
        "name": study.name,
        "cases": len(cohort),
        "patients": len(set(cohort.patients)),
        "unit_name": cohort.unit_name,
        "channels": list(cohort.channels),
        "shape": list(first.grid.shape),
        "spacing_mm": list(first.grid.spacing),
        "orientation_known": first.grid.known,
        "mask": first.mask is not None,
        "labels": list(cohort.region_names),
        "columns": list(cohort.columns),
        "outcome": study.outcome_name,
        "seed": study.seed,
    }


def _try_model(study: Study, first: ImageStack) -> list[tuple[str, bool, str]]:
    """Name, result and finding of each test of the model on the first case."""
    fitted = over_volumes(study.model, study.cohort)
    x = torch.from_numpy(first.data[None].copy())
    if isinstance(fitted, SlicewiseModel):
        x = fitted.fold(x)
    latent = study.model.encode(x)
    again = study.model.encode(x)
    finite = float(np.isfinite(latent).mean())
    return [
        ("latent maps are finite", finite == 1, f"{finite:.0%}"),
        ("same answer twice", bool(np.array_equal(latent, again)), "bit by bit"),
        _compare_with_whole(study.model, x, latent),
    ]


def _compare_with_whole(
    model: LatentModel, x: torch.Tensor, latent: np.ndarray
) -> tuple[str, bool, str]:
    name = "decode(encode(x)) equals model(x)"
    with undisturbed(model.module):
        whole = picture(model.module(x.to(model.spec.device)), model.spec.n_channels, x.ndim - 2)
    if whole is None:
        return name, False, "the model returns no picture"
    expected = whole.cpu().numpy()
    try:
        decoded = model.decode(latent)
    except LatentAttrError as error:
        return name, False, str(error)
    gap = float(np.abs(decoded - expected).max() / max(float(np.abs(expected).max()), 1e-12))
    return name, gap <= _TOLERANCE, f"largest difference {gap:.0e}"


def _words(
    study: Study, first: ImageStack, model: Record, checks: Sequence[tuple[str, bool, str]]
) -> str:
    spec, cohort = study.model.spec, study.cohort
    known = "R on the left" if first.grid.known else "unknown"
    facts = [
        ("latent layer", spec.layer),
        ("images, maps", f"{spec.n_channels} images -> {spec.n_maps} maps, {spec.ndim}D"),
        ("stride, offset", f"{_times(spec.stride)} voxels, {_times(spec.offset)}"),
        ("receptive field", _receptive_field(spec, first.grid)),
        ("skip connections", ", ".join(spec.skips) or "none"),
        ("sees everything in", ", ".join(spec.everywhere) or "no layer"),
        ("parameters", f"{model['parameters']:,}"),
        ("device", spec.device),
        ("sha256", spec.sha256),
    ]
    images = [
        ("cases", f"{len(cohort)}, units are {cohort.unit_name}"),
        ("patients", str(len(set(cohort.patients)))),
        ("channels", ", ".join(cohort.channels)),
        ("first case", f"{first.case}, {_times(first.grid.shape)} voxels"),
        ("voxel", f"{_times(first.grid.spacing)} mm, orientation {known}"),
        ("labels", ", ".join(cohort.region_names) or "none"),
        ("columns", ", ".join(cohort.columns) or "none"),
        ("outcome", study.outcome_name or "none"),
    ]
    tried = [(name, f"{'ok' if passed else 'FAILED'}, {found}") for name, passed, found in checks]
    return sheet([("Model", facts), (f"Study {study.name}", images), ("Checks", tried)])


def _receptive_field(spec: LatentSpec, grid: Grid) -> str:
    spacing = grid.spacing[-spec.ndim :]
    size = [f * s for f, s in zip(spec.receptive_field, spacing, strict=True)]
    return f"{_times(spec.receptive_field)} voxels, {_times(size)} mm"


def _times(numbers: Sequence[float]) -> str:
    return " x ".join(f"{n:.4g}" for n in numbers)
