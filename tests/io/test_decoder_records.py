from __future__ import annotations

import json

import numpy as np

from napari_latentattr.core.latent_response import LatentResponse
from napari_latentattr.core.types import MapRef, Provenance
from napari_latentattr.io.decoder_records import norms_of, response_csv, response_record
from napari_latentattr.io.standard_json import json_text

FOUND = LatentResponse(
    (MapRef("encoder", 0), MapRef("encoder", 1)),
    np.array([[1.0, np.nan], [0.25, np.nan]]),
    4,
    2,
    "patients",
    Provenance("latent_response", {"cases": 4, "donors": 2, "skips": "first"}, 7),
)


def test_rows_are_the_exchanged_maps_and_what_does_not_exist_is_null_or_empty():
    record = json.loads(json_text(response_record(FOUND)))
    assert record["matrix"] == [[1.0, None], [0.25, None]]
    assert record["maps"] == ["encoder:0", "encoder:1"]
    assert record["provenance"]["params"]["skips"] == "first"
    assert response_csv(FOUND) == "exchanged,encoder:0,encoder:1\nencoder:0,1,\nencoder:1,0.25,\n"


def test_the_norm_of_an_image_is_the_root_of_its_sum_of_squares():
    images = np.zeros((2, 3, 4), dtype=np.float32)
    images[0, 0, :2] = 3, -4
    assert norms_of(images) == [5.0, 0.0]
