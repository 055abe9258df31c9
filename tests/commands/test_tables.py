from __future__ import annotations

from napari_latentattr.commands.tables import sheet, table


def test_numbers_go_to_the_right_and_words_to_the_left():
    text = table([["a", "1"], ["long", "100"]], header=["name", "n"])
    assert text == "name    n\na       1\nlong  100"


def test_sheet_aligns_values_over_all_sections():
    text = sheet([("One", [("a", "1")]), ("Two", [("long", "2")])])
    assert text == "One\n  a     1\n\nTwo\n  long  2"
