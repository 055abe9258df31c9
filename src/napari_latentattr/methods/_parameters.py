"""The parameters of a method, read from its signature and its docstring.

Refuses to know what the method computes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import did_you_mean

Kind: TypeAlias = Literal["number", "integer", "choice", "flag"]
Value: TypeAlias = float | int | str | bool

# What a method is given by whoever runs it; the rest of its keywords are parameters.
CONTEXT = ("cohort", "latents", "seed", "progress")
SUBJECT = ("model", "stack", "target")
MOST = 6

_KINDS: dict[Any, Kind] = {float: "number", int: "integer", bool: "flag"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Smallest and largest value of a number, its unit, and a sensible step."""

    low: float
    high: float
    unit: str = ""
    step: float | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One keyword of a method, with all that a form or a command line needs to ask for it.

    Attributes
    ----------
    name, title : str
    default : number, str or bool
    kind : {"number", "integer", "choice", "flag"}
    bounds : Bounds or None
        Of a number or integer.
    choices : tuple of str
    help : str
        One sentence.
    """

    name: str
    title: str
    default: Value
    kind: Kind
    bounds: Bounds | None
    choices: tuple[str, ...]
    help: str

    def accept(self, value: object) -> Value:
        """Value as the method wants it.

        Raises
        ------
        InputError
            When it is of another kind or out of bounds.
        """
        if self.kind == "flag" and isinstance(value, bool):
            return value
        if self.kind == "choice" and isinstance(value, str) and value in self.choices:
            return value
        number = _number(value, whole=self.kind == "integer")
        if number is not None and self.bounds and self.bounds.low <= number <= self.bounds.high:
            return number
        hint = did_you_mean(value, self.choices) if isinstance(value, str) else ""
        raise InputError(f"{self.name} must be {self.expected}, got {value!r}{hint}")

    def read(self, text: str) -> Value:
        """Value that somebody typed.

        Raises
        ------
        InputError
            When it is of another kind or out of bounds.
        """
        if self.kind == "flag":
            return self.accept({"true": True, "false": False}.get(text.lower(), text))
        if self.kind == "choice":
            return self.accept(text)
        try:
            return self.accept(int(text) if self.kind == "integer" else float(text))
        except ValueError:
            return self.accept(text)

    @property
    def expected(self) -> str:
        """What values are accepted, in words."""
        if self.bounds is not None:
            kind = "a whole number" if self.kind == "integer" else "a number"
            unit = f" {self.bounds.unit}" if self.bounds.unit else ""
            return f"{kind} from {self.bounds.low:g} to {self.bounds.high:g}{unit}"
        return " or ".join(map(repr, self.choices)) if self.choices else "true or false"


def _number(value: object, *, whole: bool) -> float | int | None:
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value) if whole else float(value)
    return float(value) if isinstance(value, float | np.floating) and not whole else None


def parameters_of(function: Callable[..., object]) -> tuple[Parameter, ...]:
    """Parameters of a method in the order of its signature.

    Raises
    ------
    ValueError
        When one of them has no bounds, no documentation, no usable default or no known kind.
    """
    signature = inspect.signature(function).parameters
    name = function.__name__
    if tuple(signature)[:3] != SUBJECT:
        raise ValueError(f"method {name} must take {', '.join(SUBJECT)} first")
    asked = {key: p for key, p in signature.items() if key not in (*SUBJECT, *CONTEXT)}
    if len(asked) > MOST:
        raise ValueError(f"method {name} has {len(asked)} parameters; at most {MOST} fit a form")
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ValueError(f"method {name}: import what its annotations name: {error}") from error
    described = _descriptions(inspect.getdoc(function) or "")
    return tuple(_parameter(name, p, hints.get(key), described) for key, p in asked.items())


def _parameter(
    method: str, found: inspect.Parameter, hint: object, described: dict[str, str]
) -> Parameter:
    where = f"method {method}, parameter {found.name}"
    if found.kind is not inspect.Parameter.KEYWORD_ONLY or found.default is found.empty:
        raise ValueError(f"{where}: make it keyword-only with a default")
    if not described.get(found.name):
        raise ValueError(f"{where}: describe it under Parameters in the docstring")
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    plain = get_args(hint)[0] if extras else hint
    bounds = next((extra for extra in extras if isinstance(extra, Bounds)), None)
    choices = get_args(plain) if get_origin(plain) is Literal else ()
    kind = "choice" if choices else _KINDS.get(plain)
    if kind is None:
        raise ValueError(f"{where}: use float, int, bool or Literal, got {plain}")
    if kind in ("number", "integer") and bounds is None:
        raise ValueError(f"{where}: give it Bounds")
    title = found.name.replace("_", " ").capitalize()
    made = Parameter(found.name, title, found.default, kind, bounds, choices, described[found.name])
    try:
        made.accept(found.default)
    except InputError as error:
        raise ValueError(f"{where}: the default does not fit: {error}") from error
    return made


def _descriptions(doc: str) -> dict[str, str]:
    """Text under each name in the Parameters section of a numpy docstring."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", doc, re.DOTALL | re.MULTILINE
    )
    described: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].splitlines() if section else ():
        if line and not line[0].isspace():
            names = [name.strip() for name in line.partition(":")[0].split(",")]
        elif line.strip():
            for name in names:
                described[name] = f"{described.get(name, '')} {line.strip()}".strip()
    return described
