"""A body whose six sides differ, written in many voxel orders: where is it on the screen?

What is expected is worked out from the affine of the file alone, in mm, and compared with pixels;
the letters are read off the pixels too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from napari.components.overlays import TextOverlay
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter

from napari_latentattr import read_stack
from napari_latentattr.core.results import Picture
from napari_latentattr.core.types import MapRef, Provenance
from napari_latentattr.widgets.canvas import Canvas

from .sessions import add, make_session_of, settle

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
MIDDLE = (2.5, -2.0, 3.0)  # of every file in RAS mm: not the middle of the body
VIEWS = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}


def affine_of(code: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Affine to RAS mm of a file whose voxel axes run towards `code`."""
    affine, shape = np.eye(4), []
    affine[:3, :3] = 0
    for axis, letter in enumerate(code):
        positive = letter if letter in "RAS" else OPPOSITE[letter]
        n, mm = SIZES[positive]
        affine["RAS".index(positive), axis] = mm if letter == positive else -mm
        shape.append(n)
    affine[:3, 3] = MIDDLE - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
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


FILES = {  # directions of the voxel axes, ending, degrees of turn about two axes
    "LPS": ("LPS", ".nii.gz", 0),
    "LPS by another program": ("LPS", ".nrrd", 0),
    "RAS": ("RAS", ".nii.gz", 0),
    "sagittal": ("PSL", ".nii", 0),
    "sagittal, cyclic": ("ASR", ".nii", 0),
    "coronal": ("LSA", ".nrrd", 0),
    "left-handed": ("LAS", ".nii.gz", 0),
    "oblique": ("LPS", ".nii.gz", 8),
    "oblique, left-handed": ("LAS", ".nii", 8),
    "oblique, sagittal": ("PSL", ".nrrd", 8),
}


@pytest.fixture
def viewer(shared_viewer):
    return shared_viewer


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
    settle(canvas)
    image = viewer.layers["grey"]
    image.contrast_limits, image.interpolation2d = (0, 1), "nearest"
    overlay = viewer.layers["LA · map 0 · where in grey"]
    overlay.interpolation2d, overlay.colorbar.visible = "nearest", False
    # Their edges are as grey as the block; they come back where the window gets another size.
    viewer.canvas.overlays.text.opacity = viewer.canvas.overlays.scale_bar.opacity = 0
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
def test_the_picture_covers_the_block_and_the_letters_are_true(viewer, qapp, tmp_path, name):
    code, suffix, degrees = FILES[name]
    affine, shape = affine_of(code)
    affine = turned(affine, degrees)
    grey, block = phantom(affine, shape)
    canvas, _ = shown(viewer, write(tmp_path / f"phantom{suffix}", grey, affine))
    low, high = edges_of(block, affine)
    for view in VIEWS:
        look(viewer, view, (low + high) / 2)
        _check_block(viewer, qapp, low, high, exact=not degrees)
    _check_sides(viewer, qapp)
    for view in VIEWS if name in ("RAS", "oblique") else ["coronal"]:
        _check_3d(viewer, qapp, view, (low + high) / 2, exact=not degrees)
    canvas.close()


def _check_block(viewer, qapp, low: np.ndarray, high: np.ndarray, *, exact: bool) -> None:
    """The picture is on the voxels of the block, and these are where the file says."""
    overlay = viewer.layers["LA · map 0 · where in grey"]
    shot = pixels(viewer, qapp)
    orange = coloured(shot)
    overlay.visible = False
    bare = pixels(viewer, qapp)
    overlay.visible = True
    block = (np.ptp(bare, axis=-1) < 4) & (np.abs(bare[..., 0] - round(255 * BLOCK_GREY)) < 6)
    assert block.sum() > 1000
    np.testing.assert_array_equal(orange, block)
    found = np.argwhere(orange)
    want = on_screen(viewer, np.array([low, high]), shot.shape[:2])
    if exact:
        np.testing.assert_allclose(found.min(axis=0), want[0], atol=1.5)
        np.testing.assert_allclose(found.max(axis=0) + 1, want[1], atol=1.5)
        assert len(found) == pytest.approx(np.prod(want[1] - want[0]), rel=0.03)
    else:  # napari cannot draw the turn, so the place is true to a voxel and a half
        spacing = np.array([SIZES["SAR"[axis]][1] for axis in viewer.dims.displayed])
        off = np.abs(found.mean(axis=0) + 0.5 - want.mean(axis=0))
        assert (off < 1.5 * spacing * viewer.scene.camera.zoom).all()


def _check_sides(viewer, qapp) -> None:
    """What is seen at each side of the screen is what the letter there says."""
    viewer.layers["LA · map 0 · where in grey"].visible = False
    # Left and right, top and bottom
    sides = {"axial": ("RL", "AP"), "coronal": ("RL", "SI"), "sagittal": ("AP", "SI")}
    for view, (across, along) in sides.items():
        look(viewer, view, np.zeros(3))
        shot = pixels(viewer, qapp)
        for axis, (first, second) in ((1, across), (0, along)):
            one, other = (_blob(shot, letter)[axis] for letter in (first, second))
            assert one + 50 < other, (view, first, second)
        assert _letters(shot) == [*across, *along], view
    viewer.layers["LA · map 0 · where in grey"].visible = True


def _check_3d(viewer, qapp, view: str, block_ipl: np.ndarray, *, exact: bool) -> None:
    """From any slice into 3D: first from the front, then from the right hand."""
    viewer.dims.order = VIEWS[view]
    viewer.dims.ndisplay = 3
    camera = viewer.scene.camera
    spacing = 0 if exact else 1.5 * max(mm for _, mm in SIZES.values())
    # Seen from a mirrored frame one of the two would be the wrong way round.
    for direction, axes, signs in (((0, 1, 0), [0, 2], (1, 1)), ((0, 0, 1), [0, 1], (1, -1))):
        camera.set_view_direction(direction, (-1, 0, 0))
        shot = pixels(viewer, qapp)
        found = np.argwhere(coloured(shot)).mean(axis=0)
        offset = (block_ipl - np.array(camera.center))[axes] * signs * camera.zoom
        want = np.array(shot.shape[:2]) / 2 + offset
        np.testing.assert_allclose(found, want, atol=4 + spacing * camera.zoom)
        # The block is right, in front and above; the middle of the body is at 0 mm.
        body = np.array(shot.shape[:2]) / 2 - np.array(camera.center)[axes] * signs * camera.zoom
        assert found[0] < body[0] - 20
        assert (found[1] < body[1] - 20) == (direction == (0, 1, 0))
        assert abs(found[1] - body[1]) > 20
    camera.set_view_direction((0, 1, 0), (-1, 0, 0))
    viewer.dims.ndisplay = 2


def _blob(shot: np.ndarray, letter: str) -> np.ndarray:
    level = round(255 * BLOBS[letter][0])
    grey = np.ptp(shot, axis=-1) < 4
    at = np.argwhere(grey & (np.abs(shot[..., 0] - level) < 6))
    assert len(at) > 400, letter
    return np.median(at, axis=0)


def _letters(shot: np.ndarray) -> list[str]:
    """Letters at the left, right, top and bottom, read off the pixels."""
    red, green, blue = np.moveaxis(shot, -1, 0)
    amber = (red - blue > 70) & (green > 0.7 * red)
    height, width = amber.shape
    side, end = width // 8, height // 8
    middle = slice(width // 4, -width // 4)
    edges = (amber[:, :side], amber[:, -side:], amber[:end, middle], amber[-end:, middle])
    return [_read(edge) for edge in edges]


def _read(ink: np.ndarray) -> str:
    """The letter that looks most like the ink."""
    seen = _square(ink)
    alike = {letter: np.mean(seen == _square(_printed(letter))) for letter in OPPOSITE}
    return max(alike, key=alike.get)


def _printed(letter: str) -> np.ndarray:
    """A letter as Qt prints it."""
    image = QImage(120, 120, QImage.Format.Format_Grayscale8)
    image.fill(0)
    painter = QPainter(image)
    painter.setPen(QColor("white"))
    painter.setFont(QFont("DejaVu Sans", 60))
    painter.drawText(image.rect(), Qt.AlignmentFlag.AlignCenter, letter)
    painter.end()
    lines = image.constBits()
    lines.setsize(image.sizeInBytes()) if hasattr(lines, "setsize") else None
    return np.frombuffer(lines, np.uint8).reshape(120, image.bytesPerLine())[:, :120] > 128


def _square(ink: np.ndarray, side: int = 24) -> np.ndarray:
    """Ink in a square of its own height, from side to side in the middle."""
    rows, columns = np.argwhere(ink).T
    assert len(rows) > 20, "no letter"
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    size = max(ink.shape)
    above, before = (np.array((size, size)) - ink.shape) // 2
    square = np.zeros((size, size), bool)
    square[above : above + ink.shape[0], before : before + ink.shape[1]] = ink
    at = (np.arange(side) + 0.5) * size // side
    return square[np.ix_(at.astype(int), at.astype(int))]


@pytest.mark.parametrize("letter", OPPOSITE)
def test_a_letter_is_read_as_itself(viewer, qapp, letter):
    made = TextOverlay(text=letter, color="#ffd166", font_size=15, box=False, visible=True)
    made.position = "middle_left"
    viewer.add_image(np.zeros((20, 20)), contrast_limits=(0, 1))
    viewer.canvas.overlays["probe"] = made
    shot = pixels(viewer, qapp)
    assert _read((shot[..., 0] - shot[..., 2] > 70)[:, : shot.shape[1] // 8]) == letter


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
    assert not overlays.axes.box  # it would hide what is behind
    viewer.dims.ndisplay = 2
    viewer.scene.camera.orientation2d = ("up", "left")
    at = {str(overlays[name].position): overlays[name].text for name in letters}
    assert at == {
        "middle_left": "L", "middle_right": "R", "top_center": "P", "bottom_center": "A",
    }  # fmt: skip
    canvas.close()
