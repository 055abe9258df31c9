"""``latentattr decode``: what the decoder draws from each latent map of a case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_latentattr.cohort.study import Study, open_study
from napari_latentattr.commands.decoder_tables import (
    decomposition_lines,
    response_lines,
    traversal_line,
)
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.volumes import whole_cases, write_images
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import did_you_mean
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.skip_words import skip_note
from napari_latentattr.core.types import ImageStack
from napari_latentattr.io.atomic import write_json, write_text
from napari_latentattr.io.decoder_records import (
    decomposition_record,
    response_csv,
    response_record,
    traversal_record,
)
from napari_latentattr.methods.decompose import DIVISIONS, decompose
from napari_latentattr.methods.latent_response import latent_response
from napari_latentattr.methods.traversal import traverse as traverse_map

# A method goes by its key here; the first-order effect has a short name among the divisions.
_DIVISION = {("main_effect" if name == "main" else name): name for name in DIVISIONS}


def run(
    folder: Path,
    *,
    study: Path,
    maps: Sequence[int] | None,
    case: str | None,
    method: str,
    pairs: int | None,
    traverse: int | None,
    response: bool,
    seed: int | None,
    trust: bool,
    progress: Progress,
) -> Report:
    """Draw maps of one case of a study.

    Writes ``decode.json`` and a volume a map and image; with `traverse` also each map from weak to
    strong, a volume a step, and with `response` ``response.json`` and ``response.csv``.
    """
    _check_options(method, pairs)
    if traverse is not None and maps is None:
        raise InputError("--traverse draws a map many times; name the maps with --map")
    opened = open_study(study, trust=trust)
    seed = opened.seed if seed is None else seed
    stack = _case(opened, case)
    lines = _decode(
        folder,
        opened,
        stack,
        maps,
        method=method,
        pairs=1 if pairs is None else pairs,
        seed=seed,
        progress=progress,
    )
    if traverse is not None:
        for which in maps or ():
            lines.append(_traverse(folder, opened, stack, which, traverse, progress))
    if response:
        found = latent_response(opened.model, opened.cohort, seed=seed, progress=progress)
        write_json(folder / "response.json", response_record(found))
        write_text(folder / "response.csv", response_csv(found))
        lines += response_lines(found)
    if not stack.grid.known:
        lines.append("No volumes were written: the orientation of the images is unknown.")
    return Report("\n".join(lines), "decode.json")


def _decode(
    folder: Path,
    study: Study,
    stack: ImageStack,
    maps: Sequence[int] | None,
    *,
    method: str,
    pairs: int,
    seed: int,
    progress: Progress,
) -> list[str]:
    """Divide the picture of a case among maps; write it, and say what came out."""
    found = decompose(
        study.model,
        stack,
        reference=study.cohort,
        method=_DIVISION[method],
        maps=maps,
        pairs=pairs,
        seed=seed,
        progress=progress,
    )
    images = [found.image(ref) for ref in found.maps]
    record = decomposition_record(found, case=stack.case, method=method, images=images)
    write_json(folder / "decode.json", record)
    for ref, volume in zip(found.maps, images, strict=True):
        start = f"{stack.case}_map-{ref.index}_desc-{method}"
        write_images(folder, start, stack.channels, volume, stack.grid)
    lines = decomposition_lines(found, stack.case, method, images, len(study.cohort))
    note = skip_note(found.provenance.params)
    return [*lines, f"{note[0].upper()}{note[1:]}."] if note else lines


def _traverse(
    folder: Path, study: Study, stack: ImageStack, which: int, steps: int, progress: Progress
) -> str:
    """Let one map go from weak to strong; write every step, and say from where to where."""
    found = traverse_map(
        study.model, stack, which, cohort=study.cohort, steps=steps, progress=progress
    )
    start = f"{stack.case}_map-{found.target.index}_desc-traverse"
    write_json(folder / f"{start}.json", traversal_record(found))
    for step, pictures in enumerate(found.pictures, start=1):
        write_images(folder, f"{start}{step:02d}", stack.channels, pictures, stack.grid)
    return traversal_line(found)


def _case(study: Study, name: str | None) -> ImageStack:
    """Find the case that was named, a whole volume where slices are the units."""
    cases = whole_cases(study.cohort)
    if name is not None and name not in cases.cases:
        raise InputError(
            f"there is no case {name}{did_you_mean(name, cases.cases)}; the {len(cases)} cases of "
            f"{study.name} begin with {', '.join(cases.cases[:3])}"
        )
    return cases[0 if name is None else cases.cases.index(name)]


def _check_options(method: str, pairs: int | None) -> None:
    if method not in _DIVISION:
        raise InputError(
            f"there is no method {method}{did_you_mean(method, _DIVISION)} to draw a map; known "
            f"are {', '.join(_DIVISION)}"
        )
    if pairs is not None and method != "shapley":
        raise InputError(f"--pairs is for --method shapley, got {method}; leave it out")
