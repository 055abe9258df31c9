"""A place to look at in a case that is still on its way to the screen."""

from __future__ import annotations

from collections.abc import Sequence

from napari.components import ViewerModel

from napari_latentattr.layers import KEY
from napari_latentattr.widgets.own_layers import case_images, go_to


class Landing:
    """Brings the slices of one viewer there once the images of the case have arrived.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._goal: tuple[str, tuple[float, ...]] | None = None

    def ask(self, case: str, voxel: Sequence[float]) -> None:
        """Go to a voxel of a case; a later wish takes the place of an earlier one."""
        self._goal = (case, tuple(voxel))

    def arrive(self) -> bool:
        """Go there if the case is there, and forget it; whether it was so."""
        if self._goal is None:
            return False
        case, voxel = self._goal
        for layer in case_images(self._viewer).values():
            if layer.metadata[KEY]["key"][3] == case and layer.ndim == len(voxel):
                world = layer.data_to_world(voxel)
                go_to(self._viewer, dict(zip(layer.axis_labels, map(float, world), strict=True)))
                self._goal = None
                return True
        return False

    def forget(self, case: str) -> None:
        """Forget the wish where another case than that is looked at now."""
        if self._goal is not None and self._goal[0] != case:
            self._goal = None
