import json
import os

import numpy as np
import pytest

from napari_latentattr.core.errors import InputError
from napari_latentattr.io.atomic import replacing, write_bytes, write_json, write_text


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")

    def fail():
        with replacing(path) as beside:
            beside.write_text("half of the n")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.txt"]


def test_new_file_replaces_the_old_one(tmp_path):
    write_bytes(tmp_path / "a", b"old")
    write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


def test_content_is_on_disk_before_the_name_changes(tmp_path, monkeypatch):
    done = []
    real_fsync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda h: (done.append("fsync"), real_fsync(h)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("rename"), real_replace(a, b)))
    write_text(tmp_path / "a", "text")
    assert done[:2] == ["fsync", "rename"]
    assert done[2:] == (["fsync"] if os.name == "posix" else [])


def test_missing_folder_is_told_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_text(tmp_path / "nowhere" / "a", "text")


def test_text_is_utf8_with_its_own_line_ends(tmp_path):
    write_text(tmp_path / "a", "µm\n")
    assert (tmp_path / "a").read_bytes() == b"\xc2\xb5m\n"


def test_json_speaks_numpy_and_writes_null_for_what_is_not_finite(tmp_path):
    record = {
        "z": np.float32(0.5),
        "a": np.array([1.0, np.nan, np.inf]),
        "t": (np.int64(3), True, None),
    }
    write_json(tmp_path / "a.json", record)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == {"z": 0.5, "a": [1.0, None, None], "t": [3, True, None]}
    assert text.endswith("}\n")
    assert text.index('"z"') < text.index('"a"')


def test_json_refuses_what_it_cannot_write(tmp_path):
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(tmp_path / "a.json", {"a": object()})
