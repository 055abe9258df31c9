"""One file per method, a function each.

Called, the package lists them: ``napari_latentattr.methods()``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_latentattr.methods._registry import Method


class _Methods(ModuleType):
    """The package under the name of the function: import gives a subpackage that name for good."""

    def __call__(self) -> Mapping[str, Method]:
        from napari_latentattr.methods._registry import methods

        return methods()


sys.modules[__name__].__class__ = _Methods
