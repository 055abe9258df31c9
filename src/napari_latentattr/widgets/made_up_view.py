"""The made-up picture of the map that is looked at: one grey layer, or none.

Refuses to know the session.
"""

from __future__ import annotations

from collections.abc import Iterator

from napari.components import ViewerModel

from napari_latentattr.core.colours import grey_limits
from napari_latentattr.core.maximisation import MADE_UP, Maximisation
from napari_latentattr.core.skip_words import skip_suffix
from napari_latentattr.layers import KEY, Layer, made_how, placement
from napari_latentattr.widgets.own_layers import (
    case_images,
    find_layer,
    put_layer,
    remove_layers,
    show_layer,
)

KIND = "made up"
_SLOT = (KIND, None, False)


class MadeUpView:
    """The layer of one viewer; it goes with the map that it is about.

    Parameters
    ----------
    viewer : ViewerModel

    Attributes
    ----------
    wanted : bool
        Whether it is looked at in the place of images and pictures, where there is one.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._now: tuple[Maximisation, int] | None = None
        self._laid: tuple[Maximisation, int] | None = None
        self.wanted = False

    @property
    def on_top(self) -> bool:
        """Whether it is what one looks at."""
        return self.wanted and self._now is not None

    def update(self, found: Maximisation | None, channel: int, *, shown: bool) -> Iterator[None]:
        """Show one image of the first picture, in steps; None takes the layer away.

        Parameters
        ----------
        channel : int
        shown : bool
            Whether what lies over the images is to be seen at all.
        """
        layer = find_layer(self._viewer, _SLOT)
        self._now = None if found is None or found.grid is None else (found, channel)
        if self._now is None or found is None:
            self._laid = None
            if layer is not None:
                remove_layers(self._viewer, [layer])
            return
        if layer is None or self._laid != self._now:
            given = made_up_layer(found, channel)
            given[1]["visible"] = False  # a new one is drawn in a step of its own
            layer, _ = put_layer(self._viewer, given)
            image = case_images(self._viewer).get(found.channels[channel])
            if image is not None:  # so that both can be compared, grey by grey
                layer.contrast_limits = image.contrast_limits
            self._laid = self._now
            yield
        show_layer(layer, shown=self.wanted and shown)
        if layer.visible:
            self._viewer.layers.selection.active = layer


def made_up_layer(found: Maximisation, channel: int) -> Layer:
    """One image of the first made-up picture as a layer, where the cases of the cohort lie.

    Parameters
    ----------
    found : Maximisation
        With a grid.
    channel : int

    Returns
    -------
    (data, keyword arguments, "image")
        The metadata say that it is no patient, and how far to trust it.
    """
    if found.grid is None:
        raise ValueError("a picture without a grid has no place in a viewer")
    which, name = found.map.index, found.channels[channel]
    data = found.pictures[0, channel]
    look = {
        "name": f"LA · map {which} · made up in {name}{skip_suffix(found.provenance.params)}",
        "colormap": "gray",
        "contrast_limits": grey_limits(data),
        "interpolation2d": "linear",
        "rendering": "attenuated_mip",
        "rgb": False,
        **placement(found.grid),
        "metadata": {
            KEY: {
                "key": (KIND, which, name, None),
                "grid": found.grid,
                "target": str(found.map),
                "what": MADE_UP,
                "sentence": found.sentence(),
                "out_of_distribution": found.out_of_distribution,
                **made_how(found.provenance),
            }
        },
    }
    return data, look, "image"
