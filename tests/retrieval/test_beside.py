"""Made-up pictures and the real cases beside them are cut alike and share their grey levels."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from tests.toy import linear_model, people

from napari_latentattr import Cohort, maximise
from napari_latentattr.core.made_up import MadeUp
from napari_latentattr.core.so_far import PictureSoFar
from napari_latentattr.retrieval.beside import picture_made_up, picture_so_far

from .test_find import CHANNELS, model


@cache
def made_up(which: int = 1, toward: str = "high") -> MadeUp:
    cohort = people()
    return picture_made_up(maximise(linear_model(), which, cohort=cohort, toward=toward), cohort)


def test_one_rule_gives_the_grey_levels_of_made_up_and_real_pictures() -> None:
    made, cohort = made_up(), people()
    assert len(made.pictures) == 3
    real = [cohort[cohort.cases.index(view.name)].data for view in made.real]
    assert [view.name for view in made.real] == list(made.found.top_cases)
    for c in range(3):
        values = np.concatenate(
            [images[c].ravel() for images in (*made.found.pictures, made.found.start, *real)]
        )
        levels = np.concatenate(
            [p[c].ravel() for p in (*made.pictures, made.start, *(v.planes for v in made.real))]
        )
        assert (np.diff(levels[np.argsort(values)].astype(int)) >= 0).all()
        assert np.ptp(levels) == 255


def test_it_knows_whether_little_was_asked_for() -> None:
    assert not made_up().lowest
    assert made_up(toward="low").lowest


@pytest.mark.parametrize(("axis", "place"), [(0, 0), (1, 1)])
def test_of_volumes_the_slice_that_shows_most_is_cut(axis: int, place: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 2, 4, 8, 12)).astype(np.float32)
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    found = maximise(model(3), 0, cohort=cohort, seeds=1)
    change = np.square(found.pictures[0] - found.start).sum(axis=0)
    at = found.clearest_slice(axis)
    sums = [np.take(change, i, axis).sum() for i in range(change.shape[axis])]
    assert sums[at] == pytest.approx(max(sums))
    made = picture_made_up(found, cohort)
    assert made.pictures[0].shape == (2, 8, 12)
    assert {view.voxel for view in made.real} == {(float(found.clearest_slice(0)), 3.5, 5.5)}


def test_a_picture_on_its_way_is_cut_in_the_middle() -> None:
    volume = np.zeros((2, 4, 6, 5), np.float32)
    volume[:, 2] = np.arange(30).reshape(6, 5)
    so_far = PictureSoFar(made_up().found.map, volume, made_up().found.grid, 0.0, 1.0)
    planes = picture_so_far(so_far, people())
    assert planes.shape == (2, 6, 5)
    assert (np.diff(planes.reshape(2, -1).astype(int)) >= 0).all()
    assert np.ptp(planes) == 255
