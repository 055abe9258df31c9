"""Versions of what a result depends on, read without importing anything heavy."""

from __future__ import annotations

from importlib import metadata

_PACKAGES = ("napari-latentattr", "numpy", "scipy", "scikit-learn", "torch", "SimpleITK")


def installed_versions() -> dict[str, str]:
    """Name and version of each package that can change a number."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
