"""Versions of what a result depends on, read without importing anything heavy."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata

_PACKAGES = ("napari-latentattr", "numpy", "scipy", "scikit-learn", "torch", "SimpleITK")


def installed_versions() -> dict[str, str]:
    """Name and version of each package that can change a number."""
    return dict(_read_once())


@lru_cache(maxsize=1)
def _read_once() -> tuple[tuple[str, str], ...]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return tuple(found.items())
