from __future__ import annotations

import os
import stat
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from napari_latentattr import LatentModel, find_cases, open_study, rank_maps
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Grid
from napari_latentattr.streaming.cache import EncodedCache, Kept
from napari_latentattr.streaming.encode import encode_cases
from napari_latentattr.streaming.streaming import Streaming


def kept(n: int = 4, seed: int = 0) -> Kept:
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(3, n, n)).astype(np.float32)
    affine = np.diag([-2.0, -1.5, 1.0])
    inside, means = rng.random((n, n)) < 0.5, rng.random(2)
    return Kept(Grid((9, 9), affine, known=False), maps, inside, means, b"\x00\x01" * 16)


@pytest.fixture
def study(write_study, tmp_path):
    return open_study(write_study(tmp_path / "study"))


def reads(study, streaming, monkeypatch) -> tuple[list[int], list[np.ndarray]]:
    """Cases whose images are read in a walk, and the maps."""
    source, read = study.cohort._source, []
    plain = type(source).read
    monkeypatch.setattr(type(source), "read", lambda self, i: (read.append(i), plain(self, i))[1])
    cohort = type(study.cohort)(source)
    maps = [case.maps for case in encode_cases(study.model, cohort, streaming=streaming)]
    monkeypatch.undo()
    return read, maps


def test_a_kept_case_comes_back_as_it_was_in_a_private_file(tmp_path):
    cache = EncodedCache(tmp_path / "cache")
    assert cache.get("a") is None
    cache.put("a", kept())
    back = EncodedCache(tmp_path / "cache").get("a")
    np.testing.assert_array_equal(back.maps, kept().maps)
    np.testing.assert_array_equal(back.inside, kept().inside)
    np.testing.assert_array_equal(back.image_means, kept().image_means)
    np.testing.assert_array_equal(back.grid.affine, kept().grid.affine)
    assert (back.sha256, back.grid.shape, back.grid.known) == (kept().sha256, (9, 9), False)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
        assert stat.S_IMODE(next((tmp_path / "cache").iterdir()).stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "text"])
def test_a_damaged_file_is_no_case_and_goes(tmp_path, damage):
    cache = EncodedCache(tmp_path)
    cache.put("a", kept())
    path = tmp_path / "a.npz"
    content = bytearray(path.read_bytes())
    content[content.index(kept().maps.tobytes()) + 3] ^= 1
    path.write_bytes(
        {"cut": content[:-40], "bit": content, "empty": b"", "text": b"no file of numbers"}[damage]
    )
    assert cache.get("a") is None
    assert not path.exists()


def test_the_oldest_cases_go_first_when_space_ends(tmp_path):
    cache = EncodedCache(tmp_path)
    cache.put("a", kept())
    size = (tmp_path / "a.npz").stat().st_size
    cache = EncodedCache(tmp_path, limit=3 * size + 10)
    for i, key in enumerate("bcde"):
        cache.put(key, kept(seed=i))
        os.utime(tmp_path / f"{key}.npz", ns=(i, i))
    os.utime(tmp_path / "e.npz")
    cache.put("f", kept())
    left = sorted(path.stem for path in tmp_path.glob("*.npz"))
    assert len(left) == 3
    assert {"e", "f"} < set(left)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= cache.limit


def test_a_case_larger_than_all_space_is_not_kept(tmp_path):
    cache = EncodedCache(tmp_path, limit=100)
    cache.put("a", kept())
    assert not list(tmp_path.iterdir())


def test_a_rest_of_a_broken_write_counts_and_goes(tmp_path):
    (tmp_path / ".abc-a.npz").write_bytes(b"0" * 5000)
    os.utime(tmp_path / ".abc-a.npz", ns=(1, 1))
    cache = EncodedCache(tmp_path, limit=5000)
    cache.put("b", kept())
    assert [path.name for path in tmp_path.iterdir()] == ["b.npz"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot keep cases there"):
        EncodedCache(tmp_path / "file" / "cache")


def test_kept_cases_are_not_read_again_and_give_the_same_maps(study, tmp_path, monkeypatch):
    streaming = Streaming(cache=EncodedCache(tmp_path / "cache"))
    first, maps = reads(study, streaming, monkeypatch)
    second, again = reads(study, streaming, monkeypatch)
    assert first == list(range(8))
    assert second == []
    np.testing.assert_array_equal(maps, again)


def test_a_changed_file_or_another_preprocessing_is_not_taken_from_the_cache(
    study, tmp_path, monkeypatch
):
    streaming = Streaming(cache=EncodedCache(tmp_path / "cache"))
    reads(study, streaming, monkeypatch)
    path = tmp_path / "study" / "3_bright.nii.gz"
    os.utime(path, ns=(5, 5))
    assert reads(study, streaming, monkeypatch)[0] == [3]
    text = (tmp_path / "study" / "study.yaml").read_text()
    (tmp_path / "study" / "study.yaml").write_text(text.replace("scaling: none", "scaling: zscore"))
    scaled = open_study(tmp_path / "study" / "study.yaml")
    assert reads(scaled, streaming, monkeypatch)[0] == list(range(8))


class Gain(nn.Module):
    """Multiplies by a number that is no weight."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


def test_models_of_the_same_weights_that_answer_otherwise_share_no_cases(study, tmp_path):
    def model(factor: float) -> LatentModel:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            halves = nn.Conv3d(2, 3, 4, stride=4), nn.ConvTranspose3d(3, 2, 4, stride=4)
        encoder = nn.Sequential(halves[0], Gain(factor))
        module = nn.Sequential(OrderedDict(encoder=encoder, decoder=halves[1]))
        return LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=3)

    streaming = Streaming(cache=EncodedCache(tmp_path / "cache"))
    one, two = model(1.0), model(2.0)
    assert one.spec == two.spec
    for first, second in zip(
        encode_cases(one, study.cohort, streaming=streaming),
        encode_cases(two, study.cohort, streaming=streaming),
        strict=True,
    ):
        np.testing.assert_allclose(2 * first.maps, second.maps, rtol=1e-6)


def test_retrieval_and_ranking_from_kept_cases_are_the_same(study, tmp_path):
    streaming = Streaming(cache=EncodedCache(tmp_path / "cache"))
    plain = find_cases(study.model, study.cohort, 1)
    for _ in range(2):
        found = find_cases(study.model, study.cohort, 1, streaming=streaming)
        for name, listed in plain.lists.items():
            assert found.lists[name].cases == listed.cases
            np.testing.assert_array_equal(found.lists[name].boxes, listed.boxes)
            np.testing.assert_array_equal(found.lists[name].centres, listed.centres)
        assert found.provenance.data_sha256 == plain.provenance.data_sha256
    ranked = rank_maps(study.model, study.cohort, "blob", streaming=streaming)
    np.testing.assert_array_equal(
        ranked.importance, rank_maps(study.model, study.cohort, "blob").importance
    )
