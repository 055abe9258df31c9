"""File -> layer -> file: every voxel stays where it was, seen by nibabel and through npe2."""

from __future__ import annotations

import gzip
import subprocess
import sys
from itertools import permutations, product
from pathlib import Path

import nibabel
import npe2
import numpy as np
import pytest
import SimpleITK as sitk
from napari.components import ViewerModel
from napari.layers import Image, Labels
from npe2 import PluginManager, PluginManifest

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Grid
from napari_latentattr.layers import KEY, placement
from napari_latentattr.viewer_files import get_reader, write_image, write_labels

NAME = "napari-latentattr"
MANIFEST = """\
schema_version: 0.3.0
name: napari-latentattr
display_name: Latent Attribution
contributions:
  commands:
    - id: napari-latentattr.read_nifti
      title: Open a NIfTI image
      python_name: napari_latentattr.viewer_files:get_reader
    - id: napari-latentattr.write_image
      title: Save an image where it lies
      python_name: napari_latentattr.viewer_files:write_image
    - id: napari-latentattr.write_labels
      title: Save labels where they lie
      python_name: napari_latentattr.viewer_files:write_labels
  readers:
    - command: napari-latentattr.read_nifti
      filename_patterns: ['*.nii', '*.nii.gz']
      accepts_directories: false
  writers:
    - command: napari-latentattr.write_image
      layer_types: [image]
      filename_extensions: [.nii.gz, .nii, .nrrd, .mha]
      display_name: medical image
    - command: napari-latentattr.write_labels
      layer_types: [labels]
      filename_extensions: [.nii.gz, .nii, .nrrd, .mha]
      display_name: medical labels
"""
ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PluginManager:
    """Our readers and writers, beside those of napari itself."""
    (tmp_path / "napari.yaml").write_text(MANIFEST)
    manager = PluginManager()
    manager.register(PluginManifest.from_file(tmp_path / "napari.yaml"))
    manager.register(PluginManifest.from_distribution("napari"))
    monkeypatch.setattr(PluginManager, "instance", lambda: manager)
    return manager


def turns() -> list[np.ndarray]:
    """Every order of the axes with every third sign, and four oblique ones, half mirrored."""
    signs = list(product([1.0, -1.0], repeat=3))
    straight = [
        np.eye(3)[list(order)] * signs[(3 * i + j) % 8]
        for i, order in enumerate(permutations(range(3)))
        for j in (0, 4)
    ]
    oblique = [np.linalg.qr(np.random.default_rng(i).normal(size=(3, 3)))[0] for i in range(4)]
    return [*straight, *oblique]


def affine_of(turn: np.ndarray) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = turn * [0.7, 1.3, 2.1]
    affine[:3, 3] = 11.5, -70.25, 33
    return affine


AFFINES = [affine_of(turn) for turn in turns()]
CYCLIC = affine_of(np.eye(3)[[1, 2, 0]])
OBLIQUE = AFFINES[-1]


def write_source(
    path: Path,
    affine: np.ndarray = OBLIQUE,
    *,
    kind: str = "f4",
    shape: tuple[int, ...] = (5, 4, 3),
) -> np.ndarray:
    voxels = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return voxels


def read(path: Path) -> tuple[np.ndarray, dict, str]:
    (layer,) = get_reader(str(path))(str(path))
    return layer


def layer_of(path: Path) -> Image:
    data, look, _ = read(path)
    return Image(data, **look)


def save(path: Path, layer: Image | Labels) -> nibabel.Nifti1Image:
    data, meta, kind = layer.as_layer_data_tuple()
    write = {"image": write_image, "labels": write_labels}[kind]
    assert write(str(path), data, meta) == [str(path)]
    return nibabel.load(path)


def voxels_of(image: nibabel.Nifti1Image) -> np.ndarray:
    return np.asanyarray(image.dataobj)


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", ">f4"])
@pytest.mark.parametrize("affine", AFFINES, ids=range(len(AFFINES)))
def test_a_file_that_is_opened_and_saved_has_the_same_voxels_and_affine(tmp_path, affine, kind):
    voxels = write_source(tmp_path / "in.nii.gz", affine, kind=kind)
    after = save(tmp_path / "out.nii.gz", layer_of(tmp_path / "in.nii.gz"))
    np.testing.assert_array_equal(voxels_of(after), voxels)
    assert after.get_data_dtype() == voxels.dtype.newbyteorder("=")
    np.testing.assert_allclose(after.affine, affine, rtol=0, atol=1e-5)


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_holds_the_same_voxels_in_the_same_place(tmp_path, ending):
    write_source(tmp_path / "in.nii", CYCLIC)
    data, meta, _ = layer_of(tmp_path / "in.nii").as_layer_data_tuple()
    write_image(str(tmp_path / f"out{ending}"), data, meta)
    source, copy = (sitk.ReadImage(str(tmp_path / name)) for name in ("in.nii", f"out{ending}"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(copy), sitk.GetArrayFromImage(source))
    np.testing.assert_allclose(copy.GetDirection(), source.GetDirection(), atol=1e-6)
    np.testing.assert_allclose(copy.GetOrigin(), source.GetOrigin(), atol=1e-5)
    np.testing.assert_allclose(copy.GetSpacing(), source.GetSpacing(), atol=1e-6)


def test_npe2_reads_and_writes_through_the_manifest(tmp_path, plugins):
    voxels = write_source(tmp_path / "in.nii.gz", CYCLIC)
    layers = npe2.read([str(tmp_path / "in.nii.gz")], stack=False, plugin_name=NAME)
    assert [(look["name"], kind) for _, look, kind in layers] == [("in", "image")]
    written = npe2.write(str(tmp_path / "out.nii.gz"), layers)
    assert written == [str(tmp_path / "out.nii.gz")]
    after = nibabel.load(written[0])
    np.testing.assert_array_equal(voxels_of(after), voxels)
    np.testing.assert_allclose(after.affine, CYCLIC, atol=1e-5)


def test_a_viewer_opens_a_file_in_millimetres_and_saves_it_where_it_was(tmp_path, plugins):
    voxels = write_source(tmp_path / "in.NII.GZ", CYCLIC)
    viewer = ViewerModel()
    viewer.open(tmp_path / "in.NII.GZ", plugin=NAME)
    (layer,) = viewer.layers
    assert layer.name == "in"
    assert layer.axis_labels == ("I", "P", "L")
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
    assert layer.save(str(tmp_path / "out.nii")) == [str(tmp_path / "out.nii")]
    after = nibabel.load(tmp_path / "out.nii")
    np.testing.assert_array_equal(voxels_of(after), voxels)
    np.testing.assert_allclose(after.affine, CYCLIC, atol=1e-5)


def test_new_labels_on_an_image_are_saved_where_the_image_lies(tmp_path, plugins):
    write_source(tmp_path / "in.nii.gz", CYCLIC)
    viewer = ViewerModel()
    (image,) = viewer.open(tmp_path / "in.nii.gz", plugin=NAME)
    viewer._new_labels()
    labels = viewer.layers[-1]
    at = tuple(np.argwhere(image.data == 17)[0])
    labels.data[at] = 3
    labels.save(str(tmp_path / "labels.nii.gz"))
    after, before = (nibabel.load(tmp_path / name) for name in ("labels.nii.gz", "in.nii.gz"))
    assert after.get_data_dtype() == labels.data.dtype
    where = nibabel.affines.apply_affine(after.affine, np.argwhere(voxels_of(after) == 3)[0])
    there = nibabel.affines.apply_affine(before.affine, np.argwhere(voxels_of(before) == 17)[0])
    np.testing.assert_allclose(where, there, atol=1e-4)


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "u2", "i8", "u8"])
def test_labels_keep_their_type(tmp_path, kind):
    write_source(tmp_path / "in.nii")
    data, look, _ = read(tmp_path / "in.nii")
    top = np.iinfo(kind).max
    labels = np.where(data == 17, top, 0).astype(kind)
    after = save(
        tmp_path / "out.nii.gz", Labels(labels, **placement(look["metadata"][KEY]["grid"]))
    )
    assert after.get_data_dtype() == np.dtype(kind)
    assert int(voxels_of(after).max()) == top
    np.testing.assert_allclose(after.affine, OBLIQUE, atol=1e-5)


def test_an_image_that_was_moved_is_saved_moved_by_as_much(tmp_path):
    write_source(tmp_path / "in.nii.gz")
    layer = layer_of(tmp_path / "in.nii.gz")
    layer.translate += np.array([10, 20, 30])  # to inferior, posterior, left
    after = save(tmp_path / "out.nii.gz", layer)
    for value in (0, 17, 59):
        before = np.argwhere(np.arange(60).reshape(5, 4, 3) == value)[0]
        there = nibabel.affines.apply_affine(OBLIQUE, before) - [30, 20, 10]
        here = nibabel.affines.apply_affine(after.affine, np.argwhere(voxels_of(after) == value)[0])
        np.testing.assert_allclose(here, there, atol=1e-4)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_a_layer_without_a_file_is_saved_as_the_viewer_shows_it(tmp_path, ndim, seed):
    rng = np.random.default_rng(seed)
    rotate = np.linalg.qr(rng.normal(size=(ndim, ndim)))[0]
    rotate[0] *= np.sign(np.linalg.det(rotate))
    affine = np.diag([*([1.5] * ndim), 1.0])
    affine[:-1, -1] = rng.normal(size=ndim)
    shape = (4, 5, 6)[-ndim:]
    layer = Image(
        np.arange(np.prod(shape), dtype=np.float32).reshape(shape),
        scale=rng.uniform(0.5, 2, ndim),
        translate=rng.normal(size=ndim) * 50,
        rotate=rotate if seed else None,
        affine=affine if seed == 1 else None,
        units=("mm",) * ndim,
        axis_labels=("I", "P", "L")[-ndim:],
    )
    data, meta, _ = layer.as_layer_data_tuple()
    write_image(str(tmp_path / "out.nii.gz"), data, meta)
    again = layer_of(tmp_path / "out.nii.gz")
    grid = again.metadata[KEY]["grid"]
    for value in (0, 7, np.prod(shape) - 1):
        shown = layer.data_to_world(np.argwhere(layer.data == value)[0])
        here = grid.affine @ [*np.argwhere(again.data == value)[0], 1]
        np.testing.assert_allclose(-here[:-1], shown, rtol=0, atol=1e-3)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_a_sheared_layer_is_refused_rather_than_straightened(tmp_path):
    write_source(tmp_path / "in.nii")
    layer = layer_of(tmp_path / "in.nii")
    layer.shear = (0.0, 0.1, 0.0)
    for changes in ({}, {"metadata": {}}):
        data, meta, _ = layer.as_layer_data_tuple()
        with pytest.raises(InputError, match="not perpendicular"):
            write_image(str(tmp_path / "out.nii"), data, meta | changes)


def test_micrometres_are_saved_as_millimetres(tmp_path):
    layer = Image(
        np.zeros((2, 3, 4), np.float32), scale=(500, 1000, 2000), units="um", axis_labels="IPL"
    )
    after = save(tmp_path / "out.nii.gz", layer)
    np.testing.assert_allclose(sorted(after.header.get_zooms()), (0.5, 1, 2))


def test_the_largest_copy_of_a_multiscale_image_is_saved(tmp_path):
    full = np.random.default_rng(0).random((8, 8, 8), dtype=np.float32)
    place = placement(Grid.from_spacing((8, 8, 8), (1, 1, 1)))
    layer = Image([full, full[::2, ::2, ::2]], multiscale=True, **place)
    after = save(tmp_path / "out.nii.gz", layer)
    assert after.shape == (8, 8, 8)
    assert voxels_of(after).max() == full.max()


MM = {"units": ("mm",) * 3, "axis_labels": ("I", "P", "L")}


@pytest.mark.parametrize(
    ("shape", "meta", "message"),
    [
        ((2, 3, 4), {"units": ("mm",) * 3}, "axes are called nothing"),
        ((2, 3, 4), MM | {"axis_labels": ("z", "y", "x")}, "called z, y, x, so left and right"),
        ((2, 3, 4), MM | {"units": ("pixel",) * 3}, "measured in pixel, expected a unit of length"),
        ((5, 2, 3, 4), MM, "has 4 axes, expected 2 or 3"),
        ((2, 3, 3), MM | {"rgb": True}, "holds colours"),
    ],
)
def test_what_cannot_be_saved_where_it_lies_is_refused(tmp_path, shape, meta, message):
    with pytest.raises(InputError, match=message):
        write_image(str(tmp_path / "out.nii.gz"), np.zeros(shape), meta)
    assert not any(tmp_path.iterdir())


def test_an_image_of_unknown_orientation_is_not_saved(tmp_path):
    grid = Grid.from_spacing((2, 3, 4), (1, 1, 1))
    unknown = placement(Grid(grid.shape, grid.affine, known=False))
    with pytest.raises(InputError, match="the orientation is unknown"):
        write_image(str(tmp_path / "out.nii.gz"), np.zeros((2, 3, 4)), unknown)


def test_another_ending_or_folder_is_refused(tmp_path):
    place = placement(Grid.from_spacing((2, 3, 4), (1, 1, 1)))
    with pytest.raises(InputError, match="has no ending that can be written"):
        write_image(str(tmp_path / "out.tif"), np.zeros((2, 3, 4)), place)
    with pytest.raises(InputError, match="cannot be written"):
        write_image(str(tmp_path / "none" / "out.nii"), np.zeros((2, 3, 4)), place)


def test_a_result_is_shown_with_zero_transparent_and_both_signs_alike(tmp_path):
    path = tmp_path / "c1_map-17_desc-channels_T1.nii.gz"
    voxels = np.array([-3.0, 0, np.nan, 1], np.float32).reshape(1, 2, 2)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path)
    layer = layer_of(path)
    assert layer.name == "c1_map-17_desc-channels_T1"
    assert layer.contrast_limits == [-3, 3]
    assert layer.blending == "translucent_no_depth"
    middle = layer.colormap.map(np.array([0.5]))[0]
    assert middle[3] == pytest.approx(0, abs=1e-6)
    low, high = layer.colormap.map(np.array([0.0, 1.0]))
    assert low[2] > low[0]
    assert high[0] > high[2]


@pytest.mark.parametrize("name", ["c1.nii.gz", "c1_desc-x_T1.nii.gz", "map-3_desc-x_T1.nii"])
def test_any_other_image_is_gray_from_zero_up(tmp_path, name):
    write_source(tmp_path / name)
    layer = layer_of(tmp_path / name)
    assert layer.colormap.name == "gray"
    assert layer.contrast_limits[0] == 0


@pytest.mark.parametrize("value", [0, np.nan])
@pytest.mark.parametrize("name", ["c1.nii", "c1_map-1_desc-x_T1.nii"])
def test_an_empty_image_still_opens(tmp_path, name, value):
    nibabel.save(
        nibabel.Nifti1Image(np.full((2, 3, 4), value, np.float32), np.eye(4)), tmp_path / name
    )
    low, high = layer_of(tmp_path / name).contrast_limits
    assert low < high


@pytest.mark.parametrize("name", ["c1.nii", "c1_map-1_desc-x_T1.nii"])
@pytest.mark.parametrize("width", [3, 4])
def test_a_narrow_volume_is_not_opened_as_a_colour_image(tmp_path, name, width):
    voxels = np.random.default_rng(0).random((width, 40, 40), dtype=np.float32)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 1, 1, 1])), tmp_path / name)
    ((data, look, _),) = get_reader(str(tmp_path / name))(str(tmp_path / name))
    layer = ViewerModel().add_image(data, **look)
    assert (layer.rgb, layer.ndim) == (False, 3)


def test_many_volumes_are_one_layer_with_an_axis_that_counts(tmp_path):
    voxels = write_source(tmp_path / "in.nii.gz", CYCLIC, shape=(5, 4, 3, 7))
    layer = layer_of(tmp_path / "in.nii.gz")
    assert layer.data.shape[0] == 7
    assert layer.axis_labels == ("volume", "I", "P", "L")
    assert [str(unit) for unit in layer.units] == ["pixel"] + ["millimeter"] * 3
    where = np.argwhere(layer.data == voxels[1, 2, 0, 6])[0]
    right, anterior, superior = nibabel.affines.apply_affine(CYCLIC, (1, 2, 0))
    shown = layer.data_to_world(where)
    np.testing.assert_allclose(shown, (6, -superior, -anterior, -right), atol=1e-4)


@pytest.mark.parametrize(
    "path", ["a.tif", "a.nii.gz.txt", "a.nrrd", "", ["a.nii", "b.nii"], "nii", "study.yaml"]
)
def test_other_files_and_stacks_are_left_to_other_readers(path):
    assert get_reader(path) is None


def fuzzed() -> list[bytes]:
    whole = nibabel.Nifti1Image(np.zeros((5, 4, 3), np.float32), OBLIQUE).to_bytes()
    cuts = [whole[:n] for n in (0, 1, 4, 100, 347, 348, 352, len(whole) - 1)]
    noise = np.random.default_rng(0).bytes(1000)
    wrong = [noise, b"\x89PNG", whole[:40] + noise[:60] + whole[100:], b"[1, 2]", whole + b"x"]
    return [*cuts, *wrong]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("content", fuzzed(), ids=range(len(fuzzed())))
def test_a_cut_or_wrong_file_is_told_in_one_sentence(tmp_path, content, packed):
    path = tmp_path / ("in.nii.gz" if packed else "in.nii")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(InputError, match=r"\A[^\n]*in\.nii[^\n]{20,300}\Z"):
        read(path)


@pytest.mark.parametrize("kept", [0, 5, 50, -3])
def test_a_cut_archive_is_told(tmp_path, kept):
    write_source(tmp_path / "in.nii.gz")
    whole = (tmp_path / "in.nii.gz").read_bytes()
    (tmp_path / "in.nii.gz").write_bytes(whole[:kept])
    with pytest.raises(InputError, match="in.nii.gz"):
        read(tmp_path / "in.nii.gz")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "none.nii")


def test_the_viewer_is_told_the_sentence_itself(tmp_path, plugins):
    (tmp_path / "in.nii.gz").write_bytes(b"no image")
    with pytest.raises(InputError, match="is not a gzip file or is cut"):
        ViewerModel().open(tmp_path / "in.nii.gz", plugin=NAME)


def test_files_are_read_without_a_viewer():
    code = (
        "import sys, napari_latentattr.viewer_files; "
        "print(sorted({'napari', 'qtpy', 'torch', 'magicgui', 'npe2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
