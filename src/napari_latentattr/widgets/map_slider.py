"""The slider of the latent maps: it goes with the selected map, and the map with it.

Refuses to know what is shown of a map.
"""

from __future__ import annotations

from collections.abc import Iterator

from napari.components import ViewerModel

from napari_latentattr.session import Session
from napari_latentattr.widgets.own_changes import OwnChanges
from napari_latentattr.widgets.own_layers import map_axis
from napari_latentattr.widgets.turns import Turns


class MapSlider:
    """The slider of one viewer, there while the latent maps are.

    Parameters
    ----------
    viewer : ViewerModel
    session : Session
    changing : OwnChanges
        Tells whether it is moved by the user.
    """

    def __init__(self, viewer: ViewerModel, session: Session, changing: OwnChanges) -> None:
        self._viewer, self._session, self._changing = viewer, session, changing
        self._is_model = not hasattr(viewer, "window")
        self._turns = Turns()

    @property
    def busy(self) -> bool:
        """Whether it was moved, and its map is not selected yet."""
        return self._turns.busy

    def follow(self) -> None:
        """Move it to the selected map."""
        axis = map_axis(self._viewer)
        if axis is not None:
            with self._changing(keep_place=False):
                self._viewer.dims.set_current_step(axis, self._session.selection.map)

    def lead(self) -> None:
        """Select the map that the user moved it to."""
        if map_axis(self._viewer) is not None and not self._changing.going:
            # A traversal goes with its map; sliders must not go while they are moved.
            at_once = self._is_model or self._session.results.traversal is None
            self._turns.start(self._take_map(), at_once=at_once)

    def stop(self) -> None:
        """Forget where it was moved to."""
        self._turns.stop()

    def _take_map(self) -> Iterator[None]:
        axis = map_axis(self._viewer)
        step = None if axis is None else int(self._viewer.dims.current_step[axis])
        if step not in (None, self._session.selection.map):  # slices move, too
            self._session.select(map=step)
        yield
