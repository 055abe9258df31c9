"""Peek: while a key is held, what lies over the images is away. Refuses to know what that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from napari.components import ViewerModel

PEEK = "."


def bind_peek(
    viewer: ViewerModel, hide: Callable[[], None], show: Callable[[], None]
) -> Callable[[], None]:
    """Call `hide` when the key goes down and `show` when it comes up.

    Returns
    -------
    callable
        Takes the key back and gives it to whom it belonged.
    """

    def peek(_: ViewerModel) -> Iterator[None]:
        """Hide what lies over the images while the key is held."""
        hide()
        yield
        show()

    before = viewer.bind_key(PEEK, peek, overwrite=True)

    def unbind() -> None:
        viewer.bind_key(PEEK, before, overwrite=True)

    return unbind
