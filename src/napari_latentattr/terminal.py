"""What a person at a terminal sees while work is done; everything goes to one stream (stderr).

A bar is drawn only when somebody watches. Refuses to know what the work is.
"""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from napari_latentattr.core.errors import VolumeWarning

_REDRAW_SECONDS = 0.1
_FAIR_GUESS_SECONDS = 0.5  # before that, the time that is left would be noise
_BAR = 24


class Terminal:
    """Progress as a bar with the time that is left, and notes in between.

    Parameters
    ----------
    stream : text stream
        Usually stderr.
    bar : bool
        Whether to draw at all; notes are written in any case.
    """

    def __init__(self, stream: TextIO, *, bar: bool) -> None:
        self.doing = ""
        self._stream = stream
        self._bar = bar
        self._began = self._drawn = 0.0
        self._shown = False

    def report(self, done: int, total: int, text: str) -> None:
        """Draw the bar, at most ten times a second and when a stage is complete."""
        now = time.monotonic()
        if text != self.doing:
            self.doing, self._began, self._drawn = text, now, 0.0
        if not self._bar or (done < total and now - self._drawn < _REDRAW_SECONDS):
            return
        self._drawn = now
        width = shutil.get_terminal_size().columns - 1
        line = bar_line(done, total, text, seconds=now - self._began)
        self._write(f"\r{line[:width]}\x1b[K")
        self._shown = True

    def note(self, text: str) -> None:
        """Write one line above the bar."""
        self.clear()
        self._write(f"note: {' '.join(text.split())}\n")

    def clear(self) -> None:
        """Take the bar away."""
        if self._shown:
            self._write("\r\x1b[K")
        self._shown = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def bar_line(done: int, total: int, text: str, *, seconds: float) -> str:
    """Words of the bar: what is done, how much of it, and the time that is left.

    Parameters
    ----------
    seconds : float
        Since this stage began.
    """
    share = done / total if total else 1.0
    full = round(share * _BAR)
    line = f"{text}  [{'#' * full}{'.' * (_BAR - full)}]  {done} of {total}"
    if 0 < share < 1 and seconds >= _FAIR_GUESS_SECONDS:
        left = round(seconds / share - seconds)
        line += f"  about {left // 60}:{left % 60:02d} left"
    return line


@contextmanager
def warnings_as_notes(terminal: Terminal) -> Iterator[None]:
    """Show what should be known about an image as one note each; hide other warnings."""
    seen: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, VolumeWarning) and str(message) not in seen:
            seen.add(str(message))
            terminal.note(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", VolumeWarning)
        warnings.showwarning = show
        yield
