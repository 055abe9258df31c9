"""Two worker processes give the bits that this process gives, whatever happens to one of them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import distributed
import numpy as np
import pytest
from tests.retrieval.test_find import CHANNELS, model, planted
from tests.streaming.test_encode import with_nan
from tests.toy import linear_model, volumes

from napari_latentattr import (
    Cohort,
    channel_dependence,
    cli,
    cluster_cases,
    find_cases,
    map_statistics,
    maximise,
    open_study,
    pattern_likeness,
    rank_maps,
)
from napari_latentattr.core.broken import left_out_lines
from napari_latentattr.core.errors import InputError
from napari_latentattr.streaming.cache import EncodedCache
from napari_latentattr.streaming.distributed import check_installed, connected
from napari_latentattr.streaming.encode import encode_cases
from napari_latentattr.streaming.streaming import Streaming

# What dask, and not this package, leaves behind when a worker is killed.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def same(a, b) -> None:
    """Arrays of two results, bit for bit."""
    for name in ("ratio", "low", "high", "p", "q", "importance", "shadow"):
        if hasattr(a, name):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.provenance.data_sha256 == b.provenance.data_sha256


def test_dependence_and_its_joint_swaps_are_the_same_bits(client):
    cohort = Cohort.from_arrays(planted(2, n=20)[0], channels=CHANNELS)
    same(
        channel_dependence(model(2), cohort, streaming=Streaming(client=client)),
        channel_dependence(model(2), cohort),
    )
    x = planted(2, n=9)[0]
    x[:, 1] = x[:, 0]
    twins = Cohort.from_arrays(x, channels=CHANNELS)
    here = channel_dependence(model(2), twins)
    there = channel_dependence(model(2), twins, streaming=Streaming(client=client))
    assert here.joint[0].channels == there.joint[0].channels == CHANNELS
    np.testing.assert_array_equal(here.joint[0].ratio, there.joint[0].ratio)


def test_dependence_in_a_region_of_volumes_and_a_2d_model(client, tiny_study):
    study = open_study(tiny_study)
    far = Streaming(client=client)
    same(
        channel_dependence(study.model, study.cohort, region="blob", streaming=far),
        channel_dependence(study.model, study.cohort, region="blob"),
    )
    same(
        channel_dependence(linear_model(), volumes(patients=True), streaming=far),
        channel_dependence(linear_model(), volumes(patients=True)),
    )


def test_retrieval_and_ranking_are_the_same_bits(client, tiny_study, tmp_path):
    study = open_study(tiny_study)
    far = Streaming(client=client, cache=EncodedCache(tmp_path / "cache"))
    here = find_cases(study.model, study.cohort, 1)
    for _ in range(2):  # the second time from what the workers kept
        there = find_cases(study.model, study.cohort, 1, streaming=far)
        for name, listed in here.lists.items():
            assert there.lists[name].cases == listed.cases
            np.testing.assert_array_equal(there.lists[name].scores, listed.scores)
            np.testing.assert_array_equal(there.lists[name].boxes, listed.boxes)
        same(here, there)
        assert there.statistics.values.total == here.statistics.values.total
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 8
    counted = map_statistics(study.model, study.cohort, streaming=far).values
    for name in ("total", "square", "low", "high", "bins", "counts"):
        np.testing.assert_array_equal(getattr(counted, name), getattr(here.statistics.values, name))
    values = [i % 2 for i in range(8)]
    same(
        rank_maps(study.model, study.cohort, values, streaming=far),
        rank_maps(study.model, study.cohort, values),
    )


def test_slices_of_one_person_go_there_too(client):
    slices = volumes(patients=False).by_slice("axial")
    here = find_cases(linear_model(), slices, 1)
    there = find_cases(linear_model(), slices, 1, streaming=Streaming(client=client))
    assert here.cases == there.cases
    np.testing.assert_array_equal(here.scores, there.scores)


def test_the_command_line_reaches_a_cluster_and_says_the_same(client, tiny_study, capsys):
    said = []
    for more in ([], ["--scheduler", client.scheduler.address]):
        assert cli.main(["channels", str(tiny_study), "--json", *more]) == 0
        record = json.loads(capsys.readouterr().out)
        record["provenance"].pop("seconds")
        said.append(record)
    assert said[0] == said[1]


def test_a_broken_case_is_told_from_afar(client):
    with pytest.raises(InputError, match="case-003: channel A has 64 voxels"):
        find_cases(linear_model(), with_nan(2), 0, streaming=Streaming(client=client))
    skip = Streaming(client=client, skip_broken=True)
    found = channel_dependence(linear_model(), with_nan(2), streaming=skip)
    same(
        found,
        channel_dependence(linear_model(), with_nan(2), streaming=Streaming(skip_broken=True)),
    )
    assert left_out_lines(found.provenance.params)[0].count("case-003 (") == 1


def test_nothing_stays_on_the_cluster_and_each_worker_unpacks_once(client, tmp_path):
    counted = Counted(tmp_path)
    for case in encode_cases(counted, people_of(6), streaming=Streaming(client=client)):
        assert case.maps.shape == (4, 4, 4)
    assert len(list(tmp_path.iterdir())) == 2  # one file a worker process
    left = client.run(lambda dask_worker: [n for n in dask_worker.plugins if "latentattr" in n])
    assert not any(left.values())


class Counted:
    """A model that leaves a file named by the process each time it is unpacked."""

    def __init__(self, folder) -> None:
        self.folder, self.inner = folder, linear_model()
        self.spec = self.inner.spec

    def encode(self, x, /):
        return self.inner.encode(x)

    def __setstate__(self, state):
        self.__dict__.update(state)
        (self.folder / f"{os.getpid()}-{time.time_ns()}").write_text("")


def people_of(n: int) -> Cohort:
    x = np.random.default_rng(0).normal(size=(n, 3, 8, 8)).astype(np.float32)
    return Cohort.from_arrays(x, channels=("A", "B", "C"))


def test_groups_of_cases_are_the_same_bits(client):
    rng = np.random.default_rng(3)
    level = rng.normal(size=(24, 3, 1, 1)) + 6 * (np.arange(24) % 2)[:, None, None, None]
    x = (level + rng.normal(size=(24, 3, 8, 8))).astype(np.float32)
    cohort = Cohort.from_arrays(x, channels=["a", "b", "c"])
    here = cluster_cases(linear_model(), cohort, draws=19)
    there = cluster_cases(linear_model(), cohort, draws=19, streaming=Streaming(client=client))
    assert here.count == 2
    for name in ("labels", "medoids", "embedding", "stability", "null"):
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
    assert [d.q for d in here.differences] == [d.q for d in there.differences]


class Deadly:
    """Cases of which one ends the worker that reads it; the first time, and nowhere but there."""

    def __init__(self, cohort: Cohort, at: int, died: Path) -> None:
        self.inner, self.at, self.died, self.home = cohort, at, died, os.getpid()

    def __getattr__(self, name: str):
        if name in ("inner", "__setstate__"):
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int):
        if index == self.at and os.getpid() != self.home:
            with suppress(FileExistsError):
                self.died.open("x").close()
                os.kill(os.getpid(), signal.SIGKILL)
        return self.inner[index]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_worker_that_dies_over_a_case_changes_no_latent_map(client, tmp_path):
    cohort = Deadly(people_of(12), 5, tmp_path / "died")
    far = list(encode_cases(linear_model(), cohort, streaming=Streaming(client=client)))
    assert cohort.died.exists()
    for here, there in zip(encode_cases(linear_model(), cohort.inner), far, strict=True):
        np.testing.assert_array_equal(here.maps, there.maps)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_worker_that_dies_in_the_middle_of_its_swaps_changes_no_ratio(client, tmp_path):
    cohort = Deadly(
        Cohort.from_arrays(planted(2, n=20)[0], channels=CHANNELS), 9, tmp_path / "died"
    )
    there = channel_dependence(model(2), cohort, streaming=Streaming(client=client))
    assert cohort.died.exists()
    same(there, channel_dependence(model(2), cohort.inner))


def test_made_up_pictures_are_the_same_bits_from_a_cluster_and_its_cache(
    client, tiny_study, tmp_path
):
    study = open_study(tiny_study)
    here = maximise(study.model, 1, cohort=study.cohort, seeds=1)
    for cache in (None, EncodedCache(tmp_path / "cache"), EncodedCache(tmp_path / "cache")):
        far = Streaming(client=client, cache=cache)
        there = maximise(study.model, 1, cohort=study.cohort, seeds=1, streaming=far)
        np.testing.assert_array_equal(here.pictures, there.pictures)
        np.testing.assert_equal(here.numbers, there.numbers)
        assert here.top_cases == there.top_cases
        assert here.provenance.data_sha256 == there.provenance.data_sha256


def test_likeness_is_the_same_bits_also_for_the_surrogates_of_one_case(client):
    x, far = planted(2, n=21)[0], Streaming(client=client)
    for cases in (x, x[:1]):
        cohort = Cohort.from_arrays(cases, channels=CHANNELS)
        here = pattern_likeness(model(2), cohort)
        there = pattern_likeness(model(2), cohort, streaming=far)
        for name in ("rho", "mismatched", "share", "verdict"):
            np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
        same(here, there)


def test_a_cluster_that_is_not_there_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr("napari_latentattr.streaming.distributed._WAIT", "1s")
    with (
        pytest.raises(InputError, match="no dask scheduler answers at tcp://127.0.0.1:9; start"),
        connected("tcp://127.0.0.1:9"),
    ):
        pass
    with connected(None) as nobody:
        assert nobody is None


def test_without_the_extra_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'napari-latentattr\[distributed\]'"):
        check_installed()
    far = Streaming(client=object())
    with pytest.raises(InputError, match="needs the extra `distributed`"):
        list(partial(encode_cases, linear_model(), people_of(3), streaming=far)())
