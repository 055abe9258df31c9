"""Small pictures of cases show what was planted, and say where it lies."""

from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr import Cohort, find_cases
from napari_latentattr.core.case_sheet import CaseView
from napari_latentattr.core.errors import Cancelled
from napari_latentattr.retrieval import sheet
from napari_latentattr.retrieval.sheet import picture_cases

from .test_find import CHANNELS, model, planted


def view_of(view: CaseView) -> np.ndarray:
    """What the peak sees of the first image."""
    (y0, y1), (x0, x1) = np.array(view.box).astype(int)
    return view.planes[0, y0:y1, x0:x1]


@pytest.mark.parametrize("ndim", [2, 3])
def test_each_picture_shows_the_planted_block_and_its_peak_lies_in_it(ndim: int) -> None:
    x, _, corner = planted(ndim, n=12)
    x[:, :, :4] -= 30  # the frame that all share
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    found = find_cases(model(ndim), cohort, 0, top=8)
    made = picture_cases(found, cohort)
    assert {name: len(views) for name, views in made.views.items()} == {
        "top": 8, "bottom": 8, "random": 8,
    }  # fmt: skip
    for row, view in enumerate(made.views["top"][:4]):
        i = int(found.top.index[row])
        assert view.name == view.case == cohort.cases[i]
        at = np.array(view.voxel)
        assert ((corner[i] <= at) & (at < corner[i] + 8)).all()
        np.testing.assert_allclose(at, found.top.boxes[row].mean(axis=1) - 0.5)
        box = found.top.boxes[row]
        where = tuple(slice(*edges) for edges in box)
        raw = x[i, 0][(round(at[0]), *where[1:]) if ndim == 3 else where]
        levels = view_of(view)
        assert levels.shape == raw.shape
        assert (np.diff(levels.ravel()[np.argsort(raw.ravel())].astype(int)) >= 0).all()


def test_grey_levels_of_an_image_mean_the_same_in_all_cases() -> None:
    x, *_ = planted(2)
    x[:, :, :4] -= 30
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    made = picture_cases(find_cases(model(2), cohort, 0, top=8), cohort)
    seen = [float(view_of(view).mean()) for view in made.views["top"]]
    assert seen == sorted(seen, reverse=True)
    assert seen[0] > 1.2 * seen[-1]


def test_scores_are_told_in_sd_of_all_cases() -> None:
    x, *_ = planted(2)
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    found = find_cases(model(2), cohort, 1, top=24)
    assert found.in_sd("top").mean() == pytest.approx(0, abs=1e-9)
    assert found.in_sd("top").std() == pytest.approx(1)
    np.testing.assert_allclose(found.in_sd("bottom"), found.in_sd("top")[::-1])


def test_a_slice_tells_its_volume_and_where_it_lies_in_it() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.1, (1, 2, 12, 16, 20)).astype(np.float32)
    x[0, 0, 7, 8:12, 12:16] += 5
    for axis, place in (("axial", (7, 9.5, 13.5)), ("coronal", (7, 9, 13.5))):
        volumes = Cohort.from_arrays(x, channels=CHANNELS, spacing=(3, 1, 2))
        cohort = volumes.by_slice(axis)
        found = find_cases(model(2), cohort, 0, top=2, pool="peak")
        best = picture_cases(found, cohort).views["top"][0]
        assert (best.case, best.name != best.case) == (volumes.cases[0], True)
        along = 0 if axis == "axial" else 1
        assert abs(best.voxel[along] - place[along]) <= 2
        off = np.abs(np.array(best.voxel) - place)
        assert (off < 4).all()
        assert best.planes.shape[1:] <= (16, 20)


def test_a_large_picture_is_shrunk_with_its_outline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "_MOST", 8)
    x, *_ = planted(2)
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    for view in picture_cases(find_cases(model(2), cohort, 0, top=2), cohort).views["top"]:
        assert view.planes.shape == (2, 8, 8)
        (y0, y1), (x0, x1) = view.box
        assert (y1 - y0, x1 - x0) == (2, 2)  # 4 of 16 voxels


def test_it_can_be_cancelled() -> None:
    class Stops:
        def report(self, done: int, total: int, text: str) -> None:
            raise Cancelled("stopped")

    x, *_ = planted(2, n=4)
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    found = find_cases(model(2), cohort, 0)
    with pytest.raises(Cancelled):
        picture_cases(found, cohort, progress=Stops())
