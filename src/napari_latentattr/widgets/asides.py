"""What is looked at in the place of pictures: a traversal, or what was made up.

Refuses to know the layers of pictures.
"""

from __future__ import annotations

from collections.abc import Iterator

from napari.components import ViewerModel

from napari_latentattr.session import Session
from napari_latentattr.widgets.made_up_view import KIND, MadeUpView
from napari_latentattr.widgets.traversal_view import TraversalView


class Asides:
    """They go with what they are about, and one of them is looked at, or none.

    Parameters
    ----------
    viewer : ViewerModel
    session : Session
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._session = session
        self.steps, self.made_up = TraversalView(viewer), MadeUpView(viewer)
        self._known = (session.results.traversal, dict(session.results.made_up))

    @property
    def wanted(self) -> bool:
        """Whether one is looked at, and there."""
        steps = self.steps.wanted and self._session.traversal is not None
        return steps or (self.made_up.wanted and self._session.made_up is not None)

    @property
    def on_top(self) -> bool:
        """Whether one lies over the images."""
        return self.steps.on_top or self.made_up.on_top

    @property
    def kinds(self) -> list[str]:
        """Kinds of layer that there should be now."""
        found = {"traversal": self._session.traversal, KIND: self._session.made_up}
        return [kind for kind, one in found.items() if one is not None]

    def look(self, view: str) -> None:
        """Look at what belongs to a view; a traversal where nothing else was drawn."""
        self.steps.wanted = view == "drawn" and self._session.picture("drawn") is None
        self.made_up.wanted = view == "excites"

    def hear(self, *, pictures: bool) -> bool:
        """Look at what is new among the results, unless new `pictures` are.

        Returns
        -------
        bool
            Whether there is something else than before.
        """
        results = self._session.results
        steps, made_up = self._known
        self._known = (results.traversal, dict(results.made_up))
        fresh = [one for which, one in results.made_up.items() if made_up.get(which) is not one]
        if pictures:
            self.look("")
        if results.traversal is not None and results.traversal is not steps:
            self.steps.wanted, self.made_up.wanted = True, False
        if fresh:
            self.steps.wanted, self.made_up.wanted = False, True
        return (steps, made_up) != self._known

    def forget(self) -> None:
        """Begin with another study."""
        self._known = (None, {})

    def update(self, channel: int, which: int, *, shown: bool) -> Iterator[None]:
        """Show one image of what there is of a map, in steps."""
        yield from self.steps.update(self._session.traversal, channel, which, shown=shown)
        found = self._session.made_up
        given = None if found is None else found.found
        yield from self.made_up.update(given, channel, shown=shown)
