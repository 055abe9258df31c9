"""The methods that can be asked: one function in one file each, found by walking this folder.

Others add theirs through the entry-point group ``napari_latentattr.methods``. Refuses to know what
any method computes.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from threading import Lock
from types import MappingProxyType
from typing import Literal, TypeAlias, TypeVar, get_args

from napari_latentattr.core.types import Attribution
from napari_latentattr.methods._parameters import CONTEXT, SUBJECT, Parameter, parameters_of

Claim: TypeAlias = Literal["complete", "ignores_unused_channel", "symmetric"]
View: TypeAlias = Literal["where", "drawn"]
F = TypeVar("F", bound=Callable[..., Attribution])

ENTRY_POINTS = "napari_latentattr.methods"
_PACKAGE = __name__.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Method:
    """One way to attribute a latent map, with all that is shown of it.

    Attributes
    ----------
    key, title : str
    source : str
        Where it comes from: author, venue, year.
    claims : frozenset of str
        Axioms that hold exactly: ``complete`` (the scores add up to the change of the map),
        ``ignores_unused_channel`` (an image without any weight gets exactly nothing) and
        ``symmetric`` (equal images with equal weights get the same).
    view : {"where", "drawn"}
        Where the images drive the map, or what the decoder draws from it.
    control : bool
        Kept for comparison only; its answers mislead.
    help : str
        First paragraph of its docstring.
    parameters : tuple of Parameter
    context : frozenset of str
        Which of ``cohort``, ``latents``, ``seed`` and ``progress`` it takes. ``latents`` (*L), bool
        or None for those of the body, are the latents of the map that count; a method that does
        not take them cannot be asked about a region or a voxel.
    function : callable
    many : callable or None
        Answers for several maps from shared passes: like `function`, with a tuple of maps in place
        of `target`, and gives a tuple. Several maps are asked one by one when None.
    """

    key: str
    title: str
    source: str
    claims: frozenset[Claim]
    view: View
    control: bool
    help: str
    parameters: tuple[Parameter, ...]
    context: frozenset[str]
    function: Callable[..., Attribution]
    many: Callable[..., tuple[Attribution, ...]] | None = None


_registered: dict[str, Method] = {}
_lock = Lock()  # never held while importing: imports have locks of their own


def register(
    key: str,
    *,
    title: str,
    source: str,
    claims: AbstractSet[Claim] = frozenset(),
    view: View = "where",
    control: bool = False,
    many: Callable[..., tuple[Attribution, ...]] | None = None,
) -> Callable[[F], F]:
    """Make a function a method of that key; used as a decorator.

    Parameters
    ----------
    key : str
        Identifier for code, command line and file names.
    title, source, claims, view, control, many
        As in `Method`.

    Raises
    ------
    ValueError
        When the key is taken, or the function is not one that a form can be made of.
    """

    def add(function: F) -> F:
        if not function.__module__.startswith(f"{_PACKAGE}."):
            _load_built_ins()  # so that none of their keys is taken
        doc = inspect.getdoc(function) or ""
        made = Method(
            key=key,
            title=title,
            source=source,
            claims=frozenset(claims),
            view=view,
            control=control,
            help=" ".join(doc.partition("\n\n")[0].split()),
            parameters=parameters_of(function),
            context=frozenset(CONTEXT) & set(inspect.signature(function).parameters),
            function=function,
            many=many,
        )
        _check(made)
        with _lock:
            if key in _registered:
                raise ValueError(f"there is a method {key} already; choose another key")
            _registered[key] = made
        return function

    return add


def methods() -> Mapping[str, Method]:
    """All methods by key: first those of where, then of what is drawn; controls last.

    Returns
    -------
    mapping of str to Method
        Read-only.
    """
    _load_built_ins()
    _load_entry_points()
    ordered = sorted(_registered.values(), key=lambda m: (m.control, m.view != "where", m.key))
    return MappingProxyType({method.key: method for method in ordered})


def _check(method: Method) -> None:
    if not method.key.isidentifier():
        raise ValueError(f"a key is an identifier like integrated_gradients, got {method.key!r}")
    if not (method.title and method.source and method.help):
        raise ValueError(f"method {method.key} needs a title, a source and a docstring")
    unknown = method.claims - set(get_args(Claim))
    if unknown or method.view not in get_args(View):
        raise ValueError(
            f"method {method.key}: claims are {', '.join(get_args(Claim))} and views "
            f"{', '.join(get_args(View))}, got {sorted(unknown)} and {method.view!r}"
        )
    asked = list(inspect.signature(method.function).parameters)[len(SUBJECT) :]
    if method.many and list(inspect.signature(method.many).parameters)[len(SUBJECT) :] != asked:
        raise ValueError(f"method {method.key}: many must take the keywords {', '.join(asked)}")


@lru_cache(maxsize=1)
def _load_built_ins() -> None:
    for found in iter_modules(import_module(_PACKAGE).__path__):
        if not found.name.startswith("_"):
            import_module(f"{_PACKAGE}.{found.name}")


@lru_cache(maxsize=1)
def _load_entry_points() -> None:
    for entry in entry_points(group=ENTRY_POINTS):
        _load_entry_point(entry)


def _load_entry_point(entry: EntryPoint) -> None:
    """Import one third-party method; a broken one is told and leaves nothing behind."""
    before = set(_registered)
    try:
        entry.load()
    except Exception as error:  # whatever a stranger's module raises must not stop the others
        for key in set(_registered) - before:
            del _registered[key]
        warnings.warn(f"the method {entry.name} ({entry.value}) is left out: {error}", stacklevel=2)
