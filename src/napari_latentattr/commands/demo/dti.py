"""Questions about real diffusion images of one person."""

from __future__ import annotations

import numpy as np

from napari_latentattr.cohort.study import Study, open_study
from napari_latentattr.commands.demo.questions import Question
from napari_latentattr.commands.demo.sequels import Ask
from napari_latentattr.core.types import Bool
from napari_latentattr.samples.folders import sample_folder

HEADING = "What does a latent map capture? Real diffusion images of one person"
CAVEATS = (
    "Real: the images of one person (FA and its left-right, front-back and up-down parts FA_x, "
    "FA_y, FA_z) and the two trained models. Labels come from thresholds on the same images.",
    "Not shown: anything about people. The units are slices of one person, so intervals are "
    "approximate and no p value is printed for an image. The answers are about these models.",
    "Research use, not diagnosis.",
)

SEQUELS: tuple[Ask, ...] = ()  # one person has no cases to choose from

_GROUPED = "grouped model: each map can see one image"
_PLAIN = "plain model: each map can see all images"
_CALLOSUM = "corpus_callosum"


def dti_questions(*, seed: int | None) -> list[Question]:
    """Three questions with a known answer and one without; seed of the study when None."""
    folder = sample_folder("dti")
    grouped = open_study(folder / "study_grouped.yaml")
    plain = open_study(folder / "study_plain.yaml")
    callosum = _regions(grouped, _CALLOSUM)
    moved = move_regions(grouped, callosum, seed=grouped.seed if seed is None else seed)
    return [
        _about_callosum(
            "corpus_callosum_grouped",
            "Which map finds the corpus callosum, and which image drives it?",
            "its fibres run left-right, and FA_x is the left-right part of FA",
            grouped,
            _GROUPED,
        ),
        Question(
            folder="SI_bundle_grouped",
            title="Which map finds the bundles that run up and down?",
            known="FA_z is the up-down part of FA",
            study=grouped,
            model=_GROUPED,
            outcome="SI_bundle",
            name="SI_bundle",
            regions=_regions(grouped, "SI_bundle"),
        ),
        _about_callosum(
            "corpus_callosum_plain",
            "The corpus callosum again, asked of a model that mixes its images",
            "a plain autoencoder mixes its images, so one name would be wrong",
            plain,
            _PLAIN,
        ),
        _about_nothing(grouped, moved),
    ]


def _about_callosum(folder: str, title: str, known: str, study: Study, model: str) -> Question:
    regions = _regions(study, _CALLOSUM)
    return Question(folder, title, known, study, model, _CALLOSUM, _CALLOSUM, regions, inside=True)


def _about_nothing(study: Study, moved: list[Bool]) -> Question:
    return Question(
        folder="moved_label_grouped",
        title="The same label moved at random in each slice: is there anything to find?",
        known="there is nothing to find, so no map may be named",
        study=study,
        model=_GROUPED,
        outcome=moved,
        name="corpus callosum moved at random",
        regions=moved,
    )


def _regions(study: Study, name: str) -> list[Bool]:
    return [study.cohort.region(i, name) for i in range(len(study.cohort))]


def move_regions(study: Study, regions: list[Bool], *, seed: int) -> list[Bool]:
    """Move the label of each slice around its brain, as on a torus, by a random step.

    Returns
    -------
    list of (Y, X) bool array
        What falls outside the brain is lost.
    """
    moved = []
    for i, region in enumerate(regions):
        mask = study.cohort[i].mask
        body = np.ones(region.shape, dtype=bool) if mask is None else mask
        rows, columns = (np.flatnonzero(body.any(axis=axis)) for axis in (1, 0))
        box = np.ix_(np.arange(rows[0], rows[-1] + 1), np.arange(columns[0], columns[-1] + 1))
        rng = np.random.default_rng([seed, i])
        steps = [int(rng.integers(0, n)) for n in region[box].shape]
        there = np.zeros_like(region)
        there[box] = np.roll(region[box], steps, axis=(0, 1))
        moved.append(there & body)
    return moved
