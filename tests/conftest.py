"""A tiny study on disk, for tests that start from files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

SHAPE = (16, 16, 16)
MODEL = {"n_channels": 2, "n_maps": 4, "ndim": 3, "encoder": "grouped", "width": 4}
STUDY = """\
version: 1
model:
  weights: weights.safetensors
  architecture: conv_autoencoder
  arguments: {n_channels: 2, n_maps: 4, ndim: 3, encoder: grouped, width: 4}
  latent: encoder
channels: [bright, dull]
preprocess: {scaling: none}
cases: cases.csv
labels: {blob: 1}
outcome: blob
seed: 3
"""


def _write_image(path: Path, array: np.ndarray, *, spacing: float = 2.0) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((spacing,) * array.ndim)
    sitk.WriteImage(image, str(path))


def _write_study(folder: Path, n_cases: int = 8) -> Path:
    """Eight people; the blob is bright in the first image alone."""
    import torch
    from safetensors.torch import save_file

    from napari_latentattr.model.architectures import ConvAutoencoder

    folder.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(ConvAutoencoder(**MODEL).state_dict(), folder / "weights.safetensors")
    rng = np.random.default_rng(0)
    rows = ["case,patient,mask,labels,bright,dull"]
    _write_image(folder / "mask.nii.gz", np.ones(SHAPE, dtype=np.uint8))
    for i in range(n_cases):
        z, y, x = rng.integers(0, 12, 3)
        blob = np.zeros(SHAPE, dtype=np.uint8)
        blob[z : z + 6, y : y + 6, x : x + 6] = 1
        images = rng.normal(0, 0.3, (2, *SHAPE)).astype(np.float32)
        images[0] += 6 * blob
        _write_image(folder / f"{i}_labels.nii.gz", blob)
        for name, image in zip(("bright", "dull"), images, strict=True):
            _write_image(folder / f"{i}_{name}.nii.gz", image)
        files = f"{i}_labels.nii.gz,{i}_bright.nii.gz,{i}_dull.nii.gz"
        rows.append(f"c{i},p{i},mask.nii.gz,{files}")
    (folder / "cases.csv").write_text("\n".join(rows) + "\n")
    (folder / "study.yaml").write_text(STUDY)
    return folder / "study.yaml"


@pytest.fixture(scope="session")
def write_study() -> Callable[..., Path]:
    """Writes a study of eight people into a new folder; gives the study file."""
    return _write_study


@pytest.fixture(scope="session")
def tiny_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Study file that no test may change."""
    return _write_study(tmp_path_factory.mktemp("tiny") / "study")
