"""Make the tissue fractions of the simulated cohort from the skull-stripped Colin27 T1.

Usage: python scripts/make_tissue_sample.py SOURCE [OUT]

SOURCE holds ``ch2bet.nii.gz`` and ``LICENSE.txt``. Each 1 mm voxel of the brain is shared between
cerebrospinal fluid, grey and white matter by a mixture of three normal distributions; blocks of
3 x 3 x 3 voxels are averaged.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
from scipy import ndimage

OUT = Path(__file__).parents[1] / "src/napari_latentattr/samples/data/colin27"
SHAPE = (60, 72, 60)  # voxels of 3 mm; divisible by the stride 4 of the autoencoder
BLOCK = 3

Float = npt.NDArray[np.float64]


def fit_mixture(values: Float, *, rounds: int = 60) -> tuple[Float, Float, Float]:
    """Find mean, standard deviation and weight of three normal distributions, by EM."""
    mean = np.percentile(values, [8, 40, 80])
    sd = np.full(3, values.std() / 3)
    weight = np.ones(3) / 3
    for _ in range(rounds):
        share = responsibilities(values, mean, sd, weight)
        total = share.sum(0)
        mean = (share * values[:, None]).sum(0) / total
        sd = np.sqrt((share * (values[:, None] - mean) ** 2).sum(0) / total)
        weight = total / total.sum()
    return mean, sd, weight


def responsibilities(values: Float, mean: Float, sd: Float, weight: Float) -> Float:
    """Give each value its probability of each class, (..., 3)."""
    density = weight * np.exp(-0.5 * ((values[..., None] - mean) / sd) ** 2) / sd
    return np.asarray(density / (density.sum(-1, keepdims=True) + 1e-30))


def fractions_of(t1: Float) -> Float:
    """Share each voxel between fluid, grey and white matter, (X, Y, Z, 3); 0 outside the brain."""
    brain = ndimage.binary_opening(t1 > 0)
    mean, sd, weight = fit_mixture(t1[brain][::17])
    share = responsibilities(t1, mean, sd, weight)
    # beyond the outer means the narrowest distribution loses to the widest, which is not tissue
    share[t1 < mean[0]] = [1, 0, 0]
    share[t1 > mean[2]] = [0, 0, 1]
    return np.asarray(share * brain[..., None])


def main(source: Path, out: Path = OUT) -> None:
    """Read the source folder and write the sample."""
    image = nib.load(source / "ch2bet.nii.gz")
    crop = tuple(slice(0, BLOCK * n) for n in SHAPE)
    fractions = fractions_of(np.asarray(image.dataobj, dtype=np.float64)[crop])
    x, y, z = SHAPE
    coarse = fractions.reshape(x, BLOCK, y, BLOCK, z, BLOCK, 3).mean((1, 3, 5))
    # the centre of a block is its middle voxel
    middle = (BLOCK - 1) / 2
    step = np.diag([BLOCK, BLOCK, BLOCK, 1.0])
    step[:3, 3] = middle
    affine = image.affine @ step
    sample = nib.Nifti1Image(np.round(255 * coarse).astype(np.uint8), affine)
    sample.set_sform(affine, code=4)
    sample.set_qform(affine, code=4)
    sample.header.set_xyzt_units("mm")
    sample.header.set_slope_inter(1 / 255, 0.0)
    out.mkdir(parents=True, exist_ok=True)
    # mtime=0: the same source gives the same bytes
    (out / "tissue.nii.gz").write_bytes(gzip.compress(sample.to_bytes(), 9, mtime=0))
    shutil.copyfile(source / "LICENSE.txt", out / "LICENSE.txt")
    print("mean fractions in the image", coarse.mean((0, 1, 2)).round(3))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
