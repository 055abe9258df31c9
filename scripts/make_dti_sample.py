"""Make the DTI sample of the package from the fractional anisotropy and first eigenvector.

Usage: python scripts/make_dti_sample.py SOURCE [OUT]

SOURCE holds ``dti_FA.nii.gz``, ``dti_V1.nii.gz`` and ``LICENSE``. Written are the four-channel
image, the brain mask, the bundle labels and the table of cases; geometry is that of the source.
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

OUT = Path(__file__).parents[1] / "src/napari_latentattr/samples/data/dti"
# Axial slices of the source (first is the lowest) with brain from temporal lobes to vertex.
SLICES = slice(8, 47)
# Axial slices in which the corpus callosum is one connected body; beyond are stray voxels.
CALLOSUM_SLICES = slice(27, 37)
CALLOSUM_HALF_WIDTH = 14  # voxels from the midline; farther out the fibres turn upwards
ANISOTROPIC = 0.4

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


def channels_of(fa: Float, v1: Float) -> Float:
    """Stack FA and its left-right, front-back and up-down parts, (X, Y, Z, 4).

    FA above 1 is noise at the rim of the head.
    """
    fa = np.clip(fa, 0, 1)
    return np.concatenate([fa[..., None], fa[..., None] * np.abs(v1)], axis=-1)


def brain_of(fa: Float) -> Bool:
    """Find voxels with signal, opened and filled slice by slice, in the slices that are used."""
    brain = np.zeros(fa.shape, dtype=bool)
    for z in range(*SLICES.indices(fa.shape[2])):
        brain[..., z] = ndimage.binary_fill_holes(ndimage.binary_opening(fa[..., z] > 0.02))
    return brain


def largest(mask: Bool, count: int) -> Bool:
    """Keep the `count` largest connected components."""
    component, n = ndimage.label(mask)
    size = ndimage.sum_labels(mask, component, np.arange(1, n + 1))
    return np.isin(component, 1 + np.argsort(-size, kind="stable")[:count])


def labels_of(fa: Float, v1: Float, brain: Bool) -> npt.NDArray[np.uint8]:
    """Label 1 the corpus callosum, 2 up-down and 3 front-back bundles.

    They cannot overlap: the squares of the three thresholds sum to more than 1 in pairs, and v1
    has length 1.
    """
    x, y, z = np.abs(np.moveaxis(v1, -1, 0))
    midline = round(ndimage.center_of_mass(fa > 0.02)[0])
    near = np.abs(np.arange(fa.shape[0]) - midline) <= CALLOSUM_HALF_WIDTH
    callosum = largest((fa > ANISOTROPIC) & (x > 0.75) & near[:, None, None], 1)
    inside = np.zeros(fa.shape, dtype=bool)
    inside[..., CALLOSUM_SLICES] = True
    labels = np.zeros(fa.shape, dtype=np.uint8)
    labels[largest(callosum & inside & brain, 1)] = 1
    labels[largest((fa > ANISOTROPIC) & (z > 0.8) & brain, 2)] = 2
    labels[largest((fa > ANISOTROPIC) & (y > 0.8) & brain, 2)] = 3
    return labels


def save(path: Path, data: npt.NDArray[np.uint8], affine: Float, slope: float = 1.0) -> None:
    """Write uint8 voxels with their geometry in both header fields; value = slope * voxel."""
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, code=2)
    image.set_qform(affine, code=2)
    image.header.set_xyzt_units("mm")
    image.header.set_slope_inter(slope, 0.0)
    # mtime=0: the same source gives the same bytes
    path.write_bytes(gzip.compress(image.to_bytes(), 9, mtime=0))


def main(source: Path, out: Path = OUT) -> None:
    """Read the source folder and write the sample."""
    image = nib.load(source / "dti_FA.nii.gz")
    fa = np.asarray(image.dataobj, dtype=np.float64)[..., 0]
    v1 = np.asarray(nib.load(source / "dti_V1.nii.gz").dataobj, dtype=np.float64)
    brain = brain_of(fa)
    labels = labels_of(fa, v1, brain)
    out.mkdir(parents=True, exist_ok=True)
    quantised = np.round(255 * channels_of(fa, v1)).astype(np.uint8)
    save(out / "dti.nii.gz", quantised, image.affine, slope=1 / 255)
    save(out / "mask.nii.gz", brain.astype(np.uint8), image.affine)
    save(out / "labels.nii.gz", labels, image.affine)
    shutil.copyfile(source / "LICENSE", out / "LICENSE.txt")
    row = "case,patient,mask,labels,image\ndti,P1,mask.nii.gz,labels.nii.gz,dti.nii.gz\n"
    (out / "cases.csv").write_text(row, encoding="utf-8")
    print(f"brain {brain.sum()}, labels {np.bincount(labels.ravel())[1:]} voxels")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
