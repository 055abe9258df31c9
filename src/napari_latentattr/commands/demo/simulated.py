"""Questions about a simulated cohort on the real anatomy of one brain."""

from __future__ import annotations

from pathlib import Path

from napari_latentattr.cohort.simulated import write_cohort
from napari_latentattr.cohort.study import open_study
from napari_latentattr.commands.demo.questions import Question
from napari_latentattr.commands.demo.sequels import Ask, what_excites, which_cases, which_groups
from napari_latentattr.core.progress import Progress

HEADING = "What does a latent map capture? 28 simulated patients"
CAVEATS = (
    "Simulated: every image, lesion and outcome. Real: the anatomy of one brain (Colin27), which "
    "all simulated patients share after a random deformation.",
    "Not shown: anything about real patients. What is known is how the images were made, so the "
    "answers can be checked.",
    "Research use, not diagnosis.",
)

# About the map that the first question finds.
SEQUELS: tuple[Ask, ...] = (which_cases, which_groups, what_excites)

_GROUPED = "simulated patients, grouped model: each map can see one image"


def simulated_questions(folder: Path, *, progress: Progress) -> list[Question]:
    """Write the cohort to ``folder / "simulated_cohort"``; two questions, then one too hard."""
    study = open_study(write_cohort(folder / "simulated_cohort", progress=progress))
    cohort = study.cohort
    lesion, decoy = (
        [cohort.region(i, name) for i in range(len(cohort))] for name in ("lesion", "decoy")
    )
    return [
        Question(
            "simulated_lesion",
            "Which map finds the simulated lesions, and which image drives it?",
            "simulated lesions are bright in FLAIR alone",
            study,
            _GROUPED,
            "lesion",
            "lesion",
            lesion,
            inside=True,
        ),
        Question(
            "simulated_decoy",
            "Which map finds the simulated decoys?",
            "simulated decoys are bright in PDw alone",
            study,
            _GROUPED,
            "decoy",
            "decoy",
            decoy,
        ),
        Question(
            "simulated_patients",
            "Do the maps, averaged over the brain, tell who has a lesion?",
            "half of the simulated patients have lesions, but those are small against a brain",
            study,
            _GROUPED,
            cohort.values("outcome").tolist(),
            "lesion, yes or no",
            lesion,
        ),
    ]
