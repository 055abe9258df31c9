from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.layers import dti_sample, image_layers, placement

SPACING = (3.0, 1.5, 1.25)


def shown_at(look: dict, index: tuple[int, ...]) -> np.ndarray:
    return np.array(look["translate"]) + np.array(look["scale"]) * index


def rotated(grid: Grid, degrees: float) -> Grid:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s, 0, 5], [s, c, 0, -7], [0, 0, 1, 11], [0, 0, 0, 1]])
    return Grid(grid.shape, turn @ grid.affine)


def stack(**changes) -> ImageStack:
    rng = np.random.default_rng(0)
    data = rng.random((2, 4, 5, 6), dtype=np.float32)
    values = {"case": "c1", "channels": ("T1", "T2"), "data": data}
    return ImageStack(**(values | {"grid": Grid.from_spacing((4, 5, 6), SPACING)} | changes))


@pytest.mark.parametrize("index", [(0, 0, 0), (3, 4, 5), (1, 0, 2)])
def test_a_voxel_is_shown_at_its_millimetres_inferior_posterior_and_left(index):
    affine = np.diag([-3.0, -1.5, -1.25, 1.0])
    affine[:3, 3] = (40, 50, -60)
    grid = Grid((4, 5, 6), affine)
    superior, anterior, right, _ = affine @ (*index, 1)
    np.testing.assert_allclose(
        shown_at(placement(grid), index), [-superior, -anterior, -right], atol=1e-9
    )


def test_an_oblique_grid_keeps_its_spacing_and_its_centre():
    grid = rotated(Grid.from_spacing((5, 7, 9), SPACING), 20)
    look = placement(grid)
    np.testing.assert_allclose(look["scale"], SPACING)
    centre = grid.affine @ (2, 3, 4, 1)
    np.testing.assert_allclose(shown_at(look, (2, 3, 4)), -centre[:3], atol=1e-9)


def test_the_exact_grid_travels_in_the_metadata():
    grid = rotated(Grid.from_spacing((5, 7, 9), SPACING), 20)
    assert placement(grid)["metadata"]["napari-latentattr"]["grid"] is grid


def test_axes_are_named_by_direction_only_where_the_file_gave_one():
    grid = Grid.from_spacing((4, 5, 6), SPACING)
    unknown = Grid(grid.shape, grid.affine, known=False)
    assert placement(grid)["axis_labels"] == ("I", "P", "L")
    assert not set("IPLSAR") & set(placement(unknown)["axis_labels"])


def test_a_slice_has_the_axes_posterior_and_left():
    look = placement(Grid.from_spacing((5, 6), SPACING[1:]))
    assert look["axis_labels"] == ("P", "L")
    assert look["scale"] == SPACING[1:]
    assert look["units"] == ("mm", "mm")


def test_every_image_is_a_layer_of_its_name_and_the_first_is_visible():
    images = stack()
    layers = image_layers(images)
    assert [look["name"] for _, look, _ in layers] == ["T1", "T2"]
    assert [look["visible"] for _, look, _ in layers] == [True, False]
    for (data, _, kind), image in zip(layers, images.data, strict=True):
        assert kind == "image"
        np.testing.assert_array_equal(data, image)


def test_an_empty_image_still_has_a_contrast_range():
    layers = image_layers(stack(data=np.zeros((2, 4, 5, 6), dtype=np.float32)))
    assert all(high > low for _, look, _ in layers for low, high in [look["contrast_limits"]])


def test_the_sample_is_four_images_and_labels_in_one_place():
    layers = dti_sample()
    assert [(look["name"], kind) for _, look, kind in layers] == [
        ("FA", "image"),
        ("FA_x", "image"),
        ("FA_y", "image"),
        ("FA_z", "image"),
        ("labels", "labels"),
    ]
    places = {(look["scale"], look["translate"], look["units"]) for _, look, _ in layers}
    assert len(places) == 1
    assert len({data.shape for data, _, _ in layers}) == 1


def test_the_corpus_callosum_of_the_sample_runs_left_to_right():
    *images, (labels, _, _) = dti_sample()
    inside = {look["name"]: data[labels == 1].mean() for data, look, _ in images}
    assert max(("FA_x", "FA_y", "FA_z"), key=inside.get) == "FA_x"


def test_the_label_of_the_sample_has_its_name():
    _, look, _ = dti_sample()[-1]
    names = dict(zip(look["features"]["index"], look["features"]["name"], strict=True))
    assert names == {0: "", 1: "corpus_callosum", 2: "SI_bundle", 3: "AP_bundle"}


def test_layers_are_made_without_a_viewer():
    code = (
        "import sys, napari_latentattr.layers as layers; layers.dti_sample(); "
        "print(sorted({'napari', 'qtpy', 'torch', 'magicgui'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
