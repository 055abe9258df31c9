"""What the files of a study are like, in a few digests: whether results still belong to them.

Texts count by their content, images and weights by size and time of change: no image is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from napari_latentattr.core.errors import InputError
from napari_latentattr.io.case_table import read_case_table
from napari_latentattr.io.file_digest import digest_files
from napari_latentattr.io.study_file import ModelEntry, read_study_file


def digest_study(path: Path) -> dict[str, str]:
    """Digest of each part of a study that can change.

    Parameters
    ----------
    path : Path
        The study file.

    Returns
    -------
    dict of str to str
        SHA-256 by part, in words: ``study file``, ``table of cases``, ``model files``, ``images``.

    Raises
    ------
    InputError
        When a file cannot be read or does not exist.
    """
    study = read_study_file(path)
    rows = read_case_table(study.cases, channels=study.channels).rows
    images = (file for row in rows for file in (*row.images, row.mask, row.labels) if file)
    try:
        return {
            "study file": sha256(path.read_bytes()).hexdigest(),
            "table of cases": sha256(study.cases.read_bytes()).hexdigest(),
            "model files": digest_files(_model_files(study.model)),
            "images": digest_files(images),
        }
    except OSError as error:
        raise InputError(
            f"{error.filename}: cannot be read ({error.strerror}); check the files of the study"
        ) from error


def _model_files(model: ModelEntry) -> Iterator[Path]:
    yield model.weights
    if model.code is not None:
        yield Path(model.code.rpartition(":")[0])
