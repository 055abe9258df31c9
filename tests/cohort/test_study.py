import subprocess
import sys
from types import ModuleType, SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from napari_latentattr import open_study
from napari_latentattr.cohort import table as table_module
from napari_latentattr.core.errors import InputError, ModelError

STUDY = """\
version: 1
model: {weights: ae.pt, architecture: conv_autoencoder, arguments: {n_maps: 8}, latent: encoder}
channels: [T1, T2]
preprocess: {scaling: none, slices: null}
cases: cases.csv
labels: {lesion: 1}
outcome: sick
seed: 3
"""
HEADER = "case,patient,sick,labels,T1,T2\n"


@pytest.fixture
def loaded(monkeypatch):
    """Stands for model.loading; keeps what it was asked for."""
    asked = SimpleNamespace(spec=SimpleNamespace(n_channels=2, ndim=2), calls=[])

    def load_model(weights, **options):
        asked.calls.append((weights, options))
        return asked

    module = ModuleType("loading")
    module.load_model = load_model
    monkeypatch.setitem(sys.modules, "napari_latentattr.model.loading", module)
    return asked


@pytest.fixture
def write(tmp_path):
    """Write a study with volumes of (x, y, z) = (4, 5, 6); the lesion fills the lowest slice."""
    rng = np.random.default_rng(0)

    def write_study(study=STUDY, patients=("P1", "P2", "P3"), sick=("yes", "no", "yes")):
        (tmp_path / "ae.pt").touch()
        table = HEADER
        for i, (patient, value) in enumerate(zip(patients, sick, strict=True)):
            labels = np.zeros((4, 5, 6), np.uint8)
            labels[..., 0] = 1
            for name, data in {"l": labels, "1": rng.random((4, 5, 6), np.float32)}.items():
                nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / f"{i}{name}.nii")
            table += f"c{i},{patient},{value},{i}l.nii,{i}1.nii,{i}1.nii\n"
        (tmp_path / "cases.csv").write_text(table)
        (tmp_path / "study.yaml").write_text(study)
        return tmp_path / "study.yaml"

    return write_study


@pytest.fixture
def no_image(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("an image was read")

    for name in ("read_stack", "read_labels", "read_volume"):
        monkeypatch.setattr(table_module, name, refuse)


def test_a_study_holds_what_its_file_names(write, loaded, tmp_path):
    study = open_study(write(), trust=True)
    assert study.model is loaded
    assert loaded.calls == [
        (
            tmp_path / "ae.pt",
            {
                "architecture": "conv_autoencoder",
                "arguments": {"n_maps": 8},
                "latent": "encoder",
                "trust": True,
            },
        )
    ]
    assert study.channels == ("T1", "T2")
    assert study.patients.tolist() == ["P1", "P2", "P3"]
    assert study.outcome.tolist() == ["yes", "no", "yes"]
    assert (study.outcome_name, study.seed) == ("sick", 3)
    assert study.path == (tmp_path / "study.yaml").resolve()
    assert study.name == tmp_path.name


@pytest.mark.usefixtures("no_image", "loaded")
@pytest.mark.parametrize("slices", ["null", "axial"])
@pytest.mark.parametrize("patients", [["P1", "P2"], ["P1", "P1"]])
def test_opening_reads_no_image(write, slices, patients):
    text = STUDY.replace("slices: null", f"slices: {slices}")
    study = open_study(write(text, patients, ["yes", "no"]))
    assert study.cohort.channels == ("T1", "T2")


@pytest.mark.usefixtures("loaded")
def test_numbers_stay_numbers(write):
    assert open_study(write(sick=(0, 1, 1))).outcome.dtype == np.int64


@pytest.mark.usefixtures("loaded")
def test_the_outcome_may_be_a_label(write):
    study = open_study(write(STUDY.replace("outcome: sick", "outcome: lesion")))
    assert [region.sum() for region in study.outcome] == [20, 20, 20]
    assert study.outcome[0][-1].all()


@pytest.mark.usefixtures("loaded")
def test_an_unnamed_label_may_be_the_outcome(write):
    text = STUDY.replace("outcome: sick", "outcome: label-1").replace("labels: {lesion: 1}\n", "")
    assert open_study(write(text)).outcome[1].sum() == 20


@pytest.mark.usefixtures("loaded")
def test_a_study_needs_no_outcome(write):
    study = open_study(write(STUDY.replace("outcome: sick", "outcome: null")))
    assert study.outcome is None
    assert study.outcome_name is None


@pytest.mark.usefixtures("loaded")
def test_the_slices_of_one_person_are_the_cases(write):
    text = STUDY.replace("slices: null", "slices: axial").replace("sick", "lesion")
    study = open_study(write(text, ["P1"], ["yes"]))
    assert study.cohort.ndim == 2
    assert study.cohort.slices is None
    assert study.cohort.cases == tuple(f"c0_z{i:03d}" for i in range(6))
    assert study.cohort.units == ("block-00",) * 3 + ("block-01",) * 3
    assert study.patients.tolist() == ["P1"] * 6
    assert [region.all() for region in study.outcome] == [False] * 5 + [True]


@pytest.mark.usefixtures("loaded")
def test_slices_of_one_person_have_no_outcome_by_case(write):
    text = STUDY.replace("slices: null", "slices: axial")
    study = open_study(write(text, ["P1", "P1"], ["yes", "no"]))
    with pytest.raises(InputError, match="column sick has one value a case, but all slices belong"):
        _ = study.outcome


@pytest.mark.usefixtures("loaded")
def test_volumes_of_several_patients_stay_volumes(write):
    cohort = open_study(write(STUDY.replace("slices: null", "slices: axial"))).cohort
    assert (cohort.ndim, cohort.slices, cohort.unit_name) == (3, "axial", "patients")


@pytest.mark.usefixtures("loaded")
def test_one_case_of_one_person_opens(write):
    cohort = open_study(write(patients=["P1"], sick=["yes"])).cohort
    assert (len(cohort), cohort.unit_name) == (1, "images of one person")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("ae.pt", "be.pt", "model.weights: there is no file .*be.pt"),
        ("outcome: sick", "outcome: sik", "outcome sik is neither .* did you mean 'sick'"),
        ("outcome: sick", "outcome: patient", "outcome patient is neither a column of cases.csv"),
        ("outcome: sick", "outcome: label-1", "outcome label-1 is neither .* known are sick, les"),
        ("cases.csv", "caes.csv", "cannot read .*caes.csv"),
        ("[T1, T2]", "[T1, T3]", "cases.csv lacks the column T3"),
    ],
)
@pytest.mark.usefixtures("loaded")
def test_what_is_wrong_with_a_study_is_told_at_opening(write, before, after, message):
    with pytest.raises(InputError, match=message):
        open_study(write(STUDY.replace(before, after)))


@pytest.mark.usefixtures("loaded")
def test_a_case_without_outcome_is_named_at_opening(write):
    with pytest.raises(InputError, match="case c1 has no value in the column sick"):
        open_study(write(sick=("yes", "NA", "yes")))


def test_a_model_for_other_images_is_refused(write, loaded):
    loaded.spec.n_channels = 4
    with pytest.raises(ModelError, match=r"lists 2 channels \(T1, T2\), the model takes 4 images"):
        open_study(write())


def test_slices_need_a_2d_model(write, loaded):
    loaded.spec.ndim = 3
    with pytest.raises(ModelError, match="slices: axial needs a 2D model, this one is 3D"):
        open_study(write(STUDY.replace("slices: null", "slices: axial")))


def test_importing_studies_and_cohorts_loads_no_torch():
    code = "import sys, napari_latentattr.cohort.study; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
