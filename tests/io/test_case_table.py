import numpy as np
import pytest

from napari_latentattr.core.errors import InputError
from napari_latentattr.io.case_table import read_case_table

TABLE = """\
case,patient,outcome,age,mask,T1,FLAIR
a,P1,yes,31,m.nii,t1.nii,f.nii
b,P2,no,47.5,m.nii,t1.nii,f.nii
"""


@pytest.fixture
def write(tmp_path):
    for name in ("m.nii", "t1.nii", "f.nii"):
        (tmp_path / name).touch()

    def write_table(text, encoding="utf-8"):
        path = tmp_path / "cases.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write_table


def read(path, channels=("T1", "FLAIR")):
    return read_case_table(path, channels=channels)


def test_paths_are_relative_to_the_folder_of_the_table(write, tmp_path):
    row = read(write(TABLE)).rows[1]
    assert (row.case, row.patient, row.labels) == ("b", "P2", None)
    assert row.images == (tmp_path / "t1.nii", tmp_path / "f.nii")
    assert row.mask == tmp_path / "m.nii"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_tables_of_every_spreadsheet_hold_the_same(write, encoding, delimiter, newline):
    text = TABLE.replace(",", delimiter).replace("\n", newline) + delimiter * 6 + newline
    table = read(write(text, encoding))
    assert [row.case for row in table.rows] == ["a", "b"]
    assert table.columns["outcome"] == ("yes", "no")


def test_channels_are_ordered_as_asked_not_as_in_the_table(write, tmp_path):
    row = read(write(TABLE), channels=("FLAIR", "T1")).rows[0]
    assert row.images == (tmp_path / "f.nii", tmp_path / "t1.nii")


def test_one_image_may_hold_all_channels(write, tmp_path):
    text = "case,patient,image\na,P1,t1.nii\n"
    assert read(write(text)).rows[0].images == (tmp_path / "t1.nii",)


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (("1", "2"), np.int64, [1, 2]),
        (("1", "2.5"), np.float64, [1.0, 2.5]),
        (("1", "yes"), np.str_, ["1", "yes"]),
        (("1", "inf"), np.str_, ["1", "inf"]),
        (("1", "9" * 40), np.float64, [1.0, 1e40]),
    ],
)
def test_a_column_is_numbers_only_where_every_cell_is_one(write, cells, kind, values):
    text = TABLE.replace("31", cells[0]).replace("47.5", cells[1])
    found = read(write(text)).values("age")
    assert found.dtype.type is kind
    assert found.tolist() == values


@pytest.mark.parametrize("gap", ["", "NA", "nan", "N/A"])
def test_a_missing_outcome_names_the_case(write, gap):
    table = read(write(TABLE.replace(",no,", f",{gap},")))
    with pytest.raises(InputError, match="case b has no value in the column outcome"):
        table.values("outcome")


def test_an_unknown_column_names_the_nearest(write):
    with pytest.raises(InputError, match="lacks the column outcom, did you mean 'outcome'"):
        read(write(TABLE)).values("outcom")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("patient", "Patient_ID", "lacks the column patient, did you mean 'Patient_ID'; it needs"),
        ("FLAIR", "flair", "lacks the column FLAIR, did you mean 'flair'"),
        ("T1,", "age2,", r"lacks the column T1; it needs case, patient and one .*\(T1, FLAIR\)"),
        ("age", "case", "two columns named 'case'"),
        ("b,P2", "a,P2", "lists case a twice"),
        ("b,P2", "b,", "line 3: case b has an empty cell in the column patient"),
        ("b,P2", "b,NA", "line 3: case b has 'NA' in the column patient"),
        ("b,P2", ",P2", "line 3: case without a name has an empty cell in the column case"),
        (
            "m.nii,t1.nii,f.nii\nb",
            ",t1.nii,f.nii\nb",
            "case a has an empty cell in the column mask",
        ),
        ("b,P2", "../b,P2", "cannot be saved under the case name '../b'"),
        ("f.nii\nb", "gone.nii\nb", "case a, column FLAIR: there is no file .*gone.nii"),
        ("f.nii\nb", "x" * 5000 + "\nb", "case a, column FLAIR: there is no file"),
        ("b,P2", "b,P2,P3", "line 3: 8 cells, the header has 7"),
        ("b,P2", '"b"c,P2', "not a CSV table"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_in_one_sentence(write, before, after, message):
    assert before in TABLE
    with pytest.raises(InputError, match=message) as caught:
        read(write(TABLE.replace(before, after)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must have a header and one row a case, got 0 rows"),
        (b"case,patient,T1,FLAIR\n", "must have a header and one row a case, got 1 rows"),
        (b"case,\xe9\n", "is not UTF-8 text"),
        (b"a" * (16 * 2**20 + 1), "is larger than 16 MB"),
    ],
)
def test_a_file_that_is_no_table_is_refused(write, content, message):
    with pytest.raises(InputError, match=message):
        read(write(content))
