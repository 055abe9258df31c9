from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.benchmarks.case_groups import find_case_groups


@pytest.fixture(scope="module")
def found():
    return find_case_groups(seeds=3, cases=(100,), maps=(12,), draws=39)


def test_groups_are_found_where_there_are_some_and_not_where_there_are_none(found):
    assert np.mean(found.agreement) >= 0.95
    assert found.none_called >= 0.95


def test_density_alone_finds_groups_in_noise_and_loses_cases_of_real_ones(found):
    assert found.plain_none_called < 0.7
    assert np.mean(found.plain_agreement) < 0.95
