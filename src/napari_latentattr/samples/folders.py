"""Where the sample data of the package lies; knows nothing of what is in the files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def sample_folder(name: Literal["dti", "colin27"]) -> Path:
    """Folder of one sample.

    Parameters
    ----------
    name : {"dti", "colin27"}
        ``"dti"`` holds real images of one person. ``"colin27"`` holds the real anatomy of one
        person, from which a cohort is simulated.
    """
    return Path(__file__).parent / "data" / name
