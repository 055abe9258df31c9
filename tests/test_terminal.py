from __future__ import annotations

import io
import warnings

from napari_latentattr.core.errors import VolumeWarning
from napari_latentattr.terminal import Terminal, bar_line, warnings_as_notes


def test_bar_tells_the_time_that_is_left():
    assert bar_line(25, 100, "working", seconds=30.0).endswith("25 of 100  about 1:30 left")


def test_bar_tells_no_time_before_it_can_know():
    assert "left" not in bar_line(1, 100, "working", seconds=0.2)
    assert "left" not in bar_line(100, 100, "working", seconds=30.0)


def test_nothing_is_drawn_when_nobody_watches():
    stream = io.StringIO()
    Terminal(stream, bar=False).report(1, 2, "working")
    assert stream.getvalue() == ""


def test_bar_is_taken_away_when_the_work_is_done():
    stream = io.StringIO()
    terminal = Terminal(stream, bar=True)
    terminal.report(2, 2, "working")
    terminal.clear()
    terminal.clear()
    assert stream.getvalue().count("\r\x1b[K") == 1
    assert "2 of 2" in stream.getvalue()


def test_bar_is_drawn_at_most_ten_times_a_second():
    stream = io.StringIO()
    terminal = Terminal(stream, bar=True)
    for done in range(1000):
        terminal.report(done, 1000, "working")
    assert 1 <= stream.getvalue().count("\r") < 20


def test_a_warning_about_an_image_becomes_one_note_of_one_line():
    stream = io.StringIO()
    with warnings_as_notes(Terminal(stream, bar=False)):
        for _ in range(2):
            warnings.warn("case c1:\n  3 voxels are not finite", VolumeWarning, stacklevel=1)
        warnings.warn("of no interest to a radiologist", DeprecationWarning, stacklevel=1)
    assert stream.getvalue() == "note: case c1: 3 voxels are not finite\n"
