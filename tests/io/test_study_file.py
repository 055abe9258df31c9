from pathlib import Path

import pytest

from napari_latentattr.core.errors import InputError
from napari_latentattr.io.study_file import read_study_file

FULL = """\
version: 1
model:
  weights: ae.safetensors
  architecture: conv_autoencoder
  arguments: {n_channels: 4, n_maps: 8, ndim: 2, encoder: dense}
  latent: encoder
channels: [FA, FA_x, FA_y, FA_z]
preprocess: {scaling: percentile, percentiles: [2, 98], spacing: [3, 3, 3], slices: axial}
cases: cases.csv
labels: {corpus_callosum: 1, SI_bundle: 2}
outcome: outcome
seed: 7
"""
LEAST = """\
version: 1
model: {weights: ae.pt2}
channels: [T1]
cases: cases.csv
"""


@pytest.fixture
def write(tmp_path):
    def write_text(text, encoding="utf-8"):
        path = tmp_path / "study.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write_text


def test_every_documented_key_is_read(write, tmp_path):
    study = read_study_file(write(FULL))
    assert study.model.weights == tmp_path / "ae.safetensors"
    assert study.model.architecture == "conv_autoencoder"
    assert study.model.arguments == {"n_channels": 4, "n_maps": 8, "ndim": 2, "encoder": "dense"}
    assert study.model.latent == "encoder"
    assert study.channels == ("FA", "FA_x", "FA_y", "FA_z")
    assert study.preprocessing.percentiles == (2.0, 98.0)
    assert study.preprocessing.spacing == (3.0, 3.0, 3.0)
    assert study.slices == "axial"
    assert study.cases == tmp_path / "cases.csv"
    assert study.labels == {"corpus_callosum": 1, "SI_bundle": 2}
    assert (study.outcome, study.seed, study.resample) == ("outcome", 7, False)


def test_what_is_left_out_has_the_documented_default(write):
    study = read_study_file(write(LEAST))
    assert study.preprocessing.scaling == "percentile"
    assert study.preprocessing.percentiles == (1.0, 99.0)
    assert study.preprocessing.spacing is None
    assert (study.slices, study.labels, study.outcome, study.seed) == (None, None, None, 0)
    assert study.model.arguments == {}


def test_a_byte_order_mark_does_no_harm(write):
    assert read_study_file(write(LEAST, "utf-8-sig")).channels == ("T1",)


def test_code_is_found_beside_the_study_file(write, tmp_path):
    study = read_study_file(write(LEAST.replace("ae.pt2", "w.pt, code: my.py:build")))
    assert study.model.code == f"{tmp_path / 'my.py'}:build"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("channels:", "chanels:", "unknown key chanels, did you mean 'channels'; known are"),
        ("scaling:", "scalng:", "unknown key preprocess.scalng, did you mean 'scaling'"),
        ("weights:", "wieghts:", "unknown key model.wieghts, did you mean 'weights'"),
        ("version: 1", "version: 2", "version must be 1, got 2"),
        ("version: 1", "version: true", "version must be 1, got True"),
        ("version: 1\n", "", "version must be 1, got nothing"),
        ("cases: cases.csv\n", "", "the key cases is missing; it must be text"),
        ("weights: ae.safetensors", "latent: z", "comes twice"),
        ("[FA, FA_x, FA_y, FA_z]", "FA", "channels must be a list of texts, got 'FA'"),
        ("[FA, FA_x, FA_y, FA_z]", "[FA, 1]", "channels must be a list of texts, got a list of 2"),
        ("[FA, FA_x, FA_y, FA_z]", "[]", "channels must list one name an image"),
        ("[FA, FA_x, FA_y, FA_z]", "[FA, FA]", "the channel FA is listed twice"),
        ("[FA, FA_x, FA_y, FA_z]", "[mask]", "'mask' cannot be the name of a channel"),
        ("[FA, FA_x, FA_y, FA_z]", "[../FA]", "'../FA' cannot be the name of a channel"),
        ("[2, 98]", "[98, 2]", "preprocess.percentiles must be two rising numbers"),
        ("[2, 98]", "[.nan, 2]", "preprocess.percentiles must be a list of numbers"),
        ("[3, 3, 3]", "[3, 0, 3]", "preprocess.spacing must be positive millimetres"),
        ("scaling: percentile", "scaling: minmax", "preprocess.scaling must be one of percentile"),
        ("slices: axial", "slices: axail", "preprocess.slices must be axial, coronal, sagittal"),
        ("slices: axial", "resample: 1", "preprocess.resample must be true or false, got 1"),
        ("seed: 7", "seed: true", "seed must be a whole number, got True"),
        ("seed: 7", "seed: -1", "seed must be 0 or larger"),
        ("SI_bundle: 2", "SI_bundle: 0", "labels.SI_bundle must be a whole number other than 0"),
        ("latent: encoder", "code: my.py:build", "names both an architecture and code"),
        ("architecture: conv_autoencoder", "code: os.system", "model.code must look like"),
        ("seed: 7", "seed: 7\nseed: 8", "the key seed comes twice in the mapping from line 1"),
        ("outcome: outcome", "outcome: &a x\n? *a\n: 1", r"aliases \(\*name\) are not read"),
        ("outcome: outcome", "outcome: [1", "study.yaml, line 1[23]: not readable as YAML"),
        ("outcome: outcome", "outcome: !!python/name:os.system", "line 11: not readable as YAML"),
        ("outcome: outcome", "outcome: !!int ''", "not readable as YAML"),
        ("outcome: outcome", "outcome: 2020-99-99", "not readable as YAML"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(write, before, after, message):
    assert before in FULL
    with pytest.raises(InputError, match=message) as caught:
        read_study_file(write(FULL.replace(before, after)))
    assert str(caught.value).startswith("study.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must hold keys and values, got nothing"),
        (b"- a\n- b", "must hold keys and values, got a list of 2 values"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"a: \x00", "not readable as YAML"),
        (b"[" * 100_000, "not readable as YAML"),
        (b"#" * (2**20 + 1), "is larger than 1 MB"),
    ],
)
def test_a_file_that_is_no_study_is_refused(write, content, message):
    with pytest.raises(InputError, match=message):
        read_study_file(write(content))


def test_a_study_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*nowhere.yaml: No such file"):
        read_study_file(Path(tmp_path / "nowhere.yaml"))
