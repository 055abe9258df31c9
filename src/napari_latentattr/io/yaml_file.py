"""YAML that people write: read safely, checked key by key.

Only plain values are read; aliases are refused because a small file can grow without bound
through them. Refuses to know what the keys mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import did_you_mean, repeated_name
from napari_latentattr.io.text_file import read_text

MAX_BYTES = 2**20

Kinds: TypeAlias = tuple[str, ...]

_KINDS: dict[str, Callable[[Any], bool]] = {
    "nothing": lambda v: v is None,
    "text": lambda v: isinstance(v, str) and v != "",
    "a whole number": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "true or false": lambda v: isinstance(v, bool),
    "a mapping": lambda v: isinstance(v, dict),
    "a list of texts": lambda v: isinstance(v, list) and all(isinstance(e, str) for e in v),
    "a list of numbers": lambda v: isinstance(v, list) and all(_is_number(e) for e in v),
}


def read_yaml(path: Path) -> dict[Any, Any]:
    """Keys and values of a YAML file of at most 1 MB.

    Raises
    ------
    InputError
        When the file cannot be read, is no YAML, or holds something else than keys and values.
    """
    text = read_text(path, max_bytes=MAX_BYTES)
    try:
        _refuse_aliases_and_repeats(path, yaml.compose(text, Loader=yaml.SafeLoader), text)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{path.name}{line}: not readable as YAML ({error.problem})") from error
    except InputError:
        raise
    except Exception as error:  # explicit tags make PyYAML raise nearly anything
        reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise InputError(f"{path.name}: not readable as YAML ({reason})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path.name} must hold keys and values, got {describe(content)}")
    return content


def check_section(where: str, section: dict[Any, Any], keys: Mapping[str, Kinds]) -> dict[str, Any]:
    """Copy of a section whose keys are all known and hold what they may.

    Parameters
    ----------
    where : str
        Path of the section in the file, ``""`` at the top.
    section : dict
    keys : mapping of key to the kinds that its value may have
        The key must be there unless its last kind is ``"absent"``.

    Raises
    ------
    InputError
        With the path of the key that is unknown, missing or of the wrong kind.
    """
    dot = f"{where}." if where else ""
    for key, value in section.items():
        if key not in keys:
            name = " ".join(str(key).split())[:60]
            hint = did_you_mean(name, keys)
            raise InputError(f"unknown key {dot}{name}{hint}; known are {', '.join(keys)}")
        kinds = [kind for kind in keys[key] if kind != "absent"]
        if not any(_KINDS[kind](value) for kind in kinds):
            raise InputError(f"{dot}{key} must be {' or '.join(kinds)}, got {describe(value)}")
    for key, kinds_ in keys.items():
        if key not in section and kinds_[-1] != "absent":
            raise InputError(f"the key {dot}{key} is missing; it must be {kinds_[0]}")
    return dict(section)


def describe(value: object) -> str:
    """Say in a few words what came, for a message."""
    if isinstance(value, dict):
        return f"a mapping with {len(value)} keys"
    if isinstance(value, list):
        return f"a list of {len(value)} values"
    return "nothing" if value is None else repr(value)[:60]


def _is_number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and math.isfinite(value)


def _refuse_aliases_and_repeats(path: Path, top: yaml.Node | None, text: str) -> None:
    """PyYAML would silently keep the last of two equal keys."""
    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, yaml.SafeLoader)):
        raise InputError(f"{path.name}: aliases (*name) are not read; write the value out")
    waiting = [] if top is None else [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            twice = repeated_name(str(key.value) for key, _ in node.value)
            if twice is not None:
                line = node.start_mark.line + 1
                raise InputError(
                    f"{path.name}: the key {twice} comes twice in the mapping from line {line}; "
                    "keep one"
                )
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
