"""The waist: values are checked when made and cannot be changed afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.core.types import Grid, ImageStack, MapRef


def test_grids_are_compared_in_millimetres_at_their_corners() -> None:
    a = Grid.from_spacing((64, 64, 64), (3, 1, 1))
    near = Grid.from_spacing((64, 64, 64), (3.00001, 1, 1))
    far = Grid.from_spacing((64, 64, 64), (3.001, 1, 1))
    assert a.same_as(near)
    assert not a.same_as(far)
    assert not a.same_as(Grid.from_spacing((64, 64, 63), (3, 1, 1)))
    assert a.corner_distance(far) == pytest.approx(0.063)


def test_spacing_follows_the_axes_of_the_array() -> None:
    assert Grid.from_spacing((4, 5, 6), (3, 2, 1)).spacing == (3, 2, 1)
    with pytest.raises(ValueError, match="3 axes need as many spacings, got 2"):
        Grid.from_spacing((4, 5, 6), (3, 2))


def test_canonical_axes_run_inferior_posterior_left() -> None:
    step = Grid.from_spacing((4, 5, 6), (3, 2, 1)).affine
    np.testing.assert_array_equal(step[:3, :3], np.diag([-3, -2, -1]))


def test_arrays_of_values_are_read_only_and_the_callers_stay_writable() -> None:
    affine, data = np.eye(3), np.zeros((1, 4, 5), np.float32)
    grid = Grid((4, 5), affine)
    stack = ImageStack("c1", ("T1",), data, grid, np.ones((4, 5), bool))
    for array in (grid.affine, stack.data, stack.mask):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    affine[0, 0] = data[0, 0, 0] = 7
    assert grid.affine[0, 0] == 1


def test_shapes_that_do_not_fit_are_told_with_numbers() -> None:
    grid = Grid((4, 5), np.eye(3))
    with pytest.raises(ValueError, match=r"2 channels on a \(4, 5\) grid need .* \(2, 4, 5\), got"):
        ImageStack("c", ("a", "b"), np.zeros((3, 4, 5)), grid)
    with pytest.raises(ValueError, match=r"mask has shape \(5, 4\), the grid \(4, 5\)"):
        ImageStack("c", ("a",), np.zeros((1, 4, 5)), grid, np.zeros((5, 4), bool))
    with pytest.raises(ValueError, match=r"affine of a 2D grid must have shape \(3, 3\)"):
        Grid((4, 5), np.eye(4))


def test_map_references_print_sort_and_key() -> None:
    assert str(MapRef("encoder", 17)) == "encoder:17"
    assert sorted([MapRef("e", 10), MapRef("e", 2)])[0].index == 2
    assert len({MapRef("e", 1), MapRef("e", 1)}) == 1
