"""Write the reference of the methods from what is registered: docs/methods.md.

Usage: python scripts/make_method_reference.py

A test fails when the page is not what this makes. Methods of other packages are left out.
"""

from __future__ import annotations

from pathlib import Path

from napari_latentattr import methods
from napari_latentattr.methods._parameters import Parameter
from napari_latentattr.methods._registry import Claim, Method, View

PAGE = Path(__file__).parents[1] / "docs" / "methods.md"
HEAD = """\
# Methods

Made by `scripts/make_method_reference.py` from the code; do not edit by hand.

A method says of one latent map of one case what each image has to do with it. Ask it with
`attribute(model, stack, map, method=KEY)`, or in the window under *Look closer*. None of these
pictures carries a test: which image *drives* a map, with an interval, is what `channel_dependence`
answers, and whether a picture can be read at all is what `check` answers
([Concepts](concepts.md)).
"""
TAIL = """\
A method of your own: [Contributing](../CONTRIBUTING.md#add-a-method-in-one-file).
"""
VIEWS: dict[View, str] = {"where": "Show where", "drawn": "What it draws"}
TARGETS = {True: "whole map, region or one latent", False: "whole map"}
CLAIMS: dict[Claim, str] = {
    "complete": "the scores add up to the change of the map",
    "ignores_unused_channel": "an image without any weight gets exactly nothing",
    "symmetric": "equal images with equal weights get the same",
}


def reference() -> str:
    """Return the whole page."""
    ours = [
        method
        for method in methods().values()
        if method.function.__module__.startswith("napari_latentattr.")
    ]
    return "\n".join([HEAD, *map(_section, ours), TAIL])


def _section(method: Method) -> str:
    claims = [words for claim, words in CLAIMS.items() if claim in method.claims]
    lines = [
        f"## `{method.key}`: {method.title}",
        "",
        method.help,
        "",
        f"- In the window: *{VIEWS[method.view]}*",
        f"- Holds exactly: {'; '.join(claims) or 'nothing'}",
        f"- Other cases: {'used' if 'cohort' in method.context else 'not used'}",
        f"- Target: {TARGETS['latents' in method.context]}",
        f"- Source: {method.source}",
    ]
    if method.control:
        lines.append("- **Control**: kept for comparison only; its answers mislead")
    return "\n".join([*lines, "", *_table(method.parameters)])


def _table(parameters: tuple[Parameter, ...]) -> list[str]:
    if not parameters:
        return []
    rows = [
        f"| `{p.name}` | `{p.default!r}` | {p.expected.replace('|', chr(92) + '|')} | {p.help} |"
        for p in parameters
    ]
    return ["| parameter | default | takes | what it is |", "|---|---|---|---|", *rows, ""]


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
