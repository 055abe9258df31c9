"""``latentattr attribute``: where each image drives a map, or what the map draws, as volumes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.study import open_study
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.tables import table
from napari_latentattr.commands.volumes import whole_cases
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import did_you_mean
from napari_latentattr.core.progress import Part, Progress
from napari_latentattr.core.types import Attribution, ImageStack, Provenance
from napari_latentattr.io.atomic import write_json
from napari_latentattr.io.picture_records import attribution_record, attributions_record
from napari_latentattr.io.records import Record
from napari_latentattr.io.writing import write_volume
from napari_latentattr.methods._parameters import Value
from napari_latentattr.methods.attribute import attribute
from napari_latentattr.methods.request import find_method

_CAVEAT = (
    "A picture carries no test: ask `latentattr check` whether it can be read, and `latentattr "
    "channels` which image drives the map. Research use, not diagnosis."
)


def run(
    folder: Path,
    *,
    study: Path,
    maps: Sequence[int | str],
    method: str,
    case: str | None,
    region: str | None,
    voxel: Sequence[int] | None,
    settings: Sequence[tuple[str, str]],
    seed: int | None,
    trust: bool,
    progress: Progress,
) -> Report:
    """Ask one method about maps of one case or of all; write volumes and ``attribute.json``."""
    began = time.perf_counter()
    values = typed_values(method, settings)
    opened = open_study(study, trust=trust)
    seed = opened.seed if seed is None else seed
    cases = whole_cases(opened.cohort)
    which = _asked_cases(cases, case, region)
    found: list[Attribution] = []
    pictures: list[Record] = []
    for done, i in enumerate(which):
        stack = cases[i]
        answers = attribute(
            opened.model,
            stack,
            "all" if "all" in maps else [int(k) for k in maps],
            method=method,
            cohort=opened.cohort,
            region=region,
            voxel=voxel,
            seed=seed,
            progress=Part(progress, done, len(which), f"{method}, case by case"),
            **values,
        )
        for answer in answers:
            files = write_picture(folder, answer, stack, method)
            pictures.append(
                attribution_record(answer, case=stack.case, channels=stack.channels, files=files)
            )
        found.extend(answers)
    provenance = _together(found).timed(time.perf_counter() - began)
    write_json(folder / "attribute.json", attributions_record(pictures, provenance))
    text = _text(found, opened.channels)
    if case is None and len(which) < len(cases):
        without = [name for i, name in enumerate(cases.cases) if i not in which]
        text += f"\nleft out, without {region}: {', '.join(without)}"
    return Report(text, "attribute.json")


def typed_values(method: str, settings: Sequence[tuple[str, str]]) -> dict[str, Value]:
    """Values of parameters that were typed as text; those that the method has not stay text."""
    known = {parameter.name: parameter for parameter in find_method(method).parameters}
    return {name: known[name].read(text) if name in known else text for name, text in settings}


def case_position(cases: Cohort, case: str) -> int:
    """Position of a case by its name.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    if case not in cases.cases:
        raise InputError(
            f"case {case} is none of the {len(cases)} cases of the study"
            f"{did_you_mean(case, cases.cases)}; give a name from its table of cases"
        )
    return cases.cases.index(case)


def write_picture(folder: Path, found: Attribution, stack: ImageStack, method: str) -> list[str]:
    """Write one file an image: ``<case>_map-<index>_desc-<method>_<channel>.nii.gz``.

    A method that cannot tell images apart has one file, without a channel in its name.
    """
    if found.volume is None:
        raise TypeError(f"method {method} gave no volume to write")
    start = f"{stack.case}_map-{found.map.index}_desc-{method}"
    each = len(found.volume) == len(stack.channels)
    names = [f"{start}_{c}.nii.gz" for c in stack.channels] if each else [f"{start}.nii.gz"]
    for name, volume in zip(names, found.volume, strict=True):
        write_volume(folder / name, volume, stack.grid)
    return names


def _asked_cases(cases: Cohort, case: str | None, region: str | None) -> list[int]:
    """Positions of the named case, or of all; of a region, those that have it."""
    if case is not None:
        return [case_position(cases, case)]
    have = [i for i in range(len(cases)) if region is None or cases.region(i, region).any()]
    if not have:
        raise InputError(f"no case has the label {region}; name another one")
    return have


def _together(found: Sequence[Attribution]) -> Provenance:
    """One provenance for all pictures; what differs between them is in their own."""
    first = found[0].provenance
    params = {name: value for name, value in first.params.items() if name not in ("map", "case")}
    for name in ("map", "case"):
        values = dict.fromkeys(str(picture.provenance.params[name]) for picture in found)
        params[f"{name}s"] = ",".join(values)
    hashes = dict.fromkeys(picture.provenance.data_sha256 for picture in found)
    data = sha256("".join(hashes).encode()).hexdigest()
    return replace(first, params=params, data_sha256=data)


def _text(found: Sequence[Attribution], channels: Sequence[str]) -> str:
    """Scores of every picture, how far they are from adding up, and what they cannot say."""
    first = found[0]
    scores = channels if len(first.score) == len(channels) else ["all images"]
    adds_up = not math.isnan(first.residual)
    rows = [
        [
            str(picture.provenance.params["case"]),
            str(picture.target),
            *(f"{score:.4g}" for score in picture.score),
            *([f"{picture.residual:.2g}"] if adds_up else []),
        ]
        for picture in found
    ]
    header = ("case", "map", *scores, *(["residual"] if adds_up else []))
    return "\n".join(
        [f"{first.provenance.method}, scores in {first.unit}", table(rows, header=header), _CAVEAT]
    )
