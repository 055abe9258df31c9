"""Versions of what a result depends on, read without importing anything heavy."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata

_PACKAGES = ("napari-latentattr", "numpy", "scipy", "scikit-learn", "torch", "SimpleITK")


def installed_versions(device: str = "") -> dict[str, str]:
    """Name and version of each package that can change a number, and the device if one did."""
    return {**dict(_read_once()), **({"device": device} if device else {})}


@lru_cache(maxsize=1)
def _read_once() -> tuple[tuple[str, str], ...]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return tuple(found.items())
