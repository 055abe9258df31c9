"""Read, compute, write: nibabel finds every voxel where the source had it."""

from itertools import permutations, product

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr.io.volumes import read_volume
from napari_latentattr.io.writing import write_volume

TURNS = [
    np.eye(3)[list(order)] * signs
    for order in permutations(range(3))
    for signs in product([1.0, -1.0], repeat=3)
]


def oblique(seed):
    """A random rotation, left-handed for odd seeds."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * [1, 1, np.sign(np.linalg.det(q)) * (-1) ** seed]


GEOMETRIES = [*TURNS, *map(oblique, range(12))]


def affine_of(index):
    rng = np.random.default_rng(index)
    affine = np.eye(4)
    affine[:3, :3] = GEOMETRIES[index] * rng.uniform(0.3, 4, 3)
    affine[:3, 3] = rng.uniform(-200, 200, 3)
    return affine


def write_source(path, affine, shape=(5, 4, 3)):
    labels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    nibabel.save(nibabel.Nifti1Image(labels, affine), path)
    return labels


def world_by_label(image):
    labels = np.asanyarray(image.dataobj)
    index = np.array(list(np.ndindex(labels.shape)))
    return nibabel.affines.apply_affine(image.affine, index)[np.argsort(labels.ravel())]


def test_half_of_the_geometries_is_left_handed():
    hands = [np.linalg.det(affine_of(i)) < 0 for i in range(len(GEOMETRIES))]
    assert (len(hands), sum(hands)) == (60, 30)


@pytest.mark.parametrize("index", range(60))
def test_nifti_comes_back_voxel_for_voxel(tmp_path, index):
    write_source(tmp_path / "in.nii.gz", affine_of(index))
    volume = read_volume(tmp_path / "in.nii.gz")
    write_volume(tmp_path / "out.nii.gz", volume.data, volume.grid)
    before, after = (nibabel.load(tmp_path / name) for name in ("in.nii.gz", "out.nii.gz"))
    np.testing.assert_array_equal(np.asanyarray(after.dataobj), np.asanyarray(before.dataobj))
    assert after.get_data_dtype() == np.float32
    np.testing.assert_allclose(after.affine, before.affine, rtol=0, atol=2e-5)
    np.testing.assert_allclose(after.get_qform(), before.affine, rtol=0, atol=1e-3)
    np.testing.assert_allclose(world_by_label(after), world_by_label(before), rtol=0, atol=2e-5)


@pytest.mark.parametrize("index", [0, 13, 30, 47, 48, 53])
def test_grid_says_where_nibabel_sees_each_voxel(tmp_path, index):
    write_source(tmp_path / "in.nii", affine_of(index))
    volume = read_volume(tmp_path / "in.nii")
    at = np.indices(volume.grid.shape).reshape(3, -1)
    world = volume.grid.affine[:3, :3] @ at + volume.grid.affine[:3, 3:]
    ours = world[::-1, np.argsort(volume.data.ravel())].T  # rows are S, A, R
    theirs = world_by_label(nibabel.load(tmp_path / "in.nii"))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".nii"])
@pytest.mark.parametrize("index", [5, 22, 49, 50])
def test_other_formats_hold_the_same_geometry(tmp_path, ending, index):
    write_source(tmp_path / "in.nii.gz", affine_of(index))
    first = read_volume(tmp_path / "in.nii.gz")
    write_volume(tmp_path / f"out{ending}", first.data, first.grid)
    again = read_volume(tmp_path / f"out{ending}")
    np.testing.assert_array_equal(again.data, first.data)
    assert again.grid.corner_distance(first.grid) < 2e-5
    source = sitk.ReadImage(str(tmp_path / "in.nii.gz"))
    copy = sitk.ReadImage(str(tmp_path / f"out{ending}"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(copy), sitk.GetArrayFromImage(source))
    for corner in product(*[(0, n - 1) for n in source.GetSize()]):
        there = copy.TransformIndexToPhysicalPoint(corner)
        np.testing.assert_allclose(
            there, source.TransformIndexToPhysicalPoint(corner), rtol=0, atol=2e-5
        )


@pytest.mark.parametrize("flip", list(product([1, -1], repeat=2)))
def test_single_image_comes_back_voxel_for_voxel(tmp_path, flip):
    affine = np.diag([2.0 * flip[0], 3.0 * flip[1], 1, 1])
    affine[:2, 3] = 10, -20
    labels = np.arange(20, dtype=np.float32).reshape(5, 4)
    nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / "in.nii.gz")
    volume = read_volume(tmp_path / "in.nii.gz")
    assert volume.grid.shape == (4, 5)
    assert volume.grid.spacing == (3.0, 2.0)
    assert (np.diag(volume.grid.affine) < 0).tolist() == [True, True, False]
    write_volume(tmp_path / "out.nii.gz", volume.data, volume.grid)
    after = nibabel.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(after.dataobj).reshape(5, 4), labels)
    np.testing.assert_allclose(after.affine[:2, [0, 1, 3]], affine[:2, [0, 1, 3]], atol=1e-5)


def test_qform_alone_is_read_as_nibabel_does(tmp_path):
    image = nibabel.Nifti1Image(np.arange(60, dtype=np.float32).reshape(5, 4, 3), None)
    image.set_qform(affine_of(49), code=1)
    image.set_sform(None, code=0)
    nibabel.save(image, tmp_path / "in.nii")
    source = read_volume(tmp_path / "in.nii").grid.source
    expected = nibabel.load(tmp_path / "in.nii").affine
    order = [2, 1, 0, 3]
    np.testing.assert_allclose(source.affine[np.ix_(order, order)], expected, rtol=0, atol=1e-5)


def test_volume_of_one_slice_stays_a_volume(tmp_path):
    write_source(tmp_path / "in.nii.gz", affine_of(0), (5, 4, 1))
    assert read_volume(tmp_path / "in.nii.gz").grid.shape == (1, 4, 5)
