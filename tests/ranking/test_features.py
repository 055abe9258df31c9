from types import SimpleNamespace

import numpy as np
import pytest

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import SILENT
from napari_latentattr.core.types import Grid, ImageStack, LatentSpec
from napari_latentattr.ranking.features import (
    check_labelled,
    rows_of_cases,
    rows_of_voxels,
    summarise,
)
from napari_latentattr.ranking.outcome import read_outcome
from napari_latentattr.ranking.units import patients_as_units


class Doubler:
    """Every second voxel of the only image, times 1 and times -2."""

    spec = LatentSpec("encoder", 1, 2, 2, (2, 2), (1, 1), (0, 0), (), (), "cpu", "")

    def encode(self, x, /):
        return np.concatenate([x[..., ::2, ::2], -2 * x[..., ::2, ::2]], axis=1)


class Cases(SimpleNamespace):
    @property
    def cases(self):
        return tuple(stack.case for stack in self.stacks)

    def __len__(self):
        return len(self.stacks)

    def __getitem__(self, index):
        return self.stacks[index]


def stack(case, shape=(6, 8), mask=None, fill=None):
    grid = Grid.from_spacing(shape, (1, 1))
    data = np.random.default_rng(ord(case)).standard_normal((1, *shape))
    if fill is not None:
        data[:] = fill
    return ImageStack(case, ("T1",), data, grid, mask)


LEFT = np.arange(8) < 4
MASK = np.broadcast_to(LEFT, (6, 8))
COHORT = Cases(stacks=[stack(case, mask=MASK) for case in "abcd"])
UNITS = patients_as_units(range(4))


def test_a_case_is_summarised_inside_its_body():
    outcome = read_outcome(COHORT, [0, 1, 0, 1], UNITS, name="grade")
    rows, digest = rows_of_cases(Doubler(), COHORT, outcome, UNITS, SILENT)
    own = COHORT[2].data[0, ::2, ::2][:, :2]
    # latents at columns 0, 2 lie in the body
    assert rows.values[2, 0, 0] == pytest.approx(own.mean())
    assert rows.values[2, 0, 4:6] == pytest.approx([-2 * own.mean(), 2 * own.std()], rel=1e-5)
    assert rows.map_of.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert rows.label.ravel().tolist() == [0, 1, 0, 1]
    assert len(digest) == 64


def test_summaries_are_those_of_numpy():
    values = np.random.default_rng(0).standard_normal((3, 40)).astype(np.float32)
    oracle = [[v.mean(), v.std(), np.percentile(v, 2), np.percentile(v, 98)] for v in values]
    assert summarise(values) == pytest.approx(np.array(oracle), rel=1e-5)


def test_a_labelled_latent_is_a_row_of_its_own():
    region = np.zeros((6, 8), bool)
    region[0:2, 0:2] = True
    outcome = read_outcome(COHORT, [region, region, ~region, region], UNITS, name="lesion")
    rows, _ = rows_of_voxels(Doubler(), COHORT, outcome, UNITS, SILENT)
    assert rows.values.shape == (4, 3 * 2, 2)
    assert rows.inside.all()
    assert np.array_equal(rows.values[1, :, 0], COHORT[1].data[0, ::2, :4:2].ravel())
    assert rows.label[0].tolist() == [1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("last", "match"),
    [
        (stack("z", shape=(6, 6)), r"case z has \(3, 3\) latents, case a \(3, 4\)"),
        (stack("z", mask=np.zeros((6, 8), bool)), r"case z: no latent lies in its mask"),
        (stack("z", fill=np.nan), r"case z: the latent maps are not finite"),
    ],
)
def test_a_case_that_does_not_fit_is_refused_in_one_sentence(last, match):
    cohort = Cases(stacks=[*COHORT.stacks[:3], last])
    regions = [np.ones(one.grid.shape, bool) for one in cohort.stacks]
    outcome = read_outcome(cohort, regions, UNITS, name="lesion")
    with pytest.raises(InputError, match=match) as raised:
        rows_of_voxels(Doubler(), cohort, outcome, UNITS, SILENT)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("value", "count"), [(False, 0), (True, 24)])
def test_a_label_of_no_or_every_latent_is_refused(value, count):
    outcome = read_outcome(COHORT, np.full((4, 6, 8), value), UNITS, name="lesion")
    rows, _ = rows_of_voxels(Doubler(), COHORT, outcome, UNITS, SILENT)
    with pytest.raises(InputError, match=rf"'lesion' covers {count} of 24 latents"):
        check_labelled(rows, name="lesion")
