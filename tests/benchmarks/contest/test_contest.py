"""The quick contest, with thresholds that every baseline misses."""

from __future__ import annotations

import csv
import io
import json

import pytest

from napari_latentattr.benchmarks.contest.contest import Contest, hold_contest
from napari_latentattr.benchmarks.contest.kinds import QUICK_KINDS
from napari_latentattr.benchmarks.contest.promises import shortfalls
from napari_latentattr.benchmarks.contest.tables import contest_csv, contest_markdown

OURS = "channel dependence"
BESIDE = ("Shapley share > tau", "pattern likeness, q < .05")  # ours, too
KINDS = QUICK_KINDS[:2]  # zero leak, leak 10 %


@pytest.fixture(scope="module")
def quick() -> Contest:
    return hold_contest(worlds=2, kinds=KINDS)


@pytest.mark.slow
def test_channel_dependence_keeps_every_promise(quick: Contest) -> None:
    assert shortfalls(quick, OURS) == ()


@pytest.mark.slow
def test_likeness_finds_most_of_what_is_used_and_nothing_that_cannot_be_seen(
    quick: Contest,
) -> None:
    """With 24 cases; of 20 worlds it found 93 %."""
    found = quick.find("zero leak", "pattern likeness, q < .05", 24)
    assert found.power.value > 0.7
    assert found.false_positive.value == 0


@pytest.mark.slow
def test_no_baseline_passes_the_same_check(quick: Contest) -> None:
    rules = {one.rule for one in quick.standings}
    baselines = {rule for rule in rules if rule not in (OURS, *BESIDE)}
    assert len(baselines) == 13
    assert {rule for rule in baselines if not shortfalls(quick, rule)} == set()


@pytest.mark.slow
def test_tables_hold_every_rule_of_every_kind(quick: Contest) -> None:
    rows = list(csv.DictReader(io.StringIO(contest_csv(quick))))
    assert len(rows) == len(quick.standings) == len(KINDS) * 17
    told = contest_markdown(quick)
    assert told.count(f"| {OURS} |") == 2 * len(KINDS)
    assert "### leak 10 %: 2 worlds, 12 cases each" in told
    one = quick.find("leak 10 %", OURS)
    row = next(r for r in rows if (r["kind"], r["rule"], r["cases"]) == (one.kind, OURS, "12"))
    assert float(row["auroc"]) == pytest.approx(one.auroc.value, rel=1e-5)
    assert json.loads(json.dumps(quick.record()))["standings"][0]["rule"] == OURS
