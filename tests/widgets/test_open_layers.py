"""Layers that are open in the viewer: read where they are shown, and answered where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from napari.layers import Image

from napari_latentattr.cohort.open_images import CASE, stack_of
from napari_latentattr.core.errors import GridMismatchError, InputError
from napari_latentattr.layers import KEY, case_layers, picture_layers, placement
from napari_latentattr.viewer_files import get_reader, write_image
from napari_latentattr.widgets.canvas import Canvas
from napari_latentattr.widgets.open_layers import open_image

from .sessions import add, make_session_of, picture

SHAPE = (4, 5, 6)
IPL = ("I", "P", "L")
CORNERS = [(0, 0, 0), (3, 4, 5), (1, 0, 2)]


def array(shape=SHAPE) -> np.ndarray:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def oblique(degrees: float, spacing=(1.25, 1.5, 3.0)) -> np.ndarray:
    """Affine to RAS mm of a file of axes (x, y, z) that is turned about two axes and off centre."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_z @ np.diag(spacing)
    affine[:3, 3] = (-31, 17, 44)
    return affine


def opened(path: Path, affine: np.ndarray, seed: int = 0) -> Image:
    voxels = np.random.default_rng(seed).random((6, 5, 4), dtype=np.float32)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    ((data, look, _),) = get_reader(str(path))(str(path))
    return Image(data, **look)


@pytest.mark.parametrize("index", CORNERS)
@pytest.mark.parametrize(
    "where",
    [
        {"scale": (3, 1.5, 2), "translate": (-7, 11, 5)},
        {"affine": np.diag([2.0, 3, 0.5, 1])},
        {"scale": (3, 1.5, 2), "translate": (4, 5, 6), "affine": np.diag([2.0, 3, 0.5, 1])},
    ],
)
def test_an_answer_lies_where_a_plain_layer_is_shown(where, index):
    layer = Image(array(), units=("mm",) * 3, axis_labels=IPL, **where)
    ours = Image(array(), **placement(open_image(layer).grid))
    np.testing.assert_allclose(ours.data_to_world(index), layer.data_to_world(index), atol=1e-9)
    assert ours.axis_labels == IPL


def test_left_and_right_of_a_layer_that_does_not_name_its_axes_are_not_claimed():
    layer = Image(array(), scale=(3, 1.5, 2))
    grid = open_image(layer).grid
    assert not grid.known
    assert grid.spacing == (3, 1.5, 2)
    assert not set(IPL) & set(placement(grid)["axis_labels"])


def test_micrometres_become_millimetres():
    layer = Image(array(), scale=(300, 500, 200), units=("um",) * 3, axis_labels=IPL)
    np.testing.assert_allclose(open_image(layer).grid.spacing, (0.3, 0.5, 0.2))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"rotate": 20}, "rotated or sheared in the viewer"),
        ({"shear": [0.2]}, "rotated or sheared in the viewer"),
        ({"affine": [[1, 0.3, 0], [0, 1, 0], [0, 0, 1]]}, "rotated or sheared"),
        ({"scale": (1, -2)}, "is mirrored in the viewer: its scale is 1 x -2"),
        ({"affine": np.diag([1.0, -1, 1])}, "is mirrored in the viewer"),
        ({"units": ("s", "s")}, "measured in second"),
    ],
)
def test_a_layer_whose_place_cannot_be_told_is_refused(where, message):
    with pytest.raises(InputError, match=message):
        open_image(Image(array((5, 6)), **where))


def test_a_stack_of_volumes_is_no_image():
    with pytest.raises(InputError, match="has 4 axes; images have 2 or 3"):
        open_image(Image(array((2, 3, 4, 5))))


def test_a_colour_image_is_refused():
    with pytest.raises(InputError, match="colour or multi-scale"):
        open_image(Image(np.zeros((40, 40, 3), np.uint8)))


@pytest.mark.parametrize("degrees", [0, 12])
def test_a_file_that_was_opened_has_its_exact_grid(tmp_path, degrees):
    layer = opened(tmp_path / "a.nii.gz", oblique(degrees))
    assert open_image(layer).grid is layer.metadata[KEY]["grid"]


@pytest.mark.parametrize("degrees", [0, 12])
def test_an_image_that_was_moved_in_the_viewer_is_taken_from_where_it_is_now(tmp_path, degrees):
    layer = opened(tmp_path / "a.nii.gz", oblique(degrees))
    before = layer.metadata[KEY]["grid"]
    layer.translate = np.add(layer.translate, (3, 0, -5))
    grid = open_image(layer).grid
    # Inferior and left in the viewer are less superior and less right in the grid.
    np.testing.assert_allclose(grid.affine[:3, 3] - before.affine[:3, 3], (-3, 0, 5), atol=1e-9)
    np.testing.assert_allclose(placement(grid)["translate"], layer.translate, atol=1e-9)


def test_oblique_images_of_one_grid_are_answered_on_it_exactly(tmp_path, viewer_model):
    affine = oblique(12)
    layers = [
        opened(tmp_path / f"{name}.nii.gz", affine, seed) for seed, name in enumerate(["T1", "T2"])
    ]
    for layer in layers:
        viewer_model.layers.append(layer)
    images = [open_image(layer) for layer in layers]
    stack = replace(stack_of(images, scaling="none"), case=CASE)
    session = make_session_of(stack)
    stack = replace(stack, case=session.volumes.cases[0])
    canvas = Canvas(viewer_model, session)
    canvas.show_images(stack)
    made = replace(picture(session), grid=stack.grid)
    add(session, made)
    ours = [one for one in viewer_model.layers if "key" in one.metadata[KEY]]
    assert len(ours) == 3
    for one in ours:
        for index in CORNERS:
            np.testing.assert_allclose(
                one.data_to_world(index), layers[0].data_to_world(index), atol=1e-9
            )
        assert [str(unit) for unit in one.units] == ["millimeter"] * 3
        assert one.axis_labels == IPL
        assert one.metadata[KEY]["grid"] is images[0].grid
    # Saved, the answer has the voxels and the oblique affine of the file it is about.
    data, look, _ = ours[-1].as_layer_data_tuple()
    (path,) = write_image(str(tmp_path / "answer.nii.gz"), data, look)
    saved = nibabel.load(path)
    np.testing.assert_allclose(saved.affine, affine, atol=1e-5)
    canonical = made.volume[0]
    place = np.linalg.inv(affine) @ _ras_of(stack.grid, (1, 3, 4))
    assert saved.get_fdata()[tuple(np.round(place[:3]).astype(int))] == canonical[1, 3, 4]
    canvas.close()


def _ras_of(grid, index) -> np.ndarray:
    superior, anterior, right = (grid.affine @ (*index, 1))[:3]
    return np.array([right, anterior, superior, 1])


def test_oblique_images_of_two_grids_are_refused_and_not_mixed(tmp_path):
    images = [
        open_image(opened(tmp_path / f"{degrees}.nii.gz", oblique(degrees))) for degrees in (5, 12)
    ]
    with pytest.raises(GridMismatchError, match="turned by"):
        stack_of(images)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_an_oblique_layer_of_the_user_leaves_our_layers_in_their_place(tmp_path, viewer_model):
    c, s = np.cos(0.3), np.sin(0.3)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    theirs = viewer_model.add_image(
        array(), rotate=turn, scale=(2, 2, 2), units=("mm",) * 3, axis_labels=IPL
    )
    stack = stack_of([open_image(opened(tmp_path / "T1.nii.gz", oblique(12)))])
    for data, look, _ in [*case_layers(stack), *picture_layers(_answer(stack))]:
        layer = viewer_model.add_image(data, **look)
        want = placement(stack.grid)
        np.testing.assert_allclose(layer.scale, want["scale"])
        np.testing.assert_allclose(layer.translate, want["translate"])
        np.testing.assert_allclose(layer.rotate, np.eye(3))
        assert layer.metadata[KEY]["grid"] is stack.grid
    np.testing.assert_allclose(theirs.rotate, turn)
    assert viewer_model.layers.extent.units is not None
    with pytest.raises(InputError, match="open its file with File > Open"):
        open_image(theirs)


def _answer(stack):
    session = make_session_of(stack)
    return replace(picture(session), grid=stack.grid, case=stack.case)
