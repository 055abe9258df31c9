from __future__ import annotations

import numpy as np
from matplotlib.patches import Rectangle

from napari_latentattr.figures.cases import MOST_IMAGES, Tile, cases_figure


def test_each_case_has_its_images_with_the_box_around_its_voxels():
    planes = np.random.default_rng(0).normal(size=(5, 8, 10))
    tiles = [Tile(f"c{i}", planes + i, ((2, 5), (i, i + 4))) for i in range(4)]
    lists = [("most", tiles), ("pairs", []), ("random", tiles[:2])]
    figure = cases_figure(lists, list("abcde"), heading="map", footer="note")
    assert len(figure.axes) == MOST_IMAGES * 6
    box = next(p for p in figure.axes[1].patches if isinstance(p, Rectangle))
    assert box.get_bbox().extents.tolist() == [0.5, 1.5, 4.5, 4.5]
    limits = {axes.images[0].get_clim() for axes in figure.axes}
    assert len(limits) == MOST_IMAGES
    said = [text.get_text() for text in figure.texts]
    assert "pairs" not in said
    assert {"most", "random", "map", "note"} <= set(said)
