"""A body whose six sides differ, written in six voxel orders: where is it on the screen?

What is expected is worked out from the affine of the file alone, in mm, and compared with pixels.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr import read_stack
from napari_latentattr.core.results import Picture
from napari_latentattr.core.types import MapRef, Provenance
from napari_latentattr.widgets.canvas import Canvas

from .sessions import add, make_session_of

BLOBS = {  # grey level; centre in RAS mm
    "R": (1.0, (20, 0, 0)),
    "L": (0.85, (-20, 0, 0)),
    "A": (0.7, (0, 22, 0)),
    "P": (0.55, (0, -22, 0)),
    "S": (0.4, (0, 0, 24)),
    "I": (0.25, (0, 0, -24)),
}
BLOCK, BLOCK_GREY = ((12.0, 9.0, 10.0), (4.5, 5.5, 6.5)), 0.1  # centre and half width in mm
SIZES = {"R": (28, 2.0), "A": (30, 2.0), "S": (24, 3.0)}  # voxels and mm along each direction
OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))
VIEWS = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}


def affine_of(code: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Affine to RAS mm of a file whose voxel axes run towards `code`; its middle at 0 mm."""
    affine, shape = np.eye(4), []
    affine[:3, :3] = 0
    for axis, letter in enumerate(code):
        positive = letter if letter in "RAS" else OPPOSITE[letter]
        n, mm = SIZES[positive]
        affine["RAS".index(positive), axis] = mm if letter == positive else -mm
        shape.append(n)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine, tuple(shape)


def millimetres(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.einsum("ij,j...->i...", affine[:3, :3], np.indices(shape)) + affine[:3, 3].reshape(
        3, 1, 1, 1
    )


def inside(at: np.ndarray, centre, half) -> np.ndarray:
    far = np.abs(at - np.reshape(centre, (3, 1, 1, 1)))
    return np.all(far <= np.reshape(half, (3, 1, 1, 1)), axis=0)


def phantom(affine: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels, and where the block is, in the voxel order of the file."""
    at = millimetres(affine, shape)
    grey = np.zeros(shape, dtype=np.float32)
    for level, centre in BLOBS.values():
        grey[inside(at, centre, (4.5, 4.5, 4.5))] = level
    block = inside(at, *BLOCK)
    grey[block] = BLOCK_GREY
    return grey, block


def turned(affine: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]])
    about_z = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return about_x @ about_z @ affine


def write(path: Path, grey: np.ndarray, affine: np.ndarray) -> Path:
    if path.suffix != ".nrrd":
        nib.save(nib.Nifti1Image(grey, affine), path)
        return path
    image = sitk.GetImageFromArray(grey.T)
    lps = np.diag([-1.0, -1, 1]) @ affine[:3]
    spacing = np.linalg.norm(lps[:, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:, 3].tolist())
    sitk.WriteImage(image, str(path))
    return path


FILES = {
    "LPS": ("LPS", ".nii.gz"),
    "LPS by another program": ("LPS", ".nrrd"),
    "RAS": ("RAS", ".nii.gz"),
    "sagittal": ("PSL", ".nii"),
    "sagittal, cyclic": ("ASR", ".nii"),
    "coronal": ("LSA", ".nrrd"),
    "left-handed": ("LAS", ".nii.gz"),
}


def shown(viewer, path: Path) -> tuple[Canvas, object]:
    """Canvas on the file; the picture marks the voxels with the grey level of the block."""
    stack = read_stack([path], channels=["grey"])
    session = make_session_of(stack)
    stack = replace(stack, case=session.volumes.cases[0])
    canvas = Canvas(viewer, session)
    canvas.show_images(stack)
    volume = np.isclose(stack.data, BLOCK_GREY, atol=1e-3).astype(np.float32)
    picture = Picture(
        "where", MapRef("encoder", 0), stack.case, stack.channels, volume, stack.grid,
        "", "", "", "", Provenance("m"),
    )  # fmt: skip
    add(session, picture)
    image = viewer.layers["grey"]
    image.contrast_limits, image.interpolation2d = (0, 1), "nearest"
    overlay = viewer.layers["LA · map 0 · where in grey"]
    overlay.interpolation2d, overlay.colorbar.visible = "nearest", False
    return canvas, image


def pixels(viewer, qapp) -> np.ndarray:
    for _ in range(4):
        qapp.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


def coloured(shot: np.ndarray) -> np.ndarray:
    """Orange of the picture; letters are paler and thinner."""
    return (shot[..., 0] - shot[..., 2] > 170) & (shot[..., 1] < 150)


def on_screen(viewer, ipl: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Row and column of points in mm (inferior, posterior, left): camera centre and zoom alone."""
    axes = list(viewer.dims.displayed[-2:])
    centre = np.array(viewer.scene.camera.center[-2:])
    return (ipl[..., axes] - centre) * viewer.scene.camera.zoom + np.array(size) / 2


def look(viewer, view: str, ipl: np.ndarray) -> None:
    viewer.dims.ndisplay = 2
    viewer.dims.order = VIEWS[view]
    viewer.dims.set_point(range(3), ipl)
    viewer.fit_to_view()


def edges_of(block: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of the block's voxels in mm (inferior, posterior, left)."""
    index = np.argwhere(block)
    ras = (index[:, None] + (np.array(list(np.ndindex(2, 2, 2))) - 0.5)).reshape(-1, 3)
    ras = ras @ affine[:3, :3].T + affine[:3, 3]
    ipl = -ras[:, ::-1]
    return ipl.min(axis=0), ipl.max(axis=0)


@pytest.mark.parametrize("name", FILES)
def test_the_picture_covers_the_block_and_right_is_on_the_left(viewer, qapp, tmp_path, name):
    code, suffix = FILES[name]
    affine, shape = affine_of(code)
    grey, block = phantom(affine, shape)
    canvas, _ = shown(viewer, write(tmp_path / f"phantom{suffix}", grey, affine))
    low, high = edges_of(block, affine)
    for view in VIEWS:
        look(viewer, view, (low + high) / 2)
        found = np.argwhere(coloured(pixels(viewer, qapp)))
        size = pixels(viewer, qapp).shape[:2]
        want = on_screen(viewer, np.array([low, high]), size)
        np.testing.assert_allclose(found.min(axis=0), want[0], atol=1.5)
        np.testing.assert_allclose(found.max(axis=0) + 1, want[1], atol=1.5)
        assert len(found) == pytest.approx(np.prod(want[1] - want[0]), rel=0.03)
    _check_sides(viewer, qapp)
    _check_front(viewer, qapp, (low + high) / 2)
    canvas.close()


def _check_sides(viewer, qapp) -> None:
    viewer.layers["LA · map 0 · where in grey"].visible = False
    # What stands left of, or above, what; and which letters say so
    sides = {
        "axial": [("R", "L", 1), ("A", "P", 0)],
        "coronal": [("R", "L", 1), ("S", "I", 0)],
        "sagittal": [("A", "P", 1), ("S", "I", 0)],
    }
    for view, pairs in sides.items():
        look(viewer, view, np.zeros(3))
        shot = pixels(viewer, qapp)
        for first, second, axis in pairs:
            one, other = (_blob(shot, letter)[axis] for letter in (first, second))
            assert one + 50 < other, (view, first, second)
            for letter, at in ((first, one), (second, other)):
                middle = shot.shape[axis] / 2
                mark = _marker(viewer, qapp, letter)[axis]
                assert (mark < middle) == (at < middle), (view, letter)


def _check_front(viewer, qapp, block_ipl: np.ndarray) -> None:
    """From the coronal view into 3D: there the viewer alone would mirror the body."""
    viewer.dims.order = VIEWS["coronal"]
    viewer.layers["LA · map 0 · where in grey"].visible = True
    viewer.dims.ndisplay = 3
    shot = pixels(viewer, qapp)
    found = np.argwhere(coloured(shot)).mean(axis=0)
    camera = viewer.scene.camera
    offset = (block_ipl - np.array(camera.center)) * camera.zoom
    want = np.array(shot.shape[:2]) / 2 + offset[[0, 2]]
    np.testing.assert_allclose(found, want, atol=4)
    assert found[1] < shot.shape[1] / 2 - 20, "the block is on the right side of the body"
    assert found[0] < shot.shape[0] / 2 - 20, "the block is in the upper half of the body"


def _blob(shot: np.ndarray, letter: str) -> np.ndarray:
    level = round(255 * BLOBS[letter][0])
    grey = np.ptp(shot, axis=-1) < 4
    at = np.argwhere(grey & (np.abs(shot[..., 0] - level) < 6))
    assert len(at) > 400, letter
    return np.median(at, axis=0)


def _marker(viewer, qapp, letter: str) -> np.ndarray:
    """Where the letter is on the screen: the pixels that go when it is hidden."""
    overlays = viewer.canvas.overlays
    (name,) = [n for n in overlays if n.startswith("la_") and overlays[n].text == letter]
    before = pixels(viewer, qapp)
    overlays[name].visible = False
    gone = np.abs(pixels(viewer, qapp) - before).sum(axis=-1) > 60
    overlays[name].visible = True
    assert gone.sum() > 20
    return np.argwhere(gone).mean(axis=0)


def test_an_oblique_block_is_within_a_voxel_and_a_half(viewer, qapp, tmp_path):
    affine, shape = affine_of("LPS")
    affine = turned(affine, 8)
    grey, block = phantom(affine, shape)
    canvas, _ = shown(viewer, write(tmp_path / "phantom.nii.gz", grey, affine))
    ras = np.argwhere(block).mean(axis=0) @ affine[:3, :3].T + affine[:3, 3]
    centre = -ras[::-1]
    for view in VIEWS:
        look(viewer, view, centre)
        shot = pixels(viewer, qapp)
        found = np.argwhere(coloured(shot))
        assert len(found) > 500
        off = found.mean(axis=0) - on_screen(viewer, centre, shot.shape[:2])
        spacing = np.array([SIZES["SAR"[axis]][1] for axis in viewer.dims.displayed])
        assert np.all(np.abs(off) < 1.5 * spacing * viewer.scene.camera.zoom)
    canvas.close()


def test_in_3d_axes_take_the_place_of_the_letters(viewer, qapp, tmp_path):
    affine, shape = affine_of("RAS")
    canvas, _ = shown(viewer, write(tmp_path / "p.nii", phantom(affine, shape)[0], affine))
    overlays = viewer.canvas.overlays
    letters = [name for name in overlays if name.startswith("la_")]
    assert len(letters) == 4
    assert all(overlays[name].visible for name in letters)
    assert not overlays.axes.visible
    viewer.dims.ndisplay = 3
    assert not any(overlays[name].visible for name in letters)
    assert overlays.axes.visible
    viewer.dims.ndisplay = 2
    viewer.scene.camera.orientation2d = ("up", "left")
    at = {str(overlays[name].position): overlays[name].text for name in letters}
    assert at == {
        "middle_left": "L", "middle_right": "R", "top_center": "P", "bottom_center": "A",
    }  # fmt: skip
    canvas.close()
