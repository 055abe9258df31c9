"""Turn screenshots into the pictures of the documentation, each below 300 kB.

Usage: python scripts/make_docs_images.py SHOTS

SHOTS is what ``make_screenshots.py SHOTS page page_light`` made. The canvas keeps as many bits of
gray as fit the limit, at least five; text and charts stay as they are.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LIMIT = 300_000  # bytes
PICTURES = {
    "window": "page_8a_where",
    "side_by_side": "page_8c_side_by_side",
    "window_3d": "page_12d_where_3d",
    "where_simulated": "page_11e_region",
    "ranked_light": "page_light_5_ranked",
    "gate_not_passed_light": "page_light_11b_gate_not_passed",
    "cohort_light": "page_light_13c_cohort_outcome",
    "top_cases_light": "page_light_12k_top_cases",
}
# Canvas of a window of 1360 x 850: rows, then columns
CANVAS = slice(24, 778), slice(334, 881)


def packed(pixels: np.ndarray, bits: int) -> bytes:
    """Return a PNG whose canvas has this many bits a colour."""
    step = 1 << (8 - bits)
    kept = pixels.copy()
    rounded = np.rint(kept[CANVAS] / step) * step
    kept[CANVAS] = np.clip(rounded, 0, 255).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(kept).save(file, "PNG", optimize=True)
    return file.getvalue()


def main(arguments: list[str]) -> int:
    """Write every picture."""
    for name, shot in PICTURES.items():
        pixels = np.asarray(Image.open(Path(arguments[0]) / f"{shot}.png").convert("RGB"))
        for bits in (8, 7, 6, 5):
            data = packed(pixels, bits)
            if len(data) < LIMIT:
                break
        (IMAGES / f"{name}.png").write_bytes(data)
        print(f"{name}: {len(data) // 1000} kB, canvas with {bits} bits")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
