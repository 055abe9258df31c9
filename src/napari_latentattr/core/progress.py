"""How long work tells the outside where it stands; knows neither terminals nor windows."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives reports from a loop; may raise `Cancelled` to stop it."""

    def report(self, done: int, total: int, text: str) -> None:
        """Take note that `done` of `total` steps are finished.

        Parameters
        ----------
        done, total : int
            Finished steps and all steps; ``0 <= done <= total``.
        text : str
            What is being done, in a few words.

        Raises
        ------
        Cancelled
            When the user asked to stop.
        """
        ...


class Silent:
    """Progress that nobody watches."""

    def report(self, done: int, total: int, text: str) -> None:
        """Do nothing."""


SILENT = Silent()


class Part:
    """Tells what one of several equal parts of work reports, as progress of the whole.

    Parameters
    ----------
    whole : Progress
    index, parts : int
        Which part this is, counted from 0, and of how many.
    text : str
        What is being done; the words of the part itself when empty.
    """

    def __init__(self, whole: Progress, index: int, parts: int, text: str = "") -> None:
        self._whole, self._index, self._parts, self._text = whole, index, parts, text

    def report(self, done: int, total: int, text: str) -> None:
        """Pass on how far the whole is."""
        self._whole.report(self._index * total + done, self._parts * total, self._text or text)
