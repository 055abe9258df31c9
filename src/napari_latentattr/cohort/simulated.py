"""Write the simulated cohort to a folder, as a study that opens like any other.

The anatomy is real (Colin27), everything else in the images is simulated. Refuses to know how.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.io.atomic import write_bytes, write_text
from napari_latentattr.io.volumes import read_volume
from napari_latentattr.io.writing import write_volume
from napari_latentattr.samples.cohort_simulation import (
    CHANNELS,
    SimulatedPatient,
    simulate_patient,
)
from napari_latentattr.samples.folders import sample_folder

_LESION, _DECOY = 1, 2
_README = """\
Simulated images: no patient was examined.
The anatomy is that of one real person (Colin27, licence in LICENSE.txt), deformed at random.
Intensities, noise, lesions (bright in FLAIR alone, the outcome) and decoys (bright in PDw alone)
are invented by napari-latentattr; {patients} patients, seed {seed}.
"""


def write_cohort(
    folder: Path | str, *, patients: int = 28, seed: int = 2026, progress: Progress = SILENT
) -> Path:
    """Simulate patients, half of whom have lesions, and write them as a study.

    Parameters
    ----------
    folder : path
        Made when it is not there; files of the same names are replaced.
    patients : int
        At least 2.
    seed : int
        The same seed gives the same images.
    progress : Progress

    Returns
    -------
    Path
        The study file.

    Raises
    ------
    Cancelled
        When `progress` says so; then there is no study file.
    """
    if patients < 2:
        raise ValueError(f"a cohort needs at least 2 patients, got {patients}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    study = folder / "study.yaml"
    study.unlink(missing_ok=True)
    source = sample_folder("colin27")
    tissue = read_volume(source / "tissue.nii.gz")
    with_lesion = np.random.default_rng(seed).permutation(patients) < patients // 2
    lines = [",".join(["case", "patient", "outcome", "mask", "labels", *CHANNELS])]
    for i in range(patients):
        case = f"P{i + 1:02d}"
        progress.report(i, patients, f"simulating {case}")
        person = simulate_patient(tissue.data, [seed, i], lesion=bool(with_lesion[i]))
        files = _images_of(person, case)
        for name, image in files.items():
            write_volume(folder / name, image, tissue.grid)
        lines.append(",".join([case, case, "yes" if person.has_lesion else "no", *files]))
    progress.report(patients, patients, "cohort simulated")
    write_text(folder / "cases.csv", "\n".join(lines) + "\n")
    write_text(folder / "README.txt", _README.format(patients=patients, seed=seed))
    for name in ("LICENSE.txt", "grouped.safetensors", "study.yaml"):
        write_bytes(folder / name, (source / name).read_bytes())
    return study


def _images_of(person: SimulatedPatient, case: str) -> dict[str, np.ndarray]:
    """Mask, labels (lesion wins where both are) and the channels, by file name."""
    labels = np.where(person.lesion, _LESION, _DECOY * person.decoy).astype(np.uint8)
    images = {f"{case}_mask.nii.gz": person.brain.astype(np.uint8), f"{case}_labels.nii.gz": labels}
    for name, image in zip(CHANNELS, person.data, strict=True):
        images[f"{case}_{name}.nii.gz"] = image
    return images
