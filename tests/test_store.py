"""What was found is there again after the window was closed, whole or not at all."""

from __future__ import annotations

import gc
import io
import json
import os
import stat
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from tests.core.test_sanity import checked
from tests.io.test_case_sheet_record import a_sheet, assert_same_sheet
from tests.io.test_cluster_records import clusters
from tests.io.test_record_reading import assert_same, dependence, ranking

from napari_latentattr.cohort.study import Study, open_study
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.core.results import Picture, Results, Selection
from napari_latentattr.core.types import Grid, MapRef, Provenance
from napari_latentattr.store import VARIABLE, ResultStore

SELECTION = Selection(3, 1, 5)


@pytest.fixture(scope="module")
def study(tiny_study: Path) -> Study:
    return open_study(tiny_study)


@pytest.fixture
def own_study(write_study: Callable[..., Path], tmp_path: Path) -> Study:
    return open_study(write_study(tmp_path / "own", n_cases=2))


def picture(which: int = 3, *, seed: int = 0, **changes: object) -> Picture:
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0] * [1 / 3, 2.0, 0.7]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turned, rng.normal(size=3) * 100
    source = Grid((4, 5, 6), affine)
    volume = rng.normal(size=(2, 6, 5, 4)).astype(np.float32)
    volume[0, 0, 0, 0] = np.nan
    values = {
        "kind": "where",
        "target": MapRef("encoder", which),
        "case": "c1",
        "channels": ("bright", "dull"),
        "volume": volume,
        "grid": Grid((6, 5, 4), affine @ np.diag([1, -1, 1, 1.0]), source=source, known=False),
        "unit": "latent units",
        "method": "channels",
        "title": "Where each image moves the map",
        "note": "parts add up to 93 %",
        "provenance": Provenance("channels", {"donors": 4}, 1, "ab", "cd", {"numpy": "2"}, 0.3),
    }
    return Picture(**(values | changes))


def results(*which: int) -> Results:
    found = Results(ranking(), (dependence(), dependence("tie", region="lesion")))
    for k in which:
        found = found.with_picture(picture(k, seed=k))
    return found


def assert_same_results(one: Results, other: Results) -> None:
    assert_same(one.ranking, other.ranking)
    assert_same(one.dependence, other.dependence)
    assert list(one.pictures) == list(other.pictures)
    assert_same(tuple(one.pictures.values()), tuple(other.pictures.values()))


def kept(store: ResultStore) -> dict[str, int]:
    """Files of a store with their inodes: a file written anew has another one."""
    return {path.name: path.stat().st_ino for path in store.folder.iterdir()}


def test_results_and_selection_are_there_again(study, tmp_path):
    ResultStore.for_study(study, root=tmp_path).save(results(3, 1), SELECTION)
    store = ResultStore.for_study(study, root=tmp_path)
    found, selection = store.load()
    assert store.why_stale == ""
    assert selection == SELECTION
    assert_same_results(found, results(3, 1))
    assert all(not p.volume.flags.writeable for p in found.pictures.values())


def test_a_picture_on_an_unturned_2d_grid_is_there_again(study, tmp_path):
    flat = picture(
        grid=Grid.from_spacing((5, 4), (0.1, 0.3)),
        volume=np.ones((2, 5, 4), np.float32),
        kind="drawn",
    )
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(Results().with_picture(flat), SELECTION)
    found, _ = store.load()
    assert_same(found.pictures[flat.key], flat)
    assert (found.ranking, found.dependence) == (None, ())


def test_pictures_of_parts_of_a_map_and_what_part_is_looked_at_are_there_again(study, tmp_path):
    places = (WHOLE, Place(region="blob"), Place(layer="painted"), Place(latent=(1, 0, 2)))
    found = Results()
    for seed, place in enumerate(places):
        found = found.with_picture(picture(seed=seed, place=place))
    chosen = Selection(3, 0, 1, Place(latent=(1, 0, 2)))
    ResultStore.for_study(study, root=tmp_path).save(found, chosen)
    again, selection = ResultStore.for_study(study, root=tmp_path).load()
    assert selection == chosen
    assert [key[3] for key in again.pictures] == list(places)
    assert_same_results(again, found)


def test_checks_are_there_again_and_those_forgotten_are_removed(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    found = Results().with_check(checked(0.1)).with_check(replace(checked(0.9), case="c2"))
    store.save(found, SELECTION)
    again, _ = ResultStore.for_study(study, root=tmp_path).load()
    assert_same(again.checks, found.checks)
    store.save(Results(), SELECTION)
    assert list(kept(store)) == ["index.json"]


@pytest.mark.parametrize("groups", [True, False])
def test_groups_of_cases_are_there_again_and_those_forgotten_are_removed(study, tmp_path, groups):
    store = ResultStore.for_study(study, root=tmp_path)
    found = Results().with_clusters(clusters(groups=groups))
    store.save(found, SELECTION)
    assert len(kept(store)) == 2
    again, _ = ResultStore.for_study(study, root=tmp_path).load()
    assert again.clusters.sentence() == found.clusters.sentence()
    assert again.clusters.basis() == found.clusters.basis()
    assert_same(again.clusters, found.clusters)
    store.save(Results(), SELECTION)
    assert list(kept(store)) == ["index.json"]


def test_sheets_of_cases_are_there_again_and_those_forgotten_are_removed(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    found = Results().with_cases(a_sheet(1)).with_cases(a_sheet(2))
    store.save(found, SELECTION)
    assert len(kept(store)) == 5
    again, _ = ResultStore.for_study(study, root=tmp_path).load()
    assert list(again.cases) == [1, 2]
    for which, sheet in found.cases.items():
        assert_same_sheet(again.cases[which], sheet)
    store.save(Results(), SELECTION)
    assert list(kept(store)) == ["index.json"]


def test_damaged_groups_of_cases_are_left_aside(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(Results().with_clusters(clusters()), SELECTION)
    (file,) = (store.folder / name for name in kept(store) if name != "index.json")
    file.write_text(file.read_text().replace("c1", "c9", 1))
    again = ResultStore.for_study(study, root=tmp_path)
    assert again.load() is None
    assert "a file is damaged" in again.why_stale


def test_what_an_earlier_version_kept_is_read(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(results(1), SELECTION)
    index = json.loads((store.folder / "index.json").read_text())
    del index["checks"], index["cases"]
    del index["selection"]["place"], index["pictures"][0]["place"]
    (store.folder / "index.json").write_text(json.dumps(index))
    again, selection = ResultStore.for_study(study, root=tmp_path).load()
    assert selection == SELECTION
    assert_same_results(again, results(1))


def test_nothing_is_loaded_where_nothing_was_kept(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    assert store.load() is None
    assert store.why_stale == ""
    assert not any(tmp_path.iterdir())


def test_a_study_without_a_file_is_not_kept(study, tmp_path):
    store = ResultStore.for_study(replace(study, path=None), root=tmp_path)
    store.save(results(1), SELECTION)
    assert store.folder is None
    assert store.load() is None
    assert not any(tmp_path.iterdir())


def test_the_environment_names_the_folder_of_all_stores(study, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "deep" / "kept"))
    store = ResultStore.for_study(study)
    store.save(Results(), SELECTION)
    assert store.folder.parent == tmp_path / "deep" / "kept"
    assert store.load()[1] == SELECTION


def test_without_the_environment_the_folder_for_data_of_the_user_is_used(study, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = ResultStore.for_study(study).folder
    assert folder.parts[-3:-1] == ("napari-latentattr", "sessions")


def test_two_studies_have_two_folders_and_one_study_by_two_ways_has_one(study, own_study, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(own_study.path.parent, target_is_directory=True)
    by_link = replace(own_study, path=link / own_study.path.name)
    folders = [ResultStore.for_study(s, root=tmp_path).folder for s in (study, own_study, by_link)]
    assert folders[0] != folders[1] == folders[2]


def test_what_did_not_change_is_not_written_again(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(results(1, 2), SELECTION)
    before = kept(store)
    store.save(results(1, 2).with_picture(picture(7, seed=7)), SELECTION)
    after = kept(store)
    same = {name for name in before if name != "index.json"}
    assert len(same) == 5
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert len(after) == len(before) + 1


def test_a_known_picture_is_not_even_packed_again(study, tmp_path, monkeypatch):
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(results(1), SELECTION)
    reopened = ResultStore.for_study(study, root=tmp_path)
    found, _ = reopened.load()
    monkeypatch.setattr(np, "savez", None)
    reopened.save(found, Selection())
    assert reopened.load()[1] == Selection()


def test_a_picture_that_is_no_result_any_more_is_let_go(study, tmp_path):
    store, first = ResultStore.for_study(study, root=tmp_path), picture(0)
    volume = weakref.ref(first.volume)
    store.save(Results().with_picture(first), SELECTION)
    del first
    store.save(Results().with_picture(picture(1)), SELECTION)
    gc.collect()
    assert volume() is None


def test_files_that_no_result_needs_are_removed(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(results(1, 2), SELECTION)
    (store.folder / ".0123-left.npz").write_bytes(b"left by a program that died")
    store.save(Results(), SELECTION)
    assert list(kept(store)) == ["index.json"]


def test_a_file_that_vanished_is_written_again(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    found = results(1)
    store.save(found, SELECTION)
    for path in store.folder.glob("*.npz"):
        path.unlink()
    store.save(found, SELECTION)
    assert_same_results(store.load()[0], found)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_only_the_user_can_read_what_is_kept(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(results(1), SELECTION)
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()} == {0o600}


def test_neither_patients_nor_paths_are_kept(own_study, tmp_path):
    assert set(own_study.patients) == {"p0", "p1"}
    store = ResultStore.for_study(own_study, root=tmp_path / "kept")
    store.save(results(1), SELECTION)
    text = b"".join(path.read_bytes() for path in store.folder.glob("*.json")).decode()
    assert str(own_study.path.parent) not in text
    assert own_study.path.name not in text
    assert not {"p0", "p1"} & set(text.replace('"', " ").replace(",", " ").split())


def test_results_of_another_model_are_left_aside(study, tmp_path):
    ResultStore.for_study(study, root=tmp_path).save(results(), SELECTION)
    folder = ResultStore.for_study(study, root=tmp_path).folder
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"model_sha256": "other"}))
    store = ResultStore.for_study(study, root=tmp_path)
    assert store.load() is None
    assert "another model" in store.why_stale


def change_table(study: Path) -> None:
    table = study.parent / "cases.csv"
    table.write_text(table.read_text().replace("p1", "p2"))


def change_study(study: Path) -> None:
    study.write_text(study.read_text().replace("seed: 3", "seed: 4"))


def touch(name: str) -> Callable[[Path], None]:
    def change(study: Path) -> None:
        os.utime(study.parent / name, ns=(0, 0))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (change_table, "because since then the table of cases changed; measure again"),
        (change_study, "because since then the study file changed; measure again"),
        (touch("1_dull.nii.gz"), "because since then the images changed; measure again"),
        (touch("1_labels.nii.gz"), "because since then the images changed; measure again"),
        (touch("mask.nii.gz"), "because since then the images changed; measure again"),
        (touch("weights.safetensors"), "because since then the model files changed; measure again"),
    ],
)
def test_results_of_other_files_are_left_aside_until_new_ones_are_kept(
    own_study, tmp_path, change, said
):
    ResultStore.for_study(own_study, root=tmp_path).save(results(), SELECTION)
    assert ResultStore.for_study(own_study, root=tmp_path).load() is not None
    change(own_study.path)
    store = ResultStore.for_study(own_study, root=tmp_path)
    assert store.load() is None
    assert store.why_stale.endswith(said)
    store.save(results(), SELECTION)
    assert store.load() is not None
    assert store.why_stale == ""


def test_a_file_that_changes_after_opening_makes_the_results_stale(own_study, tmp_path):
    store = ResultStore.for_study(own_study, root=tmp_path)
    change_table(own_study.path)
    store.save(results(), SELECTION)
    assert ResultStore.for_study(own_study, root=tmp_path).load() is None


def test_a_study_whose_image_vanished_is_told(own_study, tmp_path):
    (own_study.path.parent / "1_dull.nii.gz").unlink()
    with pytest.raises(InputError, match="there is no file"):
        ResultStore.for_study(own_study, root=tmp_path)


def damage(path: Path, how: str) -> None:
    raw = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        half = len(raw) // 2
        path.write_bytes(
            {"cut": raw[:half], "empty": b"", "flipped": raw[:-9] + b"!" + raw[-8:]}[how]
        )


@pytest.mark.parametrize("how", ["gone", "cut", "empty", "flipped"])
@pytest.mark.parametrize("which", range(6))
def test_damage_to_any_file_is_told_and_never_raised(study, tmp_path, which, how):
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(results(1, 2), SELECTION)
    path = sorted(store.folder.iterdir())[which]
    damage(path, how)
    reopened = ResultStore.for_study(study, root=tmp_path)
    assert reopened.load() is None
    if (path.name, how) == ("index.json", "gone"):
        assert reopened.why_stale == ""
    else:
        assert reopened.why_stale.startswith("the kept results cannot be used and are left aside:")
        assert "\n" not in reopened.why_stale
    reopened.save(results(1, 2), SELECTION)
    assert_same_results(reopened.load()[0], results(1, 2))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"selection": {"map": "3"}},
        {"selection": None},
        {"ranking": "../index.json"},
        {"ranking": 5},
        {"dependence": ["index.json"]},
        {"dependence": [[]]},
        {"pictures": [{"file": ""}]},
        {"pictures": {}},
        {"digests": {}},
        {"digests": {"images": 3}},
    ],
    ids=str,
)
def test_an_index_that_makes_no_sense_is_told_and_never_raised(study, tmp_path, change):
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(results(1), SELECTION)
    index = json.loads((store.folder / "index.json").read_text())
    (store.folder / "index.json").write_text(json.dumps(index | change))
    assert store.load() is None
    assert store.why_stale


def test_pickled_objects_are_not_opened(study, tmp_path):
    store = ResultStore.for_study(study, root=tmp_path)
    store.save(results(1), SELECTION)
    packed = io.BytesIO()
    np.savez(packed, volume=np.array([{}], dtype=object))
    name = sha256(packed.getvalue()).hexdigest() + ".npz"
    (store.folder / name).write_bytes(packed.getvalue())
    index = json.loads((store.folder / "index.json").read_text())
    index["pictures"][0]["file"] = name
    (store.folder / "index.json").write_text(json.dumps(index))
    assert store.load() is None
    assert "cannot be read" in store.why_stale


@pytest.mark.parametrize(
    "volume", [np.ones((2, 6, 5, 5), np.float32), np.ones((2, 6, 5, 4)), np.ones((0,), np.float32)]
)
def test_a_volume_that_does_not_fit_its_grid_is_told(study, tmp_path, monkeypatch, volume):
    store = ResultStore.for_study(study, root=tmp_path)
    save = np.savez
    monkeypatch.setattr(np, "savez", lambda file, **_: save(file, volume=volume))
    store.save(results(1), SELECTION)
    assert store.load() is None
    assert "do not fit" in store.why_stale


def test_a_folder_that_cannot_be_made_is_told(study, tmp_path):
    (tmp_path / "file").write_text("")
    store = ResultStore.for_study(study, root=tmp_path / "file")
    assert store.load() is None
    with pytest.raises(InputError, match=f"set {VARIABLE} to a folder"):
        store.save(results(), SELECTION)


# Saves in a child that kills itself before its n-th step on the disk, for every n that there is.
DYING = """\
import os, shutil, signal, sys
from pathlib import Path
from napari_latentattr.core.results import Selection
from napari_latentattr.store import ResultStore
from tests.test_store import results

root = Path(sys.argv[1])
ResultStore(root / "old", "m", {}).save(results(1, 2), Selection(0))
left = None

def count(event, arguments):
    global left
    if left is not None and event in ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
state = results(3)
for n in range(1000):
    shutil.copytree(root / "old", root / str(n))
    child = os.fork()
    if child == 0:
        left = n
        ResultStore(root / str(n), "m", {}).save(state, Selection(1))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
def test_a_program_that_dies_at_any_step_leaves_the_old_results_or_the_new_ones(tmp_path):
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", DYING, str(tmp_path)]
    places = os.pathsep.join(map(str, (root, root / "src")))
    subprocess.run(command, check=True, cwd=root, env=os.environ | {"PYTHONPATH": places})
    states = results(1, 2), results(3)
    seen = []
    for step in range(len(list(tmp_path.iterdir())) - 1):
        store = ResultStore(tmp_path / str(step), "m", {})
        found, selection = store.load()
        assert store.why_stale == ""
        assert_same_results(found, states[selection.map])
        seen.append(selection.map)
        store.save(found, selection)
        assert len(kept(store)) == 4 + len(found.pictures)
    assert seen == sorted(seen)
    assert min(seen.count(0), seen.count(1)) > 3
