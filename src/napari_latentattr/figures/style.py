"""What all pictures share: verdicts as word, shape and colour, type sizes, and the bytes of a PNG.

Colour never stands alone: each verdict has its own shape, and its word is printed beside it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.transforms import ScaledTranslation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

INK = "#1e1e21"
MUTED = "#5b5f66"
FAINT = "#e4e4e6"
TAU = "#9A6200"
BLUE = "#0069A6"
ORANGE = "#B84300"

SMALL, NORMAL, HEADLINE = 8.0, 9.0, 11.0  # points
_DPI = 160


@dataclass(frozen=True, slots=True)
class Look:
    """Colour of a verdict, and whether its shape is a disc, a ring, a dotted ring or a sign."""

    colour: str
    shape: str


VERDICTS = {
    "drives": Look(BLUE, "disc"),
    "negligible": Look("#6b6f75", "ring"),
    "undecided": Look("#9A6200", "dotted ring"),
    "no dependence found": Look("#6b6f75", "dash"),
    "supported": Look("#00734F", "disc"),
    "not supported": Look(ORANGE, "cross"),
}


def draw_shape(axes: Axes, x: float, y: float, verdict: str, *, transform: Transform) -> None:
    """Draw the shape of a verdict; `transform` says what x and y mean."""
    look = VERDICTS[verdict]
    if look.shape in ("disc", "ring", "dotted ring"):
        axes.scatter(
            [x],
            [y],
            s=46,
            facecolors=look.colour if look.shape == "disc" else "none",
            edgecolors=look.colour,
            linewidths=1.3,
            linestyles=[(0, (1, 0.9))] if look.shape == "dotted ring" else "-",
            transform=transform,
            clip_on=False,
            zorder=4,
        )
    marker, size = {"cross": ("x", 6.3), "dash": ("_", 7.0), "dotted ring": (".", 4.5)}.get(
        look.shape, ("", 0.0)
    )
    axes.plot(
        [x],
        [y],
        marker=marker,
        ms=size,
        mew=1.6 if marker != "." else 0,
        color=look.colour,
        ls="none",
        transform=transform,
        clip_on=False,
        zorder=4,
    )


def beside(axes: Axes, points: float) -> Transform:
    """Place that lies `points` to the right of axes coordinate x, at data coordinate y."""
    shift = ScaledTranslation(points / 72, 0, axes.figure.dpi_scale_trans)
    return axes.get_yaxis_transform() + shift


def bare(axes: Axes) -> None:
    """Take away the frame and the tick marks."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL, colors=INK)


def wrapped(text: str, *, inches: float, points: float, bold: bool = False) -> str:
    """Break `text` into lines that fit `inches` at a type size; line breaks in it are kept."""
    font = FontProperties(size=points, weight="bold" if bold else "normal")
    text = text.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0")
    return "\n".join(_broken(line, inches * 72, font) for line in text.split("\n"))


def _broken(text: str, limit: float, font: FontProperties) -> str:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and _width(longer, font) > limit:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _width(text: str, font: FontProperties) -> float:
    """Width of one line in points."""
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def new_figure(width: float, height: float) -> Figure:
    """White figure of a size in inches, with nothing on it."""
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """Bytes of a figure; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": "napari-latentattr"})
    return buffer.getvalue()
