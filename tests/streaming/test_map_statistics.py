"""Values of maps over a cohort, against all of them in one array."""

from __future__ import annotations

import csv
import json

import numpy as np
from tests.streaming.test_encode import SERIAL, SKIP, with_nan, without
from tests.toy import CHANNELS, encoded, linear_model, people, planes, volumes

from napari_latentattr import Cohort, cli, find_cases, map_statistics, open_study
from napari_latentattr.core.map_statistics import MapStatistics
from napari_latentattr.core.value_counts import ValueCounts
from napari_latentattr.streaming.encode import encode_cases


def equal(a: MapStatistics, b: MapStatistics) -> None:
    assert (a.n, a.n_cases, a.values.total, a.values.square) == (
        *(b.n, b.n_cases, b.values.total, b.values.square),
    )
    np.testing.assert_array_equal(a.values.bins, b.values.bins)
    np.testing.assert_array_equal(a.values.counts, b.values.counts)
    assert a.provenance.data_sha256 == b.provenance.data_sha256


def test_they_are_those_of_all_latents_in_the_bodies_at_once():
    model, cohort = linear_model(), people()
    found = map_statistics(model, cohort)
    values = np.concatenate(
        [case.maps[:, case.inside] for case in encode_cases(model, cohort)], axis=1
    ).astype(np.float64)
    assert (found.n, found.n_cases) == (values.shape[1], 6)
    assert found.n == 6 * 3 * 3
    np.testing.assert_allclose(found.mean, values.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.sd, values.std(axis=1), rtol=1e-12)
    middle = np.quantile(values, 0.5, axis=1, method="inverted_cdf")
    np.testing.assert_allclose(found.quantile(0.5), middle, rtol=0.004)
    closed = encoded(np.stack([case.data for case in cohort]))[:, :, :3, 1:]
    np.testing.assert_allclose(found.mean, closed.mean(axis=(0, 2, 3)), rtol=1e-5)
    low, high, counts = found.histogram(2)
    assert counts.sum() == found.n
    for a, b, count in zip(low, high, counts, strict=True):
        assert count == ((values[2] >= a) & (values[2] <= b)).sum()


def test_more_cases_than_are_put_together_at_once_are_all_counted():
    x = planes(40)
    found = map_statistics(linear_model(), Cohort.from_arrays(x, channels=CHANNELS))
    maps = linear_model().encode(x).swapaxes(0, 1).reshape(4, -1)
    assert found.n == maps.shape[1]
    whole = ValueCounts.of(maps)
    assert (found.values.total, found.values.square) == (whole.total, whole.square)
    np.testing.assert_array_equal(found.values.counts, whole.counts)


def test_slices_of_volumes_are_counted_as_cases():
    cohort = volumes(patients=True).by_slice("axial")
    found = map_statistics(linear_model(), cohort)
    inside = [int(case.inside.sum()) for case in encode_cases(linear_model(), cohort)]
    assert (found.n, found.n_cases) == (sum(inside), len(cohort))
    equal(found, map_statistics(linear_model(), cohort, streaming=SERIAL))


def test_cases_that_cannot_be_used_are_left_out_and_named():
    found = map_statistics(linear_model(), with_nan(0, 5), streaming=SKIP)
    equal(found, map_statistics(linear_model(), without(0, 5)[0]))
    assert found.provenance.params["left_out"].startswith("case-001 (")


def test_retrieval_counts_the_same_in_its_own_walk_and_its_files_hold_it(
    tiny_study, tmp_path, capsys
):
    study = open_study(tiny_study)
    found = map_statistics(study.model, study.cohort)
    equal(found, find_cases(study.model, study.cohort, 1, top=2).statistics)
    argv = ["cases", str(tiny_study), "--map", "1", "--top", "2", "--out", str(tmp_path)]
    assert cli.main(argv) == 0
    assert found.sentence(1) in capsys.readouterr().out
    record = json.loads((tmp_path / "map_statistics.json").read_text())
    assert (record["kind"], record["n"], record["n_cases"]) == ("map statistics", found.n, 8)
    for k, row in enumerate(record["maps"]):
        assert (row["index"], row["mean"], row["sd"]) == (k, found.mean[k], found.sd[k])
        assert row["p1"] <= row["p50"] <= row["p99"] <= row["max"]
        assert sum(row["histogram"]["count"]) == found.n
    rows = list(csv.DictReader((tmp_path / "map_statistics.csv").read_text().splitlines()))
    assert [row["map"] for row in rows] == [str(ref) for ref in found.maps]
    np.testing.assert_allclose([float(row["p50"]) for row in rows], found.quantile(0.5), rtol=1e-5)
