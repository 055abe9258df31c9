"""Says whether an installed wheel is complete: run by an interpreter that has nothing else.

Asks what a user has after ``pip install``: files, light import, manifest, command line. Refuses
to look into the source tree.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import import_module, metadata, resources
from pathlib import Path

DISTRIBUTION = "napari-latentattr"
PACKAGE = "napari_latentattr"
FILES = (
    "napari.yaml",
    "py.typed",
    "samples/data/colin27/LICENSE.txt",
    "samples/data/colin27/README.txt",
    "samples/data/colin27/grouped.safetensors",
    "samples/data/colin27/study.yaml",
    "samples/data/colin27/tissue.nii.gz",
    "samples/data/dti/LICENSE.txt",
    "samples/data/dti/README.txt",
    "samples/data/dti/cases.csv",
    "samples/data/dti/dti.nii.gz",
    "samples/data/dti/grouped.safetensors",
    "samples/data/dti/labels.nii.gz",
    "samples/data/dti/mask.nii.gz",
    "samples/data/dti/plain.safetensors",
    "samples/data/dti/study_grouped.yaml",
    "samples/data/dti/study_plain.yaml",
)
HEAVY = ("torch", "napari", "qtpy", "matplotlib", "sklearn", "SimpleITK")
LARGEST_MB = 5.0


def main() -> None:
    """Check one thing after the other; the first that fails ends the program with a sentence."""
    import_module(PACKAGE)
    loaded = [name for name in HEAVY if name in sys.modules]
    expect(not loaded, f"importing {PACKAGE} loads {', '.join(loaded)}")
    folder = Path(str(resources.files(PACKAGE)))
    expect("site-packages" in folder.parts, f"{PACKAGE} comes from {folder}, not from a wheel")
    missing = [name for name in FILES if not (folder / name).is_file()]
    expect(not missing, f"not in the wheel: {', '.join(missing)}")
    installed = metadata.files(DISTRIBUTION) or []
    expect(any(file.name == "LICENSE" for file in installed), "the licence is not in the wheel")
    written = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    size = sum(file.stat().st_size for file in written) / 1e6
    expect(size < LARGEST_MB, f"the package takes {size:.1f} MB, more than {LARGEST_MB:.0f}")
    check_manifest()
    check_command_line(folder)
    print(f"wheel: {len(written)} files, {size:.1f} MB, complete")


def check_manifest() -> None:
    """Find the plugin as the viewer does, and every function that its manifest names."""
    from npe2 import PluginManifest

    manifest = PluginManifest.from_distribution(DISTRIBUTION)
    manifest.validate_imports()


def check_command_line(folder: Path) -> None:
    """Start the program and open a sample study from a folder that knows neither."""
    program = str(Path(sys.executable).parent / "latentattr")
    study = str(folder / "samples" / "data" / "dti" / "study_grouped.yaml")
    with tempfile.TemporaryDirectory() as elsewhere:
        for arguments in (["--help"], ["inspect", study]):
            done = subprocess.run(
                [program, *arguments], cwd=elsewhere, capture_output=True, text=True, check=False
            )
            said = f"latentattr {' '.join(arguments)} ended with {done.returncode}: {done.stderr}"
            expect(done.returncode == 0 and bool(done.stdout), said)


def expect(holds: bool, sentence: str) -> None:
    """End the program with a sentence unless something holds."""
    if not holds:
        sys.exit(f"wheel: {sentence}")


if __name__ == "__main__":
    main()
