import numpy as np
import pytest

from napari_latentattr.benchmarks.ranking_worlds import (
    CAUSES,
    DECOYS,
    make_ranking_world,
    ranking_worlds,
)
from napari_latentattr.ranking.effort import Effort

QUICK = Effort(draws=19, trees=10)


def test_decoys_follow_their_causes_with_a_correlation_of_eight_tenths():
    offset = make_ranking_world(0.0, 0, patients=4000).latents.mean(axis=1)
    r = [
        np.corrcoef(offset[:, cause], offset[:, decoy])[0, 1]
        for cause, decoy in zip(range(16)[CAUSES], range(16)[DECOYS], strict=True)
    ]
    noise = 0.6**2 / 16  # of the mean of 16 latents
    assert r == pytest.approx([0.8 / (1 + noise)] * 3, abs=0.03)


def test_no_signal_no_calls():
    record = ranking_worlds(3, 0.0, 1, effort=QUICK)
    for counts in record["forms"].values():
        assert counts["runs_with_calls"] == 0


def test_with_signal_causes_are_found():
    record = ranking_worlds(2, 1.2, 1, effort=QUICK)
    for counts in record["forms"].values():
        assert counts["causes"] == 6
        assert counts["causes_called"] >= 5
        assert counts["decoys_beside_cause"] >= 5
        assert counts["useless_called"] <= 1
