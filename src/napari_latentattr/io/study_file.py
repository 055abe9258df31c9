"""The study file: which model, which images, which outcome.

Every key is checked by hand and unknown ones are refused. Knows the file alone: refuses to load
the model, to look into the table of cases or to open an image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import can_name_a_file
from napari_latentattr.io.case_table import check_channels
from napari_latentattr.io.preprocessing import Preprocessing
from napari_latentattr.io.yaml_file import check_section, describe, read_yaml

Slices: TypeAlias = Literal["axial", "coronal", "sagittal"]

VERSION = 1


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """Where the model of a study comes from.

    Attributes
    ----------
    weights : Path
    architecture : str or None
        Name of a built-in architecture.
    arguments : mapping of str to object
        Of the architecture or of `code`.
    code : str or None
        ``"/folder/file.py:function"``; running it needs trust.
    latent : str or None
        Submodule whose output is the latent; None lets it be found.
    """

    weights: Path
    architecture: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    code: str | None = None
    latent: str | None = None


@dataclass(frozen=True, slots=True)
class StudyFile:
    """What a study file says; paths are absolute or relative to where the program runs.

    Attributes
    ----------
    labels : mapping of str to int, or None
        Value of each named label in the label maps; None when the file names none.
    outcome : str or None
        A column of the table of cases, or the name of a label.
    """

    path: Path
    model: ModelEntry
    channels: tuple[str, ...]
    cases: Path
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    slices: Slices | None = None
    resample: bool = False
    labels: Mapping[str, int] | None = None
    outcome: str | None = None
    seed: int = 0


_STUDY = {
    "version": ("a whole number",),
    "model": ("a mapping",),
    "channels": ("a list of texts",),
    "preprocess": ("a mapping", "absent"),
    "cases": ("text",),
    "labels": ("a mapping", "nothing", "absent"),
    "outcome": ("text", "nothing", "absent"),
    "seed": ("a whole number", "absent"),
}
_MODEL = {
    "weights": ("text",),
    "architecture": ("text", "nothing", "absent"),
    "arguments": ("a mapping", "nothing", "absent"),
    "code": ("text", "nothing", "absent"),
    "latent": ("text", "nothing", "absent"),
}
_PREPROCESS = {
    "scaling": ("text", "absent"),
    "percentiles": ("a list of numbers", "absent"),
    "spacing": ("a list of numbers", "nothing", "absent"),
    "slices": ("text", "nothing", "absent"),
    "resample": ("true or false", "absent"),
}


def read_study_file(path: Path | str) -> StudyFile:
    """Read and check a study file.

    Parameters
    ----------
    path : path
        YAML of version 1; paths in it are relative to its folder.

    Returns
    -------
    StudyFile

    Raises
    ------
    InputError
        When the file cannot be read, a key is unknown or missing, or a value makes no sense.
    """
    path = Path(path)
    content = read_yaml(path)
    try:
        return _study(path, content)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def _study(path: Path, content: dict[Any, Any]) -> StudyFile:
    version = content.get("version")
    if version != VERSION or version is True:
        came = describe(version)
        raise InputError(f"version must be {VERSION}, got {came}; write version: {VERSION}")
    study = check_section("", content, _STUDY)
    check_channels(study["channels"])
    seed = study.get("seed", 0)
    if seed < 0:
        raise InputError(f"seed must be 0 or larger, got {seed}")
    preprocess = check_section("preprocess", study.get("preprocess", {}), _PREPROCESS)
    slices = preprocess.pop("slices", None)
    if slices is not None and slices not in get_args(Slices):
        raise InputError(
            f"preprocess.slices must be {', '.join(get_args(Slices))} or null, got {slices!r}"
        )
    resample = preprocess.pop("resample", False)
    try:
        preprocessing = Preprocessing(**preprocess)
    except InputError as error:
        raise InputError(f"preprocess.{error}") from error
    return StudyFile(
        path=path,
        model=_model(path.parent, check_section("model", study["model"], _MODEL)),
        channels=tuple(study["channels"]),
        cases=path.parent / study["cases"],
        preprocessing=preprocessing,
        slices=slices,
        resample=resample,
        labels=_labels(study.get("labels")),
        outcome=study.get("outcome"),
        seed=seed,
    )


def _model(folder: Path, model: dict[str, Any]) -> ModelEntry:
    architecture, code = model.get("architecture"), model.get("code")
    if architecture is not None and code is not None:
        raise InputError("model names both an architecture and code; keep one of them")
    if code is not None:
        if not re.fullmatch(r"[^:]+\.py:[A-Za-z_]\w*", code):
            raise InputError(f"model.code must look like mymodel.py:build, got {describe(code)}")
        file, function = code.split(":")
        code = f"{folder / file}:{function}"
    arguments = model.get("arguments") or {}
    for name in arguments:
        if not isinstance(name, str):
            raise InputError(f"model.arguments must have text keys, got {describe(name)}")
    weights = folder / model["weights"]
    return ModelEntry(weights, architecture, arguments, code, model.get("latent"))


def _labels(labels: dict[Any, Any] | None) -> dict[str, int] | None:
    if labels is None:
        return None
    for name, value in labels.items():
        if not isinstance(name, str) or not can_name_a_file(name):
            raise InputError(f"labels must have names of letters and digits, got {describe(name)}")
        if type(value) is not int or value == 0:
            raise InputError(
                f"labels.{name} must be a whole number other than 0, got {describe(value)}"
            )
    return dict(labels)
