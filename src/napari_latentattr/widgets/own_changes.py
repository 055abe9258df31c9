"""Changes of one viewer that are the plugin's and not the user's doing.

Refuses to know what is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from napari.components import ViewerModel

from napari_latentattr.widgets.own_layers import same_place

_END = object()


class OwnChanges:
    """Whether the plugin is changing the viewer just now.

    Parameters
    ----------
    viewer : ViewerModel

    Attributes
    ----------
    going : bool
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self.going = False

    @contextmanager
    def __call__(self, *, keep_place: bool = True) -> Iterator[None]:
        """Change layers, by default without moving the slices."""
        before, self.going = self.going, True
        try:
            with same_place(self._viewer) if keep_place else nullcontext():
                yield
        finally:
            self.going = before

    def each(self, steps: Iterator[None]) -> Iterator[None]:
        """Take steps that change layers; what the user does between them is the user's doing."""
        goes_on = True
        while goes_on:
            with self():
                goes_on = next(steps, _END) is not _END
            yield
