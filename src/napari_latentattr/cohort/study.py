"""A study: one model, its cases and the outcome that is asked about.

Opening checks names and headers of text files; no image is read before it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.table import TableCases
from napari_latentattr.core.errors import InputError, ModelError
from napari_latentattr.core.names import did_you_mean
from napari_latentattr.core.types import Bool, Text
from napari_latentattr.io.case_table import Values, read_case_table
from napari_latentattr.io.study_file import ModelEntry, StudyFile, read_study_file

if TYPE_CHECKING:
    from napari_latentattr.model.latent import LatentModel


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """Everything that a study file names.

    Attributes
    ----------
    name : str
        Of the study file or, where that is ``study.yaml``, of its folder.
    path : Path or None
        None for a study that was put together by hand.
    model : LatentModel
    cohort : Cohort
        Volumes; or their slices when all belong to one patient and the file says `slices`.
    outcome_name : str or None
        A column of the table of cases, or a label.
    seed : int
    notes : tuple of str
        What should be known of how its images were brought together, a sentence each.
    """

    name: str
    path: Path | None
    model: LatentModel
    cohort: Cohort
    outcome_name: str | None
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        """One name an image, in the order that the model expects."""
        return self.cohort.channels

    @property
    def patients(self) -> Text:
        """Patient of each case of the cohort, (N,)."""
        return np.array(self.cohort.patients, dtype=np.str_)

    @property
    def outcome(self) -> Values | tuple[Bool, ...] | None:
        """What is to be predicted: a value (N,) or a bool array (*S) for each case.

        Label maps are read here; None when the study has no outcome.

        Raises
        ------
        InputError
            When the outcome is a column, and all cases are slices of one person.
        """
        name = self.outcome_name
        if name is None:
            return None
        if name in self.cohort.columns:
            return self.cohort.values(name)
        return tuple(self.cohort.region(i, name) for i in range(len(self.cohort)))

    def outcomes(self) -> dict[str, list[Any]]:
        """Values of every column without gaps, one a case; none where cases are slices."""
        found = {}
        for name in self.cohort.columns:
            try:
                found[name] = self.cohort.values(name).tolist()
            except InputError:  # a gap; it stays out of what is compared
                continue
        return found

    def named_outcome(self, name: str | None = None) -> tuple[str, list[Any] | str]:
        """Name of an outcome and its values, or for a label its name: it is read case by case.

        Parameters
        ----------
        name : str, optional
            A column or a label; the study's own outcome when None.

        Raises
        ------
        InputError
            When there is no such column or label.
        """
        name = self.outcome_name if name is None else name
        if name is None:
            raise InputError(
                f"{self.name} names no outcome; give --outcome with a column or a label"
            )
        if name in self.cohort.columns:
            return name, self.cohort.values(name).tolist()
        known = (*self.cohort.columns, *self.cohort.region_names)
        if name not in known:
            raise InputError(
                f"outcome {name} is neither a column nor a label{did_you_mean(name, known)}; known "
                f"are {', '.join(known) or 'none'}"
            )
        return name, name


def open_study(path: Path | str, *, trust: bool = False) -> Study:
    """Open a study file, load its model and check that its images are there.

    Parameters
    ----------
    path : path
        A file like ``study.yaml``.
    trust : bool
        Run the code that the model brings along, where it brings any.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        When the file, the table of cases or a named file is wrong or missing.
    ModelError
        When the model cannot be loaded or does not take these images.
    UntrustedModelError
        When the model brings code and `trust` was not given.
    """
    file = read_study_file(path)
    source = TableCases(
        read_case_table(file.cases, channels=file.channels),
        channels=file.channels,
        preprocessing=file.preprocessing,
        resample=file.resample,
        labels=file.labels,
    )
    _check_outcome(file, source)
    model = _load(file.model, trust=trust)
    _check_model(file, model)
    cohort = Cohort(source, slices=file.slices)
    if file.slices is not None and len(set(cohort.patients)) == 1:
        cohort = cohort.by_slice(file.slices)
    place = file.path.resolve()
    name = place.parent.name if place.stem == "study" else place.stem
    return Study(name, place, model, cohort, file.outcome, file.seed)


def _load(entry: ModelEntry, *, trust: bool) -> LatentModel:
    if not entry.weights.exists():
        raise InputError(f"model.weights: there is no file {entry.weights}; check the path")
    from napari_latentattr.model.loading import load_model  # loads torch

    return load_model(
        entry.weights,
        architecture=entry.code or entry.architecture,
        arguments=entry.arguments,
        latent=entry.latent,
        trust=trust,
    )


def _check_model(file: StudyFile, model: LatentModel) -> None:
    n_channels, ndim = model.spec.n_channels, model.spec.ndim
    if n_channels != len(file.channels):
        raise ModelError(
            f"{file.path.name} lists {len(file.channels)} channels ({', '.join(file.channels)}), "
            f"the model takes {n_channels} images; list one channel for each of them"
        )
    if file.slices is not None and ndim != 2:
        raise ModelError(
            f"{file.path.name}: slices: {file.slices} needs a 2D model, this one is {ndim}D; "
            "set slices: null"
        )


def _check_outcome(file: StudyFile, source: TableCases) -> None:
    """Refuse an outcome that is neither a column without gaps nor the name of a label."""
    name = file.outcome
    if name is None:
        return
    if name in source.columns:
        source.values(name)
    elif not source.may_have_label(name):
        known = [*source.columns, *(file.labels or ())]
        raise InputError(
            f"{file.path.name}: outcome {name} is neither a column of {file.cases.name} nor a "
            f"label{did_you_mean(name, known)}; known are {', '.join(known) or 'none'}"
        )
