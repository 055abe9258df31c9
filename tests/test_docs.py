from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import get_args

import pytest
from tests.toy import linear_model, people

from napari_latentattr import attribute, methods
from napari_latentattr.methods import _registry
from napari_latentattr.methods._registry import Claim, View
from napari_latentattr.widgets.shortcuts import KEYS, PEEK

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SCRIPT = ROOT / "scripts" / "make_method_reference.py"


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_method_reference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keys_in(page: str) -> list[tuple[str, str]]:
    """Rows of the table of keys; a key that works in one step alone says so."""
    table = page.partition("## Keys")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    return [(key.strip("`"), does) for key, does in rows if key != "key"]


def test_the_page_of_the_window_names_every_key_and_what_it_does():
    expected = [
        (key.keys, f"{key.does}; in {key.step.capitalize()} alone" if key.step else key.does)
        for key in (*KEYS.values(), PEEK)
    ]
    assert keys_in((DOCS / "napari.md").read_text("utf-8")) == expected


def test_the_reference_of_the_methods_is_what_the_registry_says(maker):
    assert maker.PAGE.read_text("utf-8") == maker.reference(), (
        "docs/methods.md is stale; run python scripts/make_method_reference.py"
    )


def test_the_reference_has_words_for_every_view_and_claim(maker):
    assert set(maker.VIEWS) == set(get_args(View))
    assert set(maker.CLAIMS) == set(get_args(Claim))


def test_the_reference_says_which_methods_mislead(maker):
    sections = maker.reference().split("\n## ")[1:]
    said = {re.match(r"`(\w+)`", part)[1]: "**Control**" in part for part in sections}
    assert said == {key: method.control for key, method in methods().items()}


@pytest.mark.parametrize("image", sorted((DOCS / "images").glob("*.png")), ids=lambda p: p.name)
def test_every_picture_is_shown_on_a_page(image):
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    assert any(f"images/{image.name}" in page.read_text("utf-8") for page in pages)


def test_the_example_of_a_method_in_one_file_is_registered_and_answers(monkeypatch):
    before = dict(methods())
    monkeypatch.setattr(_registry, "_registered", dict(before))
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    code = re.search(r"```python\n(.+?)```", page, re.DOTALL)[1]
    exec(compile(code, "mute.py", "exec"), {"__name__": "napari_latentattr.methods.mute"})
    assert set(methods()) - set(before) == {"mute"}
    cohort = people()
    found = attribute(linear_model(), cohort[3], 1, method="mute", level=0.5)
    assert found.volume.shape == cohort[3].data.shape
    assert found.score.min() >= 0 < found.score.max()
