"""Peers give the answers that ours give, and their full runs are reckoned from short ones."""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from napari_latentattr.benchmarks.speed import PEERS, WORKLOADS, Speed, Workload, peers, speed
from napari_latentattr.benchmarks.speed.importance import TABLE, importance, sklearn_importance
from napari_latentattr.benchmarks.speed.peer import (
    MissingPeer,
    Peer,
    TimedPeer,
    compare,
    full_run,
    peers_markdown,
    time_peers,
)
from napari_latentattr.benchmarks.speed.peers import (
    captum_occlusion,
    captum_shapley,
    monai_occlusion,
)
from napari_latentattr.benchmarks.speed.plain_ways import jvp_loop, map_means, masked_forwards
from napari_latentattr.benchmarks.speed.shapley import exact_shapley
from napari_latentattr.benchmarks.speed.work import Timed
from napari_latentattr.benchmarks.speed.workloads import Built, build
from napari_latentattr.benchmarks.timing import Ratio
from napari_latentattr.commands import benchmark
from napari_latentattr.core.progress import SILENT
from napari_latentattr.methods.channel_shapley import channel_shapley
from napari_latentattr.methods.coalition_plans import every_mixture
from napari_latentattr.methods.decompose import decompose
from napari_latentattr.methods.occlusion import occlusion

FLAT = Workload("S", 1, (3, 4, 5), (32, 40), target=1.0)
SOLID = Workload("S3", 1, (2, 3, 4), (24, 24, 32), target=1.0)
STRAIGHT = Workload("L", 1, (2, 4), (16, 16), target=1.0)  # its decoder is one linear layer
BOTH = pytest.mark.parametrize("workload", [FLAT, SOLID], ids=["2D", "3D"])

MONAI_WARNS = pytest.mark.filterwarnings("ignore:Using a non-tuple sequence:UserWarning")
TORCH_WARNS = pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")


def test_all_peers_are_built_on_the_workloads_that_the_targets_speak_of() -> None:
    asked = [(make.func.__name__, make.args[0].name, make.keywords["target"]) for make in PEERS]
    assert all(make.args[0] in (*WORKLOADS, TABLE) for make in PEERS)
    assert sorted(asked) == [
        ("captum_occlusion", "W1", 58.0),
        ("captum_occlusion", "W2", 58.0),
        ("captum_shapley", "W1", 4.0),
        ("captum_shapley", "W2", 30.0),
        ("jvp_loop", "W1", 20.0),
        ("jvp_loop", "W2", 20.0),
        ("masked_forwards", "W1", 1.25),
        ("masked_forwards", "W1", 1.25),
        ("masked_forwards", "W2", 1.2),
        ("masked_forwards", "W2", 1.2),
        ("monai_occlusion", "W1", 33.0),
        ("monai_occlusion", "W2", 33.0),
        ("sklearn_importance", "Table", 13.0),
    ]


def test_full_runs_are_those_that_the_targets_speak_of() -> None:
    sizes = [(peer.unit, peer.full) for peer in (make() for make in PEERS)]
    assert sizes == [
        *[("order", 25)] * 2,
        *[("mixture", 347)] * 2,
        *[("mixture", 16)] * 2,
        *[("window", 961), ("window", 1331)] * 2,
        *[("map", 64)] * 2,
        ("exchange", 5),
    ]


@BOTH
def test_captum_gives_our_shares_when_it_takes_every_order(monkeypatch, workload) -> None:
    from captum.attr._core import shapley_value

    monkeypatch.setattr(
        shapley_value, "_perm_generator", lambda n, _: itertools.permutations(range(n))
    )
    peer = captum_shapley(workload, few=1, many=2, target=1.0)
    assert (peer.full, peer.unit) == (25, "order")
    assert peer.run(25) == close_to(shares(workload))


@pytest.mark.parametrize("batch", [1, 3])
@BOTH
def test_plain_forwards_of_mixtures_give_our_shares(workload, batch) -> None:
    peer = masked_forwards(workload, batch=batch, many=2, target=1.0)
    n = workload.features[0]
    means = peer.run(peer.full)
    assert means.shape == (2**n, workload.features[-1])
    plan = every_mixture(tuple(range(n)), n)
    assert close_to(shares(workload)) == (plan.weights @ means.double().numpy()).T
    assert torch.equal(peer.run(3), means[:3])


def test_plain_forwards_of_many_images_stand_for_all_orders_of_the_target() -> None:
    many = Workload("M", 1, (10, 4), (8, 8), target=1.0)
    peer = masked_forwards(many, batch=4, many=21, target=1.0)
    assert peer.full == 347
    assert len(peer.run(peer.many)) == 21


@BOTH
def test_captum_gives_our_occlusion_of_one_map(workload) -> None:
    peer = captum_occlusion(workload, few=1, many=2, target=1.0)
    ours = covered(build(workload), workload.features[-1] - 1)
    assert peer.run(peer.full) == close_to(ours.repeat(workload.features[0], axis=0))
    assert peer.run(peer.full - 1) is None


@MONAI_WARNS
@BOTH
def test_monai_gives_our_occlusion_of_all_maps(workload) -> None:
    peer = monai_occlusion(workload, few=1, many=2, target=1.0)
    built = build(workload)
    ours = np.stack([covered(built, k)[0] for k in range(workload.features[-1])])
    means = map_means(torch.from_numpy(built.model.encode(built.cohort[0].data[None])))[0]
    found = means.view(-1, *[1] * len(workload.shape)) - peer.run(peer.full)
    assert np.asarray(found) == close_to(ours)


@MONAI_WARNS
@pytest.mark.parametrize(("windows", "ran"), [(1, 1), (4, 4), (12, 12)])
def test_monai_covers_as_many_windows_as_are_counted(monkeypatch, windows, ran) -> None:
    from monai.visualize import OcclusionSensitivity

    seen = []
    plain = OcclusionSensitivity.predictor

    def predictor(grid: torch.Tensor, *args: object, **named: object) -> torch.Tensor:
        seen.append(len(grid))
        return plain(grid, *args, **named)

    monkeypatch.setattr(OcclusionSensitivity, "predictor", predictor)
    peer = monai_occlusion(FLAT, few=1, many=2, target=1.0)
    assert (peer.few, peer.many, peer.full) == (1, 4, 12)
    peer.run(windows)
    assert sum(seen) == ran


def test_captum_encodes_the_case_and_as_many_windows_as_are_counted(monkeypatch) -> None:
    seen: list[int] = []
    plain = peers.map_means
    monkeypatch.setattr(peers, "map_means", lambda code: seen.append(len(code)) or plain(code))
    peer = captum_occlusion(FLAT, few=1, many=2, target=1.0)
    for windows in (1, 4, 12):
        seen.clear()
        peer.run(windows)
        assert seen == [1] * (1 + windows)


@TORCH_WARNS
def test_forward_derivatives_give_our_secants_of_a_straight_decoder() -> None:
    peer = jvp_loop(STRAIGHT, many=1, target=1.0)
    built = build(STRAIGHT)
    code = built.model.encode(built.cohort[0].data[None])
    ours = decompose(built.model, built.cohort[0], reference=np.zeros_like(code), method="secant")
    assert peer.run(peer.full) == close_to(np.stack([ours.image(k) for k in range(4)]))


@TORCH_WARNS
@BOTH
def test_forward_derivatives_of_all_maps_nearly_add_up_to_the_picture(workload) -> None:
    peer = jvp_loop(workload, many=1, target=1.0)
    built = build(workload)
    code = built.model.encode(built.cohort[0].data[None])
    change = built.model.decode(code) - built.model.decode(np.zeros_like(code))
    away = np.linalg.norm(peer.run(peer.full).sum(0).numpy() - change[0])
    assert away < 0.05 * np.linalg.norm(change)


def test_a_full_run_is_a_straight_line_through_two_short_ones() -> None:
    once, each = 40.0, 3.0
    short = [(n, [(once + each * n) / n]) for n in (1, 6)]
    assert full_run(short, 25) == pytest.approx((once + 25 * each,))


def test_a_full_run_is_a_multiple_where_nothing_is_done_once() -> None:
    assert full_run([(32, [2.0, 3.0])], 347) == pytest.approx((694.0, 1041.0))
    assert full_run([(16, [2.0])], 16) == (32.0,)


@pytest.mark.parametrize(
    ("few", "many", "full", "said"),
    [
        (1, 6, 25, "full run, extrapolated from 1 and 6 of 25 units"),
        (0, 2, 1000, "full run, extrapolated from 2 of 1,000 units"),
        (1, 6, 6, "full run, 6 units"),
        (0, 6, 6, "full run, 6 units"),
    ],
)
def test_the_table_says_how_much_was_run(few, many, full, said) -> None:
    ran: list[int] = []
    make = partial(counting_peer, ran, few=few, many=many, full=full)
    (timed,), left_out = time_peers([make], 2, 2, SILENT)
    assert left_out == ()
    assert len(timed.wall) == len(timed.cpu) == 2
    assert set(ran) == {n for n in (few, many) if n and f"{n}" in said}
    assert f"| P | {said} | " in peers_markdown([timed], (), ())


def counting_peer(ran: list[int], *, few: int, many: int, full: int) -> Peer:
    def run(n: int) -> None:
        ran.append(n)
        sum(range(1000 * n))

    def forward() -> None:
        sum(range(1000))

    return Peer("P", "unit", "", FLAT, few, many, full, 1.0, run, forward)


def test_a_peer_that_is_not_installed_is_left_out_with_a_line_that_says_so(monkeypatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "monai"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "monai", None)
    make = partial(monai_occlusion, FLAT, few=1, many=2, target=1.0)
    with pytest.raises(MissingPeer, match="MONAI is not installed; run pip install"):
        make()
    timed = speed(1, works=[], peers=[make], raws=6)
    assert timed.peers == ()
    line = (
        "S: MONAI OcclusionSensitivity is left out, for MONAI is not installed; run pip install "
        "'napari-latentattr[monai]'"
    )
    assert timed.record()["left_out"] == (line,)
    assert f"\n- {line}\n" in timed.markdown()


def test_ours_is_compared_by_whole_answers_of_the_same_key_and_workload() -> None:
    ours = [timed_work("S: x, all", FLAT, units=10, ratio=2.0), timed_work("S3: x", SOLID)]
    ours.append(replace(ours[0], key="other"))
    (one,) = compare(ours, [timed_peer(wall=(100.0, 60.0, 80.0), cpu=(50.0, 40.0, 60.0))])
    assert (one.work, one.peer) == ("S: x, all", "S: P")
    assert (one.times, one.cpu_times, one.target) == (4.0, 2.5, 4.0)


def test_the_list_says_whether_the_target_is_met_and_what_has_no_counterpart() -> None:
    peer = timed_peer(wall=(80.0,), cpu=(80.0,))
    for ratio, said in [
        (2.0, "- S: x is 4.0 x faster than S: P (4.0 x by CPU time; target 4 x, met)."),
        (4.0, "- S: x is 2.0 x faster than S: P (2.0 x by CPU time; target 4 x, missed)."),
    ]:
        ours = [timed_work("S: x, all", FLAT, units=10, ratio=ratio)]
        assert peers_markdown([peer], compare(ours, [peer]), ()).splitlines()[-1] == said
    alone = peers_markdown([peer], (), ())
    assert alone.splitlines()[-1] == "- Nothing of ours was timed beside S: P."


def timed_work(name: str, workload: Workload, *, units: int = 1, ratio: float = 1.0) -> Timed:
    times = Ratio((ratio,), (ratio,), 1.0, units)
    return Timed(name, "unit", units, 1.0, workload, None, times, 0.1, "x")


def timed_peer(*, wall: tuple[float, ...], cpu: tuple[float, ...]) -> TimedPeer:
    return TimedPeer("S: P", "unit", "x", FLAT, 5, 4.0, (Ratio(wall, cpu, 1.0, 5),), wall, cpu)


def test_shapley_and_its_peers_are_told_together_and_recorded() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    others = [
        partial(captum_shapley, SOLID, few=1, many=2, target=1.0),
        partial(masked_forwards, SOLID, batch=4, many=4, target=1.0),
    ]
    timed = speed(1, works=[partial(exact_shapley, SOLID)], peers=others, raws=6)
    assert torch.equal(torch.get_rng_state(), before)
    record = json.loads(json.dumps(timed.record()))
    assert [row["full"] for row in record["peers"]] == [25, 4]
    assert [len(row["measured"]) for row in record["peers"]] == [2, 1]
    assert [one["work"] for one in record["faster"]] == [record["timed"][0]["name"]] * 2
    table = timed.markdown()
    assert "ShapleyValueSampling, all maps | full run, extrapolated from 1 and 2 of 25" in table
    assert "- S3: exact Shapley is " in table


@pytest.mark.parametrize("full", [False, True])
def test_the_command_times_all_peers_beside_ours(monkeypatch, tmp_path, full) -> None:
    asked: list[dict[str, object]] = []

    def timing(repeats: int, **named: object) -> Speed:
        asked.append(named)
        return speed(repeats, works=[], peers=[])

    monkeypatch.setattr(benchmark, "speed", timing)
    benchmark.run(tmp_path, what="speed", full=full, keep_memory=False, progress=SILENT)
    assert asked[0]["peers"] is PEERS
    record = json.loads((tmp_path / "speed.json").read_text())
    assert (record["peers"], record["faster"], record["left_out"]) == ([], [], [])


def shares(workload: Workload) -> np.ndarray:
    built = build(workload)
    return channel_shapley(built.model, built.cohort[0], baseline="zero").score


def covered(built: Built, which: int) -> np.ndarray:
    """Our occlusion (1, *S) of one map, all images covered together with zero."""
    return occlusion(
        built.model, built.cohort[0], built.model.maps[which], fill="zero", together=True
    ).volume


def close_to(values: np.ndarray) -> object:
    """Equal to 1e-5 of the largest value."""
    return pytest.approx(values, rel=0, abs=1e-5 * float(np.abs(values).max()))


def test_sklearn_finds_the_same_map_to_matter() -> None:
    table = replace(TABLE, n_cases=60, features=(4, 4))
    ours, theirs = importance(table, trees=20), sklearn_importance(table, target=1.0, trees=20)
    assert int(np.argmax(ours.run())) == int(np.argmax(theirs.run(2).importances_mean)) == 0
