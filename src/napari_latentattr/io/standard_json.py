"""Records as standard JSON, which has no NaN: numbers that do not exist become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np


def json_text(record: Mapping[str, object]) -> str:
    """Text of a record, arrays as lists."""
    return json.dumps(_standard(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _standard(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _standard(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_standard(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
