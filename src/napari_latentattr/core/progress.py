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
