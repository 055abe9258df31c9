from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from qtpy.QtGui import QColor, QImage

from napari_latentattr.widgets.thumbnails import map_thumbnail, thumbnail, widest_slice


def rgb(image: QImage, x: int, y: int) -> tuple[int, ...]:
    return image.pixelColor(x, y).getRgb()[:3]


def test_gray_goes_from_the_lower_to_the_upper_limit():
    ramp = np.array([[-1.0, 0.0, 5.0, 10.0, 20.0]])
    image = thumbnail(np.repeat(ramp, 5, axis=0), (0, 10), 5)
    assert [rgb(image, x, 2)[0] for x in range(5)] == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_a_picture_has_the_pixels_of_the_screen(ratio):
    image = thumbnail(np.eye(20), size=30, ratio=ratio)
    assert image.width() == image.height() == round(30 * ratio)
    assert image.devicePixelRatio() == ratio


def test_a_wide_image_is_whole_between_black_bands():
    wide = np.ones((10, 40))
    wide[:, 0] = wide[:, -1] = 0.5
    image = thumbnail(wide, (0, 1), 40)
    assert rgb(image, 20, 2) == rgb(image, 20, 37) == (0, 0, 0)
    assert rgb(image, 20, 20) == (255,) * 3
    assert rgb(image, 0, 20) == rgb(image, 39, 20) == (128,) * 3


def test_inferno_is_that_of_matplotlib_within_nine_levels():
    ramp = np.linspace(0, 1, 256)[None].repeat(256, axis=0)
    image = thumbnail(ramp, (0, 1), 256, "inferno")
    ours = np.array([rgb(image, x, 5) for x in range(256)])
    theirs = 255 * matplotlib.colormaps["inferno"](np.linspace(0, 1, 256))[:, :3]
    assert abs(ours - theirs).max() <= 10


def test_signed_is_blue_below_zero_black_at_zero_and_orange_above():
    values = np.array([[-2.0, 0.0, 1.0]]).repeat(3, axis=0)
    image = thumbnail(values, None, 3, "signed")
    low, zero, high = (QColor(*rgb(image, x, 1)) for x in range(3))
    assert low.blue() == 255
    assert zero.name() == "#000000"
    assert high.red() == pytest.approx(128, abs=2)
    assert high.blue() == 0


def test_an_enlarged_map_keeps_its_blocks_and_an_enlarged_image_is_smooth():
    values = np.indices((4, 4)).sum(axis=0) % 2
    blocks = thumbnail(values, (0, 1), 32, "inferno")
    smooth = thumbnail(values, (0, 1), 32, "gray")
    assert len({rgb(blocks, x, y) for x in range(32) for y in range(32)}) == 2
    assert len({rgb(smooth, x, y) for x in range(32) for y in range(32)}) > 20


def test_values_that_are_not_finite_are_black_and_do_not_spoil_the_limits():
    values = np.linspace(1, 2, 25).reshape(5, 5)
    values[0, 0], values[0, 1] = np.nan, np.inf
    image = thumbnail(values, None, 5, "inferno")
    assert rgb(image, 0, 0) == rgb(image, 1, 0) == (0, 0, 0)
    assert rgb(image, 4, 4)[0] > 240
    assert rgb(thumbnail(np.full((3, 3), np.nan), size=3), 1, 1) == (0, 0, 0)


def test_an_array_that_is_a_view_or_constant_gives_a_picture():
    view = np.arange(48.0).reshape(6, 8)[::-1, ::2]
    assert rgb(thumbnail(view, size=6), 1, 0) > rgb(thumbnail(view, size=6), 1, 5)
    assert rgb(thumbnail(np.zeros((4, 4)), size=4), 2, 2) == (0, 0, 0)


def test_a_volume_shows_its_slice_of_largest_spread():
    volume = np.full((3, 4, 4), 100.0)
    volume[1, :2] = 0
    volume[0] = np.nan
    assert np.array_equal(widest_slice(volume), volume[1])
    image = map_thumbnail(volume, 4)
    assert rgb(image, 2, 0) == (0, 0, 4)
    assert rgb(image, 2, 3) == (252, 255, 164)


def test_arrays_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"2D or 3D, got shape \(2, 2, 2, 2\)"):
        map_thumbnail(np.zeros((2, 2, 2, 2)))
    with pytest.raises(ValueError, match=r"2D image, got shape \(3,\)"):
        thumbnail(np.zeros(3))
