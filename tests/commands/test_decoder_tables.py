from __future__ import annotations

import numpy as np

from napari_latentattr.commands.decoder_tables import response_lines, traversal_line
from napari_latentattr.core.latent_response import LatentResponse
from napari_latentattr.core.traversal import Traversal
from napari_latentattr.core.types import Grid, MapRef, Provenance

NAN = float("nan")


def response(matrix: list[list[float]]) -> LatentResponse:
    maps = tuple(MapRef("encoder", k) for k in range(len(matrix)))
    return LatentResponse(maps, np.array(matrix), 8, 1, "patients", Provenance("latent_response"))


def test_each_map_is_told_with_the_other_map_that_reads_most_of_it():
    head, rows = response_lines(response([[0.9, 0.1, 0.3], [0.0, 1.0, 0.2], [0.5, 0.4, 0.8]]))
    assert "8 cases, donors 1, units patients" in head
    assert [line.split() for line in rows.splitlines()[1:]] == [
        ["encoder:0", "0.90", "encoder:2", "0.30"],
        ["encoder:1", "1.00", "encoder:2", "0.20"],
        ["encoder:2", "0.80", "encoder:0", "0.50"],
    ]


def test_a_map_that_does_not_vary_has_a_dash_and_reads_nothing():
    _, rows = response_lines(response([[NAN, 0.1], [NAN, 1.0]]))
    assert [line.split() for line in rows.splitlines()[1:]] == [
        ["encoder:0", "-", "encoder:1", "0.10"],
        ["encoder:1", "1.00", "encoder:0", "0.00"],
    ]


def test_a_single_map_has_no_other():
    _, rows = response_lines(response([[0.7]]))
    assert rows.splitlines()[1].split() == ["encoder:0", "0.70", "-", "-"]


def test_a_traversal_is_told_from_where_to_where():
    found = Traversal(
        MapRef("encoder", 3), "c1", ("A",), np.linspace(0.5, 2.5, 5), 1.25, "root mean square",
        np.zeros((5, 1, 2, 2), np.float32), Grid.from_spacing((2, 2), (1.0, 1.0)),
        Provenance("traverse"),
    )  # fmt: skip
    assert traversal_line(found) == (
        "Map encoder:3 of case c1 went from 0.5 to 2.5 (root mean square; 1 % and 99 % of the "
        "cohort) in 5 steps; its own is 1.25."
    )
