from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import napari_latentattr

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield node


@pytest.mark.parametrize("name", napari_latentattr.__all__)
def test_every_public_name_is_where_the_package_says(name):
    thing = getattr(napari_latentattr, name)
    assert thing.__name__ == name


def test_a_name_that_is_not_public_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = napari_latentattr.nonsense


def test_every_public_name_is_completed_and_documented():
    assert dir(napari_latentattr) == sorted(napari_latentattr.__all__)
    assert all(getattr(napari_latentattr, name).__doc__ for name in napari_latentattr.__all__)


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"torch", "qtpy", "PyQt6", "napari", "matplotlib", "sklearn", "SimpleITK", "scipy"}
    code = f"import sys, napari_latentattr; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_of_the_package_is_in_the_changelog():
    version = metadata.version("napari-latentattr")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_torch_load_refuses_pickled_code():
    # An environment variable can turn the default around, so the default is not enough.
    for path in SOURCES:
        for call in calls(path):
            if ast.unparse(call.func) == "torch.load":
                given = {word.arg: ast.unparse(word.value) for word in call.keywords}
                assert given.get("weights_only") == "True", f"{path}:{call.lineno}"


def test_nothing_in_the_package_prints():
    printing = [
        f"{p}:{c.lineno}" for p in SOURCES for c in calls(p) if ast.unparse(c.func) == "print"
    ]
    assert not printing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.slow
def test_the_example_of_the_readme_answers(capsys):
    code = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    exec(compile(code.group(1), "README.md", "exec"), {})
    assert "is driven by FA (ratio 1.00" in capsys.readouterr().out
