"""``latentattr benchmark``: how fast and how right the tool is on this computer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from napari_latentattr.benchmarks.calibration import (
    CELLS,
    Calibration,
    calibrate,
    calibrate_cells,
)
from napari_latentattr.benchmarks.case_groups import FoundGroups, find_case_groups
from napari_latentattr.benchmarks.contest.contest import hold_contest
from napari_latentattr.benchmarks.contest.kinds import KINDS, QUICK_KINDS
from napari_latentattr.benchmarks.copies import LIKENESS, CopiesFound, find_copies
from napari_latentattr.benchmarks.likeness import LikenessRates, likeness_rates
from napari_latentattr.benchmarks.planted import PlantedTruth, find_planted
from napari_latentattr.benchmarks.planted_decoders import INTERACTIONS, DrawnTruth, find_drawn
from napari_latentattr.benchmarks.ranking_worlds import ranking_worlds
from napari_latentattr.benchmarks.speed import PEERS, speed
from napari_latentattr.commands.contest import cells_section, contest_section, write_contest
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.tables import Facts, Section, sheet
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Float64, Provenance
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.io.atomic import write_json
from napari_latentattr.io.records import Record, provenance_record

_QUICK = {"contest_worlds": 3, "worlds": 2, "cohorts": 3, "repeats": 1}
_USUAL = {
    "contest_worlds": 5,
    "planted_worlds": 3,
    "copies_worlds": 5,
    "likeness_cohorts": 100,
    "worlds": 4,
    "cohorts": 6,
    "ranking_runs": 5,
    "group_seeds": 2,
    "repeats": 3,
}
_FULL = {
    "contest_worlds": 20,
    "planted_worlds": 10,
    "copies_worlds": 25,
    "likeness_cohorts": 1000,
    "worlds": 20,
    "cohorts": 10,
    "ranking_runs": 100,
    "group_seeds": 20,
    "repeats": 7,
}


def run(
    folder: Path,
    *,
    what: str,
    full: bool,
    keep_memory: bool,
    progress: Progress,
    quick: bool = False,
) -> Report:
    """Measure `what` ("speed" or "truth") and write ``<what>.json``."""
    sizes = _FULL if full else _QUICK if quick else _USUAL
    began = time.perf_counter()
    if what == "speed":
        timed = speed(sizes["repeats"], peers=PEERS, keep_memory=keep_memory, progress=progress)
        text, record = timed.markdown(), timed.record()
    else:
        sections, record = _hold_contest(folder, sizes, progress, quick=quick)
        if not quick:
            more, others = _measure_truth(sizes, progress)
            sections, record = [*more, *sections], {**others, **record}
        text = sheet(sections)
    provenance = Provenance(
        method=f"benchmark {what}",
        params={**sizes, "keep_memory": keep_memory},
        versions=installed_versions(),
    ).timed(time.perf_counter() - began)
    record = {"kind": f"benchmark {what}", "version": 1, **record}
    write_json(folder / f"{what}.json", {**record, "provenance": provenance_record(provenance)})
    return Report(text, f"{what}.json")


def _hold_contest(
    folder: Path, sizes: dict[str, int], progress: Progress, *, quick: bool
) -> tuple[list[Section], Record]:
    """Let all rules call in the same worlds, and put the test on its boundary in many cells."""
    worlds = sizes["contest_worlds"]
    kinds = QUICK_KINDS if quick else KINDS
    contest = hold_contest(worlds=worlds, kinds=kinds, progress=progress)
    cells = [
        cell
        for kind in (CELLS[:1] if quick else CELLS)
        for cell in calibrate_cells(
            kind,
            worlds=sizes["worlds"],
            cohorts=sizes["cohorts"],
            cases=[6, 12, 24] if quick else [6, 12, 24, 48],
            reference=200 if quick else 1000,  # 48 cases know a ratio well, too
            progress=progress,
        )
    ]
    write_contest(folder, contest, cells)
    record: Record = {"contest": contest.record(), "cells": [cell.record() for cell in cells]}
    return [contest_section(contest), cells_section(cells)], record


def _measure_truth(sizes: dict[str, int], progress: Progress) -> tuple[list[Section], Record]:
    planted = find_planted(worlds=sizes["planted_worlds"], progress=progress)
    copies = [
        find_copies(alike, worlds=sizes["copies_worlds"], progress=progress) for alike in LIKENESS
    ]
    likeness = likeness_rates(cohorts=sizes["likeness_cohorts"], progress=progress)
    drawn = find_drawn(worlds=sizes["planted_worlds"], progress=progress)
    calibration = calibrate(worlds=sizes["worlds"], cohorts=sizes["cohorts"], progress=progress)
    silent = ranking_worlds(sizes["ranking_runs"], 0.0, progress=progress)
    signal = ranking_worlds(sizes["ranking_runs"], 1.2, progress=progress)
    grouped = find_case_groups(
        seeds=sizes["group_seeds"], cases=(60,), maps=(8, 16), progress=progress
    )
    record: Record = {
        "planted": planted.record(),
        "copies": [found.record() for found in copies],
        "likeness": likeness.record(),
        "planted_decoders": drawn.record(),
        "calibration": calibration.record(),
        "ranking": [silent, signal],
        "case_groups": grouped.record(),
    }
    sections = [
        _planted_section(planted),
        _copies_section(copies),
        _likeness_section(likeness),
        _drawn_section(drawn),
        _calibration_section(calibration),
        ("Ranking with no signal", _calls(silent)),
        ("Ranking with three causal maps", _calls(signal)),
        _groups_section(grouped),
    ]
    return sections, record


def _groups_section(found: FoundGroups) -> Section:
    facts: Facts = [
        ("adjusted Rand index, mean (HDBSCAN alone)", _pair(found.agreement, found.plain_agreement))
    ]
    for kind, share in found.called.items():
        plain = found.plain_called[kind]
        facts.append((f"groups reported, {kind} (HDBSCAN alone)", f"{share:.0%} ({plain:.0%})"))
    return f"Groups of cases, {len(found.agreement)} cohorts with groups", facts


def _pair(ours: Float64, plain: Float64) -> str:
    return f"{ours.mean():.2f} ({plain.mean():.2f})"


def _planted_section(planted: PlantedTruth) -> Section:
    unseen = f"{planted.outside_unseen} of {planted.outside} found unseen"
    driving = f"{planted.inside_driving} of {planted.inside} found to drive"
    return (
        f"Which image drives which map, {planted.worlds} worlds with planted truth",
        [("images a map cannot see", unseen), ("images a map listens to", driving)],
    )


def _copies_section(copies: Sequence[CopiesFound]) -> Section:
    rows = [
        (
            f"r {found.likeness:.2f}",
            f"both used: {found.both_tied} of {found.both} a tie, {found.both_named} name both; "
            f"one used: {found.one_named} of {found.one} named, {found.other_named} the other",
        )
        for found in copies
    ]
    return f"Images that are copies of each other, {copies[0].worlds} worlds", rows


def _likeness_section(likeness: LikenessRates) -> Section:
    hidden = likeness.hidden
    return (
        f"Whose pattern a map looks like, a 5 % test in {likeness.cohorts} cohorts",
        [
            ("image that is hidden", f"{hidden.value:.1%} ({hidden.low:.1%} to {hidden.high:.1%})"),
            ("image that is shown", f"{likeness.shown.value:.1%}"),
            ("control that must fail", f"{likeness.naive.value:.1%}"),
        ],
    )


def _drawn_section(drawn: DrawnTruth) -> Section:
    names = {"main_effect": "main effect", "leave_one_out": "leave one out", "solo": "control solo"}
    rows = [
        (
            interaction,
            ", ".join(
                f"{names.get(one.method, one.method)} {one.false_voxels.value:.1%}"
                for one in drawn.found
                if one.interaction == interaction
            ),
        )
        for interaction in INTERACTIONS
    ]
    title = (
        f"What maps draw: false voxels where {drawn.recall:.0%} of the true ones are found, "
        f"{drawn.worlds} decoders (seeds 0 to {drawn.worlds - 1}) with planted places"
    )
    return title, rows


def _calibration_section(calibration: Calibration) -> Section:
    rejects, covers = calibration.two_way.rejects, calibration.two_way.covers
    naive = calibration.recipient_only.rejects
    return (
        f"A 5 % test where tau is the truth, {calibration.tests} tests",
        [
            ("rejects", f"{rejects.value:.1%} ({rejects.low:.1%} to {rejects.high:.1%})"),
            ("95 % interval covers", f"{covers.value:.1%}"),
            ("control that must fail", f"rejects {naive.value:.1%}"),
        ],
    )


def _calls(worlds: Record) -> Facts:
    forms = worlds["forms"]
    if not isinstance(forms, dict):
        raise TypeError("ranking worlds must report their forms")
    return [
        (
            f"by {form}",
            f"{count['gates_passed']} of {worlds['runs']} gates passed, "
            f"{count['runs_with_calls']} runs call a map; "
            f"{count['causes_called']} of {count['causes']} causal and "
            f"{count['useless_called']} of {count['useless']} useless maps called",
        )
        for form, count in forms.items()
    ]
