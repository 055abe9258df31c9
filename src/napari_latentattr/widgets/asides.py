"""What is looked at in the place of pictures: a traversal.

Refuses to know the layers of pictures.
"""

from __future__ import annotations

from collections.abc import Iterator

from napari.components import ViewerModel

from napari_latentattr.session import Session
from napari_latentattr.widgets.traversal_view import TraversalView


class Asides:
    """They go with what they are about, and one of them is looked at, or none.

    Parameters
    ----------
    viewer : ViewerModel
    session : Session
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._session, self.steps = session, TraversalView(viewer)
        self._known = self._found()

    @property
    def wanted(self) -> bool:
        """Whether one is looked at, and there."""
        return self.steps.wanted and self._session.traversal is not None

    def look(self, view: str) -> None:
        """Look at what belongs to a view; a traversal where nothing else was drawn."""
        self.steps.wanted = view == "drawn" and self._session.picture("drawn") is None

    def hear(self, *, pictures: bool) -> bool:
        """Look at what is new among the results, unless new `pictures` are.

        Returns
        -------
        bool
            Whether there is something else than before.
        """
        before, self._known = self._known, self._found()
        if pictures:
            self.steps.wanted = False
        if self._known is not None and self._known is not before:
            self.steps.wanted = True
        return self._known is not before

    def forget(self) -> None:
        """Begin with another study."""
        self._known = None

    def update(self, channel: int, *, shown: bool) -> Iterator[None]:
        """Show one image of what there is, in steps."""
        yield from self.steps.update(self._session.traversal, channel, shown=shown)

    def _found(self) -> object:
        return self._session.results.traversal
