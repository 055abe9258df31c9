"""The step Cohort: empty states, groups, colours, and the one selection, in both directions."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, QRectF, Qt
from qtpy.QtGui import QImage, QPainter
from qtpy.QtWidgets import QApplication
from tests.widgets.sessions import OnlySpec, make_session

from napari_latentattr import cohort_jobs
from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.clusters import Clusters
from napari_latentattr.core.progress import SILENT
from napari_latentattr.core.types import Provenance
from napari_latentattr.session import Opened, Session
from napari_latentattr.widgets.case_colours import LEVELS, by_column, by_group, by_map
from napari_latentattr.widgets.cohort import CohortPage
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.scatter_paint import paint_dots, places

N = 40


def clusters(n: int = N, *, groups: int = 2) -> Clusters:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % groups if groups else np.full(n, -1)
    where = rng.normal(size=(n, 2)) + 8 * np.c_[labels, labels % 2]
    return Clusters(
        cases=tuple(f"case-{i + 1:03d}" for i in range(n)),
        patients=tuple(f"p{i // 2}" for i in range(n)),
        labels=labels.astype(np.int64),
        outlier=np.zeros(n, dtype=bool),
        medoids=np.arange(groups, dtype=np.int64),
        embedding=where,
        layout="pca",
        explained=(0.41, 0.17),
        stability=np.full(groups, 0.9),
        patients_in=np.full(groups, n // 4),
        asked=True,
        why_not="",
        depth=0.9,
        null=np.linspace(0, 0.5, 39),
        p=0.025,
        n=n // 2,
        unit_name="patients",
        activation=rng.normal(size=(n, 8)),
        alike=np.array([[(i + k) % n for k in (1, 2, 3)] for i in range(n)]),
        differences=(),
        provenance=Provenance(method="cluster_cases", params={}, seed=0),
    )


def session_of(n: int = N) -> Session:
    x = np.random.default_rng(0).random((n, 3, 4, 4, 4), dtype=np.float32)
    cohort = Cohort.from_arrays(x, channels=("T1", "T2", "PD"), patients=[i // 2 for i in range(n)])
    session = Session()
    session.use(Opened(Study("s", None, OnlySpec(), cohort, None, 0)))
    return session


@pytest.fixture
def page(qtbot) -> CohortPage:
    made = CohortPage(session_of())
    qtbot.addWidget(made)
    made.resize(420, 900)
    made.show()
    return made


def show(page: CohortPage, found: Clusters) -> None:
    page._session.keep(page._session.results.with_clusters(found))
    QApplication.processEvents()


def click(qtbot, page: CohortPage, case: int) -> None:
    x, y = page.scatter.at()[case]
    qtbot.mouseClick(page.scatter, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))


def test_without_a_study_the_page_names_the_next_click(qtbot):
    page = CohortPage(Session())
    qtbot.addWidget(page)
    page.show()
    assert page.empty.isVisible()
    assert not page.body.isVisible()


def test_three_cases_are_not_a_cohort(qtbot):
    page = CohortPage(make_session())
    qtbot.addWidget(page)
    page.show()
    assert page.few.isVisible()
    assert not page.body.isVisible()


def test_before_groups_were_looked_for_there_is_one_button_and_no_chart(page):
    assert page.look.isVisible()
    assert not page.scatter.isVisible()
    assert not page.cards.isVisible()


def test_a_click_on_a_dot_shows_that_case_and_another_selection_moves_the_ring(page, qtbot):
    show(page, clusters())
    click(qtbot, page, 5)
    assert page._session.selection.case == 5
    assert "case-006" in page.case_words.text()
    page._session.select(case=9)
    assert page.scatter._marks.shown == 9
    assert page.scatter._marks.name == "case-010"


def test_the_card_of_a_case_opens_those_most_alike_and_leads_to_inspect(page, qtbot):
    show(page, clusters())
    click(qtbot, page, 5)
    assert 'href="6"' in page.case_words.text()
    page.case_words.linkActivated.emit("6")
    assert page._session.selection.case == 6
    assert "case-007" in page.case_words.text()
    with qtbot.waitSignal(page.go_to) as heard:
        qtbot.mouseClick(page.open, Qt.MouseButton.LeftButton)
    assert heard.args == ["inspect"]


def test_a_way_around_dots_selects_them_and_counts_their_patients(page, qtbot):
    show(page, clusters())
    at = page.scatter.at()
    left = at[:, 0] < at[:, 0].mean()
    low, high = at[left].min(axis=0) - 3, at[left].max(axis=0) + 3
    way = [low, (high[0], low[1]), high, (low[0], high[1])]
    points = [QPoint(round(x), round(y)) for x, y in way]
    qtbot.mousePress(page.scatter, Qt.MouseButton.LeftButton, pos=points[0])
    for point in points[1:]:
        qtbot.mouseMove(page.scatter, point)
        QApplication.processEvents()
    page.scatter._way = [QPointF(point) for point in points]
    qtbot.mouseRelease(page.scatter, Qt.MouseButton.LeftButton, pos=points[-1])
    assert page._several == np.flatnonzero(left).tolist()
    assert f"{left.sum()} cases selected, {N // 2} patients" in page.case_words.text()


def test_no_groups_is_said_plainly_and_shows_no_card(page):
    show(page, clusters(groups=0))
    assert page.sentence.text().count("No groups found") == 1
    assert page.scatter.isVisible()
    assert not page.cards.isVisible()


def test_a_card_says_for_how_many_its_case_stands_and_shows_it(page, qtbot):
    show(page, clusters())
    assert [card.case for card in page.cards.cards] == [0, 1]
    qtbot.mouseClick(page.cards.cards[1].picture, Qt.MouseButton.LeftButton)
    assert page._session.selection.case == 1
    page.cards.every.click()
    assert page._several == [0, 1]


def test_the_selected_map_recolours_the_dots(page):
    show(page, clusters())
    page.colour.setCurrentText("the selected map")
    before = page.scatter._kinds.kind.copy()
    page._session.select(map=3)
    assert not np.array_equal(before, page.scatter._kinds.kind)
    assert page.scatter._kinds.words == ("map 3 low", "high")


def test_t_sne_is_shown_with_its_warning(page):
    show(page, replace(clusters(), layout="tsne"))
    assert "carry no meaning" in page.how.text()


def test_representative_cases_are_read_by_a_job_and_shown_on_their_cards(page):
    show(page, clusters())
    found = page._session.results.clusters
    job = cohort_jobs.picture_cases(page._session, found, page._take_pictures)
    job.keep(job.work(SILENT))
    assert all(card.picture.image is not None for card in page.cards.cards)


def test_the_page_fits_the_dock(page):
    show(page, clusters())
    assert page.minimumSizeHint().width() <= 420


def test_kinds_are_groups_names_or_levels():
    found = clusters()
    assert by_group(found).words == ("A (20)", "B (20)")
    assert by_column(["x", "y", "x"], "grade").words == ("x", "y")
    scale = by_map(replace(found, activation=np.linspace(-5, 5, N)[:, None]), 0)
    assert scale.scale
    assert (scale.kind.min(), scale.kind.max()) == (0, LEVELS - 1)
    many = by_column([str(i) for i in range(20)], "age")
    assert many.scale
    assert np.all(np.diff(many.kind) >= 0)


def test_places_keep_the_scale_of_both_axes_and_stay_inside():
    rect = QRectF(0, 0, 300, 200)
    at = places(rect, np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), 15)
    assert np.hypot(*(at[1] - at[0])) == pytest.approx(2 * np.hypot(*(at[2] - at[0])))
    assert (at > 0).all()
    assert (at < [300, 200]).all()


def test_three_thousand_dots_are_painted_in_fifty_milliseconds(page, qapp):
    found = clusters(3000)
    picture = QImage(420, 300, QImage.Format.Format_ARGB32_Premultiplied)
    colours = Colours.of(page.palette())
    took = []
    for _ in range(5):
        began = time.thread_time()
        painter = QPainter(picture)
        at = places(QRectF(0, 0, 420, 300), found.embedding, 15)
        paint_dots(painter, at, by_group(found), colours, 15)
        painter.end()
        took.append(time.thread_time() - began)
    assert min(took) < 0.05
