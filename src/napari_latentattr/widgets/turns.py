"""Does a long task in small steps, so that the window answers in between.

What is slow in the thread of the window, like the first layer of a viewer, cannot be done in
another one. Refuses to know what the steps do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from qtpy.QtCore import QTimer

# After a step, in which the window draws and takes what people do; a timer of 0 ms comes first.
_PAUSE_MS = 5


def take_all(steps: Iterator[None]) -> None:
    """Take all steps now."""
    deque(steps, maxlen=0)


class Turns:
    """Takes one step each time the window has dealt with everything else.

    Attributes
    ----------
    busy : bool
        Whether there are steps left.
    """

    def __init__(self) -> None:
        self._steps: Iterator[None] | None = None
        self._timer = QTimer()
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._step)

    @property
    def busy(self) -> bool:
        """Whether there are steps left."""
        return self._steps is not None

    def start(self, steps: Iterator[None], *, at_once: bool = False) -> None:
        """Take these steps; those that were left of others are dropped.

        Parameters
        ----------
        steps : iterator
            Does one step each time it is asked for the next.
        at_once : bool
            Take them all now.
        """
        self.stop()
        if at_once:
            take_all(steps)
        else:
            self._steps = steps
            self._timer.start()

    def stop(self) -> None:
        """Drop the steps that are left."""
        self._steps = None
        self._timer.stop()

    def _step(self) -> None:
        steps = self._steps
        if steps is None:
            return
        goes_on = False
        try:
            next(steps)
            goes_on = True
        except StopIteration:
            pass
        finally:
            # A step may have started others.
            if not goes_on and self._steps is steps:
                self.stop()
