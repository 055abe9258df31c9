from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from matplotlib.figure import Figure
from matplotlib.text import Text

from napari_latentattr.cohort.simulated import write_cohort
from napari_latentattr.cohort.study import open_study
from napari_latentattr.commands import channels, rank
from napari_latentattr.commands.demo import command, dti, simulated
from napari_latentattr.commands.demo.questions import Answer, Question
from napari_latentattr.commands.demo.sequels import which_cases
from napari_latentattr.core.progress import SILENT
from napari_latentattr.core.types import MapRef
from napari_latentattr.samples.folders import sample_folder

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Told:
    """A finished demo: its folder, its story and the words of each figure."""

    folder: Path
    story: str
    figures: list[str]

    @property
    def record(self) -> dict:
        return json.loads((self.folder / "demo.json").read_text())

    def question(self, folder: str) -> dict:
        (found,) = (q for q in self.record["questions"] if q["folder"] == folder)
        return found

    def channels(self, folder: str) -> dict[str, str]:
        """Verdict of each image for the map that was asked about."""
        record = json.loads((self.folder / folder / "channels.json").read_text())
        (entry,) = (m for m in record["maps"] if m["map"] in record["asked"])
        return {c["channel"]: c["verdict"] for c in entry["channels"]}


def tell(folder: Path, *, cohort: bool) -> Told:
    words: list[str] = []

    def keep(draw, figure: Figure) -> bytes:
        words.append("\n".join(t.get_text() for t in figure.findobj(Text)))
        return draw(figure)

    with pytest.MonkeyPatch.context() as patch:
        for module in (command, channels, rank):
            patch.setattr(module, "png", partial(keep, module.png))
        patch.setattr(simulated, "write_cohort", partial(write_cohort, patients=8))
        report = command.run(folder, cohort=cohort, view=False, seed=None, progress=SILENT)
    return Told(folder, report.text, words)


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Told:
    return tell(tmp_path_factory.mktemp("dti"), cohort=False)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Told:
    return tell(tmp_path_factory.mktemp("cohort"), cohort=True)


def test_the_corpus_callosum_is_found_by_the_left_right_image_alone(real):
    assert real.question("corpus_callosum_grouped")["answer"] == "FA_x"
    assert real.channels("corpus_callosum_grouped") == {
        "FA_x": "drives",
        "FA": "no dependence found",
        "FA_y": "no dependence found",
        "FA_z": "no dependence found",
    }


def test_bundles_that_run_up_and_down_are_found_by_the_up_down_image(real):
    assert real.question("SI_bundle_grouped")["answer"] == "FA_z"


def test_a_model_that_mixes_its_images_gets_more_than_one_name(real):
    verdicts = list(real.channels("corpus_callosum_plain").values())
    assert verdicts.count("drives") >= 2
    assert "," in real.question("corpus_callosum_plain")["answer"]


def test_inside_the_label_the_same_image_leads_and_the_base_rate_is_told(real):
    said = real.question("corpus_callosum_grouped")["sentences"][-1]
    assert "Inside corpus_callosum, map" in said
    assert "maps answer the same there" in said
    inside = json.loads(
        (real.folder / "corpus_callosum_grouped" / "channels_inside.json").read_text()
    )
    (entry,) = (m for m in inside["maps"] if m["map"] in inside["asked"])
    assert max(entry["channels"], key=lambda c: c["ratio"])["channel"] == "FA_x"


def test_a_label_moved_at_random_is_refused_and_nothing_is_named(real):
    question = real.question("moved_label_grouped")
    assert not question["gate_passed"]
    assert question["answer"] == "not supported"
    assert question["map"] is None
    assert sorted(p.name for p in (real.folder / "moved_label_grouped").iterdir()) == [
        "ranking.csv",
        "ranking.json",
        "ranking.png",
    ]


def test_moving_a_label_keeps_it_in_the_brain_and_depends_on_the_seed_alone():
    study = open_study(sample_folder("dti") / "study_grouped.yaml")
    regions = [study.cohort.region(i, "corpus_callosum") for i in range(len(study.cohort))]
    moved, again, other = (dti.move_regions(study, regions, seed=seed) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(moved, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(moved, other, strict=True))
    assert not any((m & ~study.cohort[i].mask).any() for i, m in enumerate(moved))
    assert all(m.sum() <= r.sum() for m, r in zip(moved, regions, strict=True))


@pytest.mark.parametrize("which", ["real", "cohort"])
def test_story_figures_records_and_tables_give_the_same_answers(which, request):
    told = request.getfixturevalue(which)
    for question in told.record["questions"]:
        headline = question["answer"]
        for sentence in question["sentences"]:
            assert sentence.replace(" ", "") in told.story.replace("\n", "").replace(" ", "")
        if question["map"] is not None:
            folder = told.folder / question["folder"]
            headline = f"{question['map']}: {question['answer']}"
            record = json.loads((folder / "channels.json").read_text())
            assert record["asked"] == [question["map"]]
            entries = {m["map"]: m for m in record["maps"]}
            assert entries[question["map"]]["answer"] == question["answer"]
            assert entries[question["map"]]["sentence"] in question["sentences"]
            rows = csv.DictReader((folder / "channels.csv").read_text().splitlines())
            answers = {r["answer"] for r in rows if r["map"] == question["map"]}
            assert answers == {question["answer"]}
            assert sum(headline in words for words in told.figures) >= 2
        assert f"-> {headline}" in told.story
        assert headline in told.figures[-1]


def test_volumes_are_whole_and_lie_where_the_source_lies(real):
    (file,) = (real.folder / "corpus_callosum_grouped").glob("dti_map-*_FA_x.nii.gz")
    made = sitk.ReadImage(str(file))
    source = sitk.ReadImage(str(sample_folder("dti") / "mask.nii.gz"))
    assert made.GetSize() == source.GetSize()
    assert made.GetOrigin() == pytest.approx(source.GetOrigin(), abs=1e-4)
    assert made.GetDirection() == pytest.approx(source.GetDirection())
    outside = sitk.GetArrayFromImage(source) == 0
    moves = sitk.GetArrayFromImage(made)
    assert moves[~outside].mean() > 0
    assert (moves[outside] == 0).all()


def test_what_cannot_be_shown_is_told_beside_the_answers(real):
    for words in (real.story, real.figures[-1]):
        joined = " ".join(words.split())
        assert "slices of one person" in joined
        assert "Research use, not diagnosis." in joined


def test_simulated_patients_are_called_simulated_everywhere(cohort):
    assert all("imulated" in q["title"] + q["model"] for q in cohort.record["questions"])
    assert all("simulated" in q["folder"] for q in cohort.record["questions"])
    assert "simulated" in cohort.record["sample"]
    assert "Simulated: every image" in cohort.story
    assert "Simulated: every image" in cohort.figures[-1]
    assert "no patient was examined" in (
        cohort.folder / "simulated_cohort" / "README.txt"
    ).read_text().replace("\n", " ")


def test_cases_of_the_lesion_map_are_told_beside_cases_drawn_at_random(cohort, tmp_path):
    study = open_study(cohort.folder / "simulated_cohort" / "study.yaml")
    regions = [study.cohort.region(i, "lesion") for i in range(8)]
    asked = Question("", "", "", study, "", "lesion", "lesion", regions)
    top = MapRef(study.model.spec.layer, 2)  # sees FLAIR alone
    sequel = which_cases(tmp_path, Answer(asked, None, top, None, None), 0, SILENT)
    lists = json.loads((tmp_path / sequel.folder / "cases.json").read_text())["lists"]
    assert sequel.headline == ", ".join(case["case"] for case in lists["top"])

    def touching(name: str) -> str:
        held = 0
        for case in lists[name]:
            box = tuple(slice(a, b) for a, b in case["box"])
            held += regions[study.cohort.cases.index(case["case"])][box].any()
        return f"{held} of 5"

    told = f"touches a lesion in {touching('top')}; in {touching('random')} of cases drawn at"
    assert told in sequel.sentences[1]
    assert touching("top") > touching("random")


def test_images_of_one_person_have_no_cases_to_choose_from(real):
    assert real.record["sequels"] == []


def test_the_written_cohort_opens_like_any_other_study(cohort):
    study = open_study(cohort.folder / "simulated_cohort" / "study.yaml")
    assert len(study.cohort) == 8
    assert study.cohort.unit_name == "patients"
