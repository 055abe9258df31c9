"""``latentattr decode`` from a study file to volumes, records and words."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr import Grid, cli, decompose, latent_response, open_study, traverse

U_NET = """\
from torch import nn

class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(2, 2, 3, padding=1)
        self.encoder = nn.Conv3d(2, 4, 2, stride=2)
        self.decoder = nn.ConvTranspose3d(4, 2, 2, stride=2)

    def forward(self, x):
        early = self.first(x)
        return self.decoder(self.encoder(early)) + early

def build(n_channels, ndim):
    return UNet()
"""


@pytest.fixture(scope="module")
def decoded(tiny_study, tmp_path_factory) -> Path:
    """All that can be asked of one map of one case."""
    out = tmp_path_factory.mktemp("decoded") / "out"
    options = ["--map", "2", "--case", "c1", "--pairs", "2", "--traverse", "3", "--response"]
    assert cli.main(["decode", str(tiny_study), *options, "--out", str(out)]) == 0
    return out


def voxels(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def canonical(image: np.ndarray) -> np.ndarray:
    """Voxels as the file has them; the files of the tiny study run the other way along two axes."""
    return image[::-1]


def test_files_are_named_after_case_map_method_and_image(decoded):
    start = "c1_map-2_desc-"
    assert sorted(p.name for p in decoded.iterdir()) == [
        f"{start}shapley_bright.nii.gz",
        f"{start}shapley_dull.nii.gz",
        f"{start}traverse.json",
        *(f"{start}traverse0{s}_{c}.nii.gz" for s in (1, 2, 3) for c in ("bright", "dull")),
        "decode.json",
        "response.csv",
        "response.json",
    ]


def test_volumes_hold_what_the_functions_give_and_lie_where_the_images_lay(tiny_study, decoded):
    study = open_study(tiny_study)
    stack = study.cohort[1]
    found = decompose(
        study.model, stack, reference=study.cohort, maps=[2], pairs=2, seed=study.seed
    )
    steps = traverse(study.model, stack, 2, cohort=study.cohort, steps=3)
    for c, channel in enumerate(study.channels):
        made = decoded / f"c1_map-2_desc-shapley_{channel}.nii.gz"
        np.testing.assert_array_equal(canonical(voxels(made)), found.image(2)[c])
        last = decoded / f"c1_map-2_desc-traverse03_{channel}.nii.gz"
        np.testing.assert_array_equal(canonical(voxels(last)), steps.pictures[2, c])
        source = sitk.ReadImage(str(tiny_study.with_name(f"1_{channel}.nii.gz")))
        image = sitk.ReadImage(str(made))
        assert image.GetSpacing() == pytest.approx(source.GetSpacing())
        assert image.GetOrigin() == pytest.approx(source.GetOrigin(), abs=1e-4)
        assert image.GetDirection() == pytest.approx(source.GetDirection())


def test_the_record_holds_entanglement_error_and_no_residual_for_one_map(tiny_study, decoded):
    study = open_study(tiny_study)
    found = decompose(
        study.model, study.cohort[1], reference=study.cohort, maps=[2], pairs=2, seed=study.seed
    )
    record = json.loads((decoded / "decode.json").read_text())
    assert (record["kind"], record["version"]) == ("decomposition", 1)
    assert (record["case"], record["method"], record["residual"]) == ("c1", "shapley", None)
    (one,) = record["maps"]
    assert (one["map"], one["index"]) == ("encoder:2", 2)
    assert one["entanglement"] == found.entanglement[0]
    assert one["error"] == found.error[0]
    expected = np.linalg.norm(found.image(2)[0].astype(np.float64))
    assert one["norm"]["bright"] == pytest.approx(expected)
    assert record["provenance"]["method"] == "decompose_shapley"
    assert record["provenance"]["params"] == {"map": 2, "case": "c1", "maps": "2", "pairs": 2}
    assert record["provenance"]["seed"] == 3


def test_steps_and_response_are_those_of_the_functions(tiny_study, decoded):
    study = open_study(tiny_study)
    steps = traverse(study.model, study.cohort[1], 2, cohort=study.cohort, steps=3)
    record = json.loads((decoded / "c1_map-2_desc-traverse.json").read_text())
    assert record["values"] == steps.values.tolist()
    assert (record["own"], record["strength"]) == (steps.own, "root mean square")
    found = latent_response(study.model, study.cohort, seed=study.seed)
    record = json.loads((decoded / "response.json").read_text())
    assert record["matrix"] == found.matrix.tolist()
    assert (record["n_cases"], record["donors"]) == (8, 1)
    rows = list(csv.reader(io.StringIO((decoded / "response.csv").read_text())))
    assert rows[0] == ["exchanged", *(f"encoder:{k}" for k in range(4))]
    assert [float(cell) for cell in rows[3][1:]] == pytest.approx(found.matrix[2], rel=1e-5)


def test_same_study_and_seed_give_the_same_bytes(tiny_study, decoded, tmp_path):
    out = tmp_path / "again"
    options = ["--map", "2", "--case", "c1", "--pairs", "2", "--traverse", "3", "--response"]
    assert cli.main(["decode", str(tiny_study), *options, "--out", str(out)]) == 0
    for file in decoded.iterdir():
        first, second = file.read_bytes(), (out / file.name).read_bytes()
        if file.suffix == ".json":
            first, second = json.loads(first), json.loads(second)
            for record in (first, second):
                assert record["provenance"].pop("seconds") >= 0
        assert first == second, file.name


def test_all_maps_of_the_first_case_add_up_and_it_is_said(tiny_study, capsys):
    assert cli.main(["decode", str(tiny_study)]) == 0
    printed = capsys.readouterr().out
    assert "from maps of case c0: shapley, against the mean code of 8 cases" in printed
    assert [f"encoder:{k}" in printed for k in range(5)] == [True] * 4 + [False]
    missed = float(printed.partition("the images miss ")[2].split()[0])
    assert missed < 1e-6


@pytest.mark.parametrize(
    ("method", "entangled"),
    [("main_effect", False), ("leave_one_out", True), ("solo", False)],
)
def test_every_method_goes_by_its_key(tiny_study, tmp_path, method, entangled):
    options = ["--map", "1", "--method", method, "--out", str(tmp_path)]
    assert cli.main(["decode", str(tiny_study), *options]) == 0
    record = json.loads((tmp_path / "decode.json").read_text())
    assert record["method"] == method
    assert (record["maps"][0]["entanglement"] is not None) == entangled
    study = open_study(tiny_study)
    division = {"main_effect": "main"}.get(method, method)
    found = decompose(
        study.model, study.cohort[0], reference=study.cohort, method=division, maps=[1]
    )
    made = voxels(tmp_path / f"c0_map-1_desc-{method}_bright.nii.gz")
    np.testing.assert_array_equal(canonical(made), found.image(1)[0])


def test_a_skip_connection_is_told_in_words_and_in_every_record(write_study, tmp_path, capsys):
    import torch

    study = write_study(tmp_path / "study")
    folder = study.parent
    (folder / "unet.py").write_text(U_NET)
    space: dict[str, type] = {}
    exec(U_NET, space)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(space["build"](2, 3).state_dict(), folder / "unet.pt")
    text = study.read_text()
    begin, end = text.index("  weights"), text.index("  latent")
    model = "  weights: unet.pt\n  code: unet.py:build\n  arguments: {n_channels: 2, ndim: 3}\n"
    study.write_text(text[:begin] + model + text[end:])
    out = tmp_path / "out"
    options = ["--trust", "--map", "0", "--traverse", "2", "--response", "--out", str(out)]
    assert cli.main(["decode", str(study), *options]) == 0
    assert "The picture can travel around the latent maps (first" in capsys.readouterr().out
    for name in ("decode", "response", "c0_map-0_desc-traverse"):
        params = json.loads((out / f"{name}.json").read_text())["provenance"]["params"]
        assert "first" in params["skips"]


def test_images_without_orientation_give_a_record_and_no_volumes(
    tiny_study, tmp_path, monkeypatch, capsys
):
    cases = type(open_study(tiny_study).cohort)
    read = cases.__getitem__

    def unknown(cohort, index):
        stack = read(cohort, index)
        return replace(stack, grid=Grid(stack.grid.shape, stack.grid.affine, known=False))

    monkeypatch.setattr(cases, "__getitem__", unknown)
    assert cli.main(["decode", str(tiny_study), "--map", "0", "--out", str(tmp_path)]) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["decode.json"]
    assert "No volumes were written: the orientation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--case", "c11"], "there is no case c11, did you mean 'c1'; the 8 cases of"),
        (["--method", "sharply"], "no method sharply, did you mean 'shapley' to draw a map"),
        (["--method", "main"], "known are shapley, secant, leave_one_out, main_effect, solo"),
        (["--method", "solo", "--pairs", "2"], "--pairs is for --method shapley, got solo"),
        (["--pairs", "0"], "at least 1 pair of orders, got 0"),
        (["--map", "4"], "map 4 was asked, the model has maps encoder:0 to encoder:3"),
        (["--traverse", "3"], "name the maps with --map"),
        (["--map", "1", "--traverse", "1"], "from 2 to 64 steps, got 1"),
    ],
)
def test_wrong_use_is_told_in_one_sentence_and_nothing_is_written(
    tiny_study, tmp_path, capsys, options, words
):
    out = tmp_path / "out"
    assert cli.main(["decode", str(tiny_study), *options, "--out", str(out)]) == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.count("\n") == 1
    assert words in said
    assert not out.exists()
