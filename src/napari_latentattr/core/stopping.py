"""How somebody outside stops long work between its reports; knows neither threads nor windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CHECK: ContextVar[Callable[[], None] | None] = ContextVar("check", default=None)


@contextmanager
def stoppable(check: Callable[[], None]) -> Iterator[None]:
    """Let all work inside ask now and then, between two layers of a network, whether to go on.

    Parameters
    ----------
    check : callable
        Raises `Cancelled` once the work is to stop. It is called very often, so it must be quick.
    """
    before = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(before)


def can_stop() -> bool:
    """Whether anybody may stop the work that asks this."""
    return _CHECK.get() is not None


def stop_if_asked() -> None:
    """Raise what the one outside raises, where the work is to stop."""
    asking()()


def asking() -> Callable[[], None]:
    """Return what `stop_if_asked` does here, for a thread that does part of this work."""
    return _CHECK.get() or _go_on


def _go_on() -> None:
    pass
