from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_latentattr.core.place import Place
from napari_latentattr.core.results import Picture
from napari_latentattr.core.traversal import Traversal
from napari_latentattr.core.types import Grid, ImageStack, LatentSpec, MapRef, Provenance
from napari_latentattr.layers import (
    case_layers,
    dti_sample,
    image_layers,
    latent_layer,
    picture_layers,
    placement,
    traversal_layer,
)

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


def spec(**changes) -> LatentSpec:
    values = {"layer": "encoder", "n_channels": 2, "n_maps": 3, "ndim": 3, "skips": ()}
    values |= {"stride": (2.0, 2.0, 4.0), "receptive_field": (3, 3, 7), "offset": (0.5, 1.0, 1.5)}
    return LatentSpec(**(values | {"everywhere": (), "device": "cpu", "sha256": ""} | changes))


def picture(volume: np.ndarray, images: ImageStack) -> Picture:
    made = Provenance("occlusion", {"patch": 8.0, "fill": "mean"}, 5, "m", "d", {"torch": "2"}, 1.5)
    return Picture(
        "where", MapRef("encoder", 17), images.case, images.channels, volume, images.grid,
        "latent units", "occlusion", "Occlusion", "a note", made,
    )  # fmt: skip


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


@pytest.mark.parametrize("degrees", [0, 20])
def test_a_latent_is_shown_at_the_centre_of_what_it_sees(degrees):
    images = stack(grid=rotated(Grid.from_spacing((4, 5, 6), SPACING), degrees))
    maps = np.ones((3, 2, 2, 1), dtype=np.float32)
    data, look, _ = latent_layer(maps, spec(), images)
    for latent in np.ndindex(2, 2, 1):
        voxel = np.array(spec().offset) + np.array(latent) * spec().stride
        np.testing.assert_allclose(
            shown_at(look, (1, *latent))[1:], shown_at(placement(images.grid), tuple(voxel))
        )
        grid = look["metadata"]["napari-latentattr"]["grid"]
        np.testing.assert_allclose(grid.affine @ (*latent, 1), images.grid.affine @ (*voxel, 1))
    assert data is maps
    assert shown_at(look, (2, 0, 0, 0))[0] == 2
    assert look["axis_labels"] == ("map", "I", "P", "L")
    assert look["units"] == ("pixel", "mm", "mm", "mm")
    assert not look["visible"]


def test_latent_maps_of_a_slice_have_three_axes():
    images = stack(data=np.zeros((2, 5, 6)), grid=Grid.from_spacing((5, 6), SPACING[1:]))
    flat = spec(ndim=2, stride=(2.0, 2.0), receptive_field=(3, 3), offset=(0.5, 0.5))
    _, look, _ = latent_layer(np.ones((3, 2, 3), dtype=np.float32), flat, images)
    assert look["axis_labels"] == ("map", "P", "L")
    assert look["scale"] == (1.0, 3.0, 2.5)


def test_pictures_of_all_images_have_the_same_limits_around_zero():
    images = stack()
    volume = np.zeros_like(images.data)
    volume[0, 1, 1, 1], volume[1, 2, 2, 2] = 0.5, -2
    layers = picture_layers(picture(volume, images))
    assert {look["contrast_limits"] for _, look, _ in layers} == {(-2.0, 2.0)}
    assert [look["name"] for _, look, _ in layers] == [
        "LA · map 17 · where in T1",
        "LA · map 17 · where in T2",
    ]
    for _, look, _ in layers:
        assert look["scale"] == SPACING


def test_an_empty_picture_still_has_limits():
    images = stack()
    layers = picture_layers(picture(np.zeros_like(images.data), images))
    assert {look["contrast_limits"] for _, look, _ in layers} == {(0.0, 1.0)}


def test_a_picture_that_is_never_negative_has_one_colour_and_starts_at_zero():
    images = stack()
    volume = np.zeros_like(images.data)
    volume[0].flat[0] = 3
    looks = [look for _, look, _ in picture_layers(picture(volume, images))]
    assert {look["colormap"]["name"] for look in looks} == {"LA unsigned"}
    assert {look["contrast_limits"] for look in looks} == {(0.0, 3.0)}
    volume[1].flat[0] = -5
    looks = [look for _, look, _ in picture_layers(picture(volume, images))]
    assert {look["colormap"]["name"] for look in looks} == {"LA signed"}
    assert {look["contrast_limits"] for look in looks} == {(-5.0, 5.0)}


@pytest.mark.parametrize(
    ("place", "words"),
    [(Place(region="lesion"), "lesion"), (Place(latent=(1, 2, 0)), "latent 1,2,0")],
)
def test_a_picture_of_a_part_of_a_map_says_of_which_in_its_name_and_its_key(place, words):
    images = stack()
    _, look, _ = picture_layers(replace(picture(images.data, images), place=place))[1]
    assert look["name"] == f"LA · map 17 · where in T2 ({words})"
    assert look["metadata"]["napari-latentattr"]["key"] == ("where", 17, "T2", "c1", words)


def test_a_picture_says_what_it_is_and_how_it_was_made():
    images = stack()
    (_, first, _), (_, second, _) = picture_layers(picture(images.data, images))
    said = first["metadata"]["napari-latentattr"]
    assert said["key"] == ("where", 17, "T1", "c1")
    assert second["metadata"]["napari-latentattr"]["key"] == ("where", 17, "T2", "c1")
    assert said["grid"] is images.grid
    assert json.loads(said["parameters"]) == {"patch": 8.0, "fill": "mean"}
    assert (said["method"], said["seed"], said["unit"]) == ("occlusion", 5, "latent units")
    scalars = [value for name, value in said.items() if name not in ("key", "grid")]
    assert all(isinstance(value, str | int | float) for value in scalars)


def test_a_picture_past_which_another_could_travel_says_so_in_its_name():
    images = stack()
    flagged = picture(images.data, images)
    params = {**flagged.provenance.params, "skips": "encoder.0"}
    flagged = replace(flagged, provenance=replace(flagged.provenance, params=params))
    (_, first, _), _ = picture_layers(flagged)
    assert first["name"] == "LA · map 17 · where in T1 (skip connection)"
    said = first["metadata"]["napari-latentattr"]
    assert json.loads(said["parameters"])["skips"] == "encoder.0"


def traversal(images: ImageStack, **params: str) -> Traversal:
    pictures = np.random.default_rng(1).random((5, *images.data.shape), dtype=np.float32)
    made = Provenance("traverse", {"steps": 5, **params}, 0, "m", "d", {"torch": "2"}, 1.5)
    return Traversal(
        MapRef("encoder", 17), images.case, images.channels, np.linspace(0.5, 2.5, 5), 1.25,
        "root mean square", pictures, images.grid, made,
    )  # fmt: skip


def test_a_traversal_is_one_layer_with_a_step_in_front_of_the_place_of_the_image():
    images = stack(grid=rotated(Grid.from_spacing((4, 5, 6), SPACING), 20))
    found = traversal(images)
    data, look, kind = traversal_layer(found, "T2")
    np.testing.assert_array_equal(data, found.pictures[:, 1])
    assert kind == "image"
    assert look["axis_labels"] == ("step", "I", "P", "L")
    assert look["units"] == ("pixel", "mm", "mm", "mm")
    place = placement(images.grid)
    np.testing.assert_allclose(shown_at(look, (3, 1, 2, 4))[1:], shown_at(place, (1, 2, 4)))
    assert shown_at(look, (3, 0, 0, 0))[0] == 3
    assert look["name"] == "LA · map 17 · traversal in T2"
    said = look["metadata"]["napari-latentattr"]
    assert said["key"] == ("traversal", 17, "T2", "c1")
    assert (said["values"], said["own"]) == ([0.5, 1.0, 1.5, 2.0, 2.5], 1.25)
    assert said["method"] == "traverse"


def test_a_traversal_past_which_the_picture_could_travel_says_so_in_its_name():
    _, look, _ = traversal_layer(traversal(stack(), skips="first"), "T1")
    assert look["name"] == "LA · map 17 · traversal in T1 (skip connection)"


def test_a_traversal_of_a_slice_has_three_axes():
    images = stack(data=np.zeros((2, 5, 6)), grid=Grid.from_spacing((5, 6), SPACING[1:]))
    data, look, _ = traversal_layer(traversal(images), "T1")
    assert data.shape == (5, 5, 6)
    assert look["axis_labels"] == ("step", "P", "L")


def test_images_of_a_case_say_so_and_images_of_the_user_do_not():
    said = [look["metadata"]["napari-latentattr"] for _, look, _ in case_layers(stack())]
    assert [one["key"] for one in said] == [
        ("image", None, "T1", "c1"),
        ("image", None, "T2", "c1"),
    ]
    for _, look, _ in image_layers(stack()):
        assert "key" not in look["metadata"]["napari-latentattr"]


def test_layers_are_made_without_a_viewer():
    code = (
        "import sys, napari_latentattr.layers as layers; layers.dti_sample(); "
        "print(sorted({'napari', 'qtpy', 'torch', 'magicgui'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
