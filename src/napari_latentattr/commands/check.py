"""``latentattr check``: whether the picture of a method can be read at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_latentattr.cohort.study import open_study
from napari_latentattr.commands.attribute import case_position, typed_values
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.tables import table
from napari_latentattr.commands.volumes import whole_cases
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.sanity import SanityCheck
from napari_latentattr.io.atomic import write_json
from napari_latentattr.io.picture_records import sanity_record
from napari_latentattr.methods.check import check


def run(
    folder: Path,
    *,
    study: Path,
    map: int,  # noqa: A002
    method: str,
    case: str | None,
    region: str | None,
    voxel: Sequence[int] | None,
    settings: Sequence[tuple[str, str]],
    seed: int | None,
    trust: bool,
    progress: Progress,
) -> Report:
    """Check one picture of one case, the first when none is named; write ``check.json``."""
    values = typed_values(method, settings)
    opened = open_study(study, trust=trust)
    cases = whole_cases(opened.cohort)
    found = check(
        opened.model,
        cases[0 if case is None else case_position(cases, case)],
        map,
        method=method,
        cohort=opened.cohort,
        region=region,
        voxel=voxel,
        seed=opened.seed if seed is None else seed,
        progress=progress,
        **values,
    )
    write_json(folder / "check.json", sanity_record(found))
    return Report(check_text(found), "check.json")


def check_text(found: SanityCheck) -> str:
    """Verdict, sentence and the likeness of every stage."""
    rows = [
        [layer, f"{value:.2f}"] for layer, value in zip(found.layers, found.similarity, strict=True)
    ]
    return "\n".join(
        [
            f"{found.verdict}: case {found.case}",
            found.sentence(),
            "",
            table(rows, header=("random down to", "similarity")),
            "",
            "About one case and this model, not about biology. Research use, not diagnosis.",
        ]
    )
