from __future__ import annotations

import os

import pytest

from napari_latentattr.commands.results import staged
from napari_latentattr.core.errors import InputError


def test_files_appear_together_when_the_work_is_done(tmp_path):
    out = tmp_path / "new" / "results"
    with staged(out) as folder:
        (folder / "a.json").write_text("1")
        (folder / "sub").mkdir()
        (folder / "sub" / "b.json").write_text("2")
        assert not out.exists()
    assert (out / "a.json").read_text() == "1"
    assert (out / "sub" / "b.json").read_text() == "2"
    assert os.listdir(tmp_path) == ["new"]


def test_other_files_in_the_folder_stay(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / "a.json").write_text("old")
    with staged(tmp_path) as folder:
        (folder / "a.json").write_text("new")
    assert (tmp_path / "a.json").read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["a.json", "mine.txt"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, InputError, ValueError])
def test_nothing_is_left_when_the_work_fails(tmp_path, stop):
    def work() -> None:
        with staged(tmp_path / "out" / "deep") as folder:
            (folder / "a.json").write_text("half")
            raise stop

    with pytest.raises(stop):
        work()
    assert os.listdir(tmp_path) == []


def test_a_file_cannot_be_the_folder(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="is a file; name a folder"), staged(tmp_path / "out"):
        pass


def test_without_a_folder_everything_is_thrown_away():
    with staged(None) as folder:
        (folder / "a.json").write_text("1")
    assert not folder.exists()
