"""Pickles for other processes, of networks whose code those cannot import: it is sent along."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

from napari_latentattr.core.errors import InputError


def dumps(value: object) -> bytes:
    """Pickle a value, with the code of classes that lie in no installed package.

    Raises
    ------
    InputError
        When something in it cannot be pickled.
    """
    with ExitStack() as stack:
        for module in _own_modules(value):
            cloudpickle.register_pickle_by_value(module)
            stack.callback(cloudpickle.unregister_pickle_by_value, module)
        try:
            return bytes(cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise InputError(
                f"the model or the cases cannot be sent to workers ({error}); keep open files and "
                "locks out of the network"
            ) from error


def _own_modules(value: object) -> list[ModuleType]:
    """Modules of classes met in a value that other processes may not find."""
    names = {type(part).__module__ for part in _parts(value, set())}
    found = [sys.modules[name] for name in sorted(names) if name in sys.modules]
    return [module for module in found if module.__name__ != "__main__" and not _installed(module)]


def _parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """Everything reachable through tuples, attributes and submodules of our own holders."""
    if id(value) in seen:
        return
    seen.add(id(value))
    yield value
    if isinstance(value, tuple | list):
        for part in value:
            yield from _parts(part, seen)
    elif hasattr(value, "modules"):
        yield from value.modules()
    elif type(value).__module__.startswith("napari_latentattr"):
        for name in ("model", "module", "cohort", "cases", "_source", "whole"):
            if hasattr(value, name):
                yield from _parts(getattr(value, name), seen)


def _installed(module: ModuleType) -> bool:
    """Whether a module belongs to Python, to an installed package or to this one."""
    top = module.__name__.partition(".")[0]
    if top in ("napari_latentattr", "torch") or top in sys.stdlib_module_names:
        return True
    file = getattr(module, "__file__", None)
    return file is not None and "site-packages" in Path(file).parts
