from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text

from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.ranking_words import cluster_letter
from napari_latentattr.core.types import Evidence, Gate, MapRef, Provenance, Ranking
from napari_latentattr.figures.drivers import drivers_figure, headline
from napari_latentattr.figures.overview import Chapter, Slice, overview_figure
from napari_latentattr.figures.ranking import ranking_figure
from napari_latentattr.figures.style import VERDICTS, new_figure, png, wrapped


def dependence(n_maps: int = 2, n_channels: int = 4) -> ChannelDependence:
    ratio = np.geomspace(1.2, 0.005, n_channels) * np.ones((n_maps, 1))
    words = np.array(["drives", "undecided", "negligible", "no dependence found"])
    return ChannelDependence(
        maps=tuple(MapRef("encoder", k) for k in range(n_maps)),
        channels=tuple(f"image {c}" for c in range(n_channels)),
        ratio=ratio,
        low=ratio * 0.7,
        high=ratio * 9,
        p=ratio,
        q=ratio,
        counting=np.full(ratio.shape, 12.0),
        verdict=np.tile(words[np.arange(n_channels) % 4], (n_maps, 1)),
        answer=np.array(["image 0"] * n_maps),
        interaction=ratio.sum(axis=1) - 1,
        same_lead=np.full(n_maps, 2),
        varying=n_maps,
        joint=(),
        likeness=np.eye(n_channels),
        tau=0.03,
        n=12,
        donors=4,
        unit_name="patients",
        n_cases=12,
        region="",
        approximate="",
        family="a family",
        provenance=Provenance("channel_dependence"),
    )


def ranking(*, passed: bool = True, n_maps: int = 4) -> Ranking:
    importance = np.linspace(0.2, -0.01, n_maps)
    verdict = ["supported" if passed and k == 0 else "not supported" for k in range(n_maps)]
    evidence = tuple(
        Evidence(float(v), v - 0.01, v + 0.01, 0.01, 0.02, 12, "null", "family", "supported")
        for v in importance
    )
    return Ranking(
        maps=tuple(MapRef("encoder", k) for k in range(n_maps)),
        importance=importance,
        impurity=importance,
        shadow=importance,
        q=np.full(n_maps, 0.02),
        verdict=np.array(verdict),
        cluster=np.arange(n_maps),
        gate=Gate(0.95, (0.5, 0.6, 0.7), 0.25, passed),
        evidence=evidence,
        outcome="lesion",
        folds="patients",
        provenance=Provenance("rank_maps"),
    )


def overview():
    rng = np.random.default_rng(0)
    picture = Slice(
        "case, image 0",
        rng.random((16, 16), dtype=np.float32),
        np.eye(16, dtype=bool),
        rng.random((16, 16), dtype=np.float32),
        rng.random((4, 16, 16), dtype=np.float32),
    )
    result = dependence()
    named = Chapter("1 named", "h", "text", "model", ranking(), result, result.maps[0], picture)
    refused = Chapter(
        "2 refused", "no", "text", "model", ranking(passed=False), None, None, picture
    )
    return overview_figure([named, refused], heading="heading", footer="footer")


FIGURES = {
    "drivers": lambda: drivers_figure(dependence(), dependence().maps),
    "many images": lambda: drivers_figure(dependence(1, 16), dependence(1, 16).maps),
    "many maps": lambda: drivers_figure(dependence(20), dependence(20).maps),
    "ranking": lambda: ranking_figure(ranking()),
    "refused": lambda: ranking_figure(ranking(passed=False, n_maps=30)),
    "overview": overview,
}


def texts_of(figure):
    figure.canvas.draw()
    return [text for text in figure.findobj(Text) if text.get_text()]


def words_of(figure) -> str:
    return "\n".join(t.get_text() for t in texts_of(figure)).replace("\u00a0", " ")


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_smaller_than_8_points_or_cut_off(name):
    figure = FIGURES[name]()
    width, height = figure.canvas.get_width_height()
    for text in texts_of(figure):
        if not text.get_visible():
            continue
        assert text.get_size() >= 8
        box = text.get_window_extent()
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{text.get_text()!r} leaves the figure: {box}"


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_gives_the_same_bytes(name):
    assert png(FIGURES[name]()) == png(FIGURES[name]())


def test_drivers_chart_prints_answer_sentence_and_a_word_for_every_verdict():
    result = dependence()
    words = words_of(drivers_figure(result, [result.maps[1]]))
    assert headline(result, result.maps[1]) == "encoder:1: image 0"
    assert "encoder:1: image 0" in words
    assert result.sentence(1).replace(" ", "") in words.replace("\n", "").replace(" ", "")
    for verdict in set(result.verdict[1]):
        assert verdict in words
    assert "τ 0.03" in words


def test_bars_on_the_square_root_axis_keep_the_order_of_the_ratios():
    axes = drivers_figure(dependence(1), dependence(1).maps).axes[0]
    widths = [bar.get_width() for bar in axes.patches if bar.get_height() < 1]
    assert widths == sorted(widths, reverse=True)
    at = axes.transData.transform([(0, 0), (0.25, 0), (1, 0)])[:, 0]
    assert (at[1] - at[0]) / (at[2] - at[0]) == pytest.approx(0.5)


def test_a_map_that_does_not_vary_is_drawn_as_words():
    result = dependence(2)
    result.ratio[0] = np.nan
    result.answer[0] = "nothing"
    assert "does not vary between these cases" in words_of(drivers_figure(result, result.maps))


def test_images_beyond_the_twelfth_are_summed_up_in_words():
    result = dependence(1, 16)
    assert "and 6 more: " in words_of(drivers_figure(result, result.maps))


def test_ranking_that_the_gate_refused_says_so():
    words = words_of(ranking_figure(ranking(passed=False)))
    assert "not supported: patient-grouped AUC 0.95" in words
    assert "\nsupported" not in words


def test_every_verdict_has_a_shape_of_its_own_within_its_kind():
    shapes = [VERDICTS[v].shape for v in ("drives", "negligible", "undecided")]
    shapes += [VERDICTS["no dependence found"].shape, VERDICTS["not supported"].shape]
    assert len(set(shapes)) == 5


def test_wrapped_lines_fit_their_width():
    figure = new_figure(3, 2)
    text = figure.text(0, 0.5, wrapped("word " * 60, inches=2.5, points=9), size=9)
    assert text.get_window_extent().width <= 2.5 * figure.dpi * 1.02


def test_wrapping_keeps_a_number_with_its_sign():
    broken = wrapped("interval 95 % and p = 0.025", inches=0.5, points=9)
    assert "95\u00a0%" in broken
    assert "p\u00a0=\u00a00.025" in broken


@pytest.mark.parametrize(("number", "letter"), [(0, "A"), (25, "Z"), (26, "AA"), (52, "BA")])
def test_groups_are_lettered_like_columns_of_a_sheet(number, letter):
    assert cluster_letter(number) == letter
