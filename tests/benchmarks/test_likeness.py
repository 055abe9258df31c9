from __future__ import annotations

import json

import numpy as np
from scipy import stats

from napari_latentattr.benchmarks.likeness import draw_images, likeness_rates, shy_model


def test_a_hidden_image_is_called_at_the_rate_that_is_promised_and_a_shown_one_always() -> None:
    found = likeness_rates(cohorts=60, n_cases=20, size=24, draws=99)
    # 60 cohorts know the rate to some six per cent: the promise must lie within what they know.
    assert found.hidden.low <= 0.07
    assert found.hidden.high >= 0.03
    assert found.shown.low > 0.9
    assert found.naive.low > 0.6
    assert json.loads(json.dumps(found.record()))["hidden"]["value"] == found.hidden.value


def test_the_hidden_image_answers_alone_and_is_gone_beside_the_shown_one() -> None:
    x = draw_images(3, 24, 32)
    model = shy_model(x)
    mean = x.mean(axis=0)
    alone = model.encode(np.stack([mean[0], x[0, 1]])[None])[0, 0]
    np.testing.assert_allclose(alone, mean[0] + x[0, 1], atol=1e-5)
    whole = model.encode(x[:1])[0, 0]
    assert stats.spearmanr(whole.ravel(), x[0, 0].ravel()).statistic > 0.95
