"""Colours of everything that is painted by hand, taken from a widget's palette.

Refuses to know the viewer: its theme arrives through the palette alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtGui import QColor, QPalette

from napari_latentattr.core.verdict_words import NOT_FINAL

# Dark, light. Told apart under simulated colour blindness; a shape always stands beside them.
_DRIVES = ("#56B4E9", "#0069A6")
_NEGLIGIBLE = ("#9aa3ad", "#6b6f75")
_UNDECIDED = ("#E69F00", "#9A6200")
_TIE = ("#CC79A7", "#9C3F74")
_NOT_SUPPORTED = ("#F0743A", "#B84300")
_OK = ("#2BC394", "#00734F")
# White words on it keep a contrast above 4.5.
_ACCENT = ("#2f74b5", "#0069A6")


@dataclass(frozen=True, slots=True)
class Colours:
    """Colours of one theme, as ``#rrggbb``.

    Attributes
    ----------
    dark : bool
    background, text, muted, card, line, accent : str
        Of the window, of words, of less important words, of a card, of a thin line, and of what
        is selected.
    drives, negligible, undecided, tie, not_supported, ok : str
        Of the verdicts.
    """

    dark: bool
    background: str
    text: str
    muted: str
    card: str
    line: str
    accent: str
    drives: str
    negligible: str
    undecided: str
    tie: str
    not_supported: str
    ok: str

    @classmethod
    def of(cls, palette: QPalette) -> Colours:
        """Colours that go with the window and its text."""
        window = palette.color(QPalette.ColorRole.Window)
        text = palette.color(QPalette.ColorRole.WindowText)
        dark = window.lightnessF() < 0.5
        pick = 0 if dark else 1
        return cls(
            dark=dark,
            background=window.name(),
            text=text.name(),
            muted=_mixed(window, text, 0.68 if dark else 0.73),
            card=_mixed(window, text, 0.05) if dark else _mixed(window, QColor("white"), 0.45),
            line=_mixed(window, text, 0.17 if dark else 0.15),
            accent=_ACCENT[pick],
            drives=_DRIVES[pick],
            negligible=_NEGLIGIBLE[pick],
            undecided=_UNDECIDED[pick],
            tie=_TIE[pick],
            not_supported=_NOT_SUPPORTED[pick],
            ok=_OK[pick],
        )

    def verdict(self, word: str) -> str:
        """Colour of a verdict.

        Raises
        ------
        ValueError
            When `word` is no verdict.
        """
        fields = {
            "drives": self.drives,
            "negligible": self.negligible,
            "no dependence found": self.negligible,
            "undecided": self.undecided,
            "tie": self.tie,
            "mixed": self.tie,
            "not supported": self.not_supported,
            "ok": self.ok,
            "supported": self.ok,
            NOT_FINAL: self.muted,
        }
        if word not in fields:
            raise ValueError(f"a verdict is one of {', '.join(fields)}; got {word!r}")
        return fields[word]


def faded(colour: str, opacity: float) -> QColor:
    """Return the colour with an opacity from 0 to 1."""
    faint = QColor(colour)
    faint.setAlphaF(opacity)
    return faint


def _mixed(start: QColor, end: QColor, share: float) -> str:
    pairs = (
        (start.red(), end.red()),
        (start.green(), end.green()),
        (start.blue(), end.blue()),
    )
    return str(QColor(*(round(a + share * (b - a)) for a, b in pairs)).name())
