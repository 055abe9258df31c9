from __future__ import annotations

from napari_latentattr.core.progress import Part


class Notes:
    def __init__(self) -> None:
        self.said: list[tuple[int, int, str]] = []

    def report(self, done: int, total: int, text: str) -> None:
        self.said.append((done, total, text))


def test_parts_of_any_length_make_one_way_from_nothing_to_all() -> None:
    notes = Notes()
    for index, steps in enumerate((2, 5, 1)):
        for done in range(steps + 1):
            Part(notes, index, 3).report(done, steps, f"part {index}")
    shares = [done / total for done, total, _ in notes.said]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert notes.said[3] == (5, 15, "part 1")


def test_the_whole_can_have_words_of_its_own() -> None:
    notes = Notes()
    Part(notes, 1, 2, "the whole").report(1, 4, "a part")
    assert notes.said == [(5, 8, "the whole")]
