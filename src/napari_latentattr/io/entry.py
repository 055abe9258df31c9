"""JSON that programs wrote, read with suspicion: every value is asked for by key and kind.

Unknown keys are left alone, so that later versions may add some. Refuses to know what keys mean.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

from napari_latentattr.core.errors import InputError
from napari_latentattr.io.yaml_file import describe

_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Entry:
    """One mapping of a JSON file.

    Attributes
    ----------
    values : dict
    where : str
        What it is part of, in words; messages begin with it.

    Every method raises InputError when the key is missing or holds another kind of value.
    """

    values: dict[str, Any]
    where: str

    def text(self, key: str) -> str:
        """Return a text, which may be empty."""
        value = self._get(key)
        if isinstance(value, str):
            return value
        self._refuse(key, "a text", value)

    def truth(self, key: str) -> bool:
        """Return true or false."""
        value = self._get(key)
        if isinstance(value, bool):
            return value
        self._refuse(key, "true or false", value)

    def whole(self, key: str) -> int:
        """Return a whole number."""
        return self._whole(key, self._get(key))

    def number(self, key: str) -> float:
        """Return a number; NaN where the file holds null."""
        return self._number(key, self._get(key))

    def wholes(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers."""
        return tuple(self._whole(key, value) for value in self._list(key))

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return a list of numbers; NaN where the file holds null."""
        return tuple(self._number(key, value) for value in self._list(key))

    def rows(self, key: str) -> tuple[tuple[float, ...], ...]:
        """Return a list of lists of numbers; NaN where the file holds null."""
        found = []
        for row in self._list(key):
            if not isinstance(row, list):
                self._refuse(key, "a list of lists", row)
            found.append(tuple(self._number(key, value) for value in row))
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            self._refuse(key, "a list of texts", values)
        return tuple(values)

    def entry(self, key: str) -> Entry:
        """Return a mapping inside this one."""
        return self._entry(key, self._get(key))

    def entries(self, key: str) -> list[Entry]:
        """Return a list of mappings inside this one."""
        return [self._entry(key, value) for value in self._list(key)]

    def has(self, key: str) -> bool:
        """Whether there is such a key with a value other than null."""
        return self.values.get(key) is not None

    def _get(self, key: str) -> Any:
        if key not in self.values:
            raise InputError(f"{self.where} lacks {key}; the file is damaged or of another program")
        return self.values[key]

    def _list(self, key: str) -> list[Any]:
        value = self._get(key)
        if isinstance(value, list):
            return value
        self._refuse(key, "a list", value)

    def _entry(self, key: str, value: object) -> Entry:
        if not isinstance(value, dict):
            self._refuse(key, "a mapping", value)
        return Entry(value, f"{self.where}.{key}")

    def _whole(self, key: str, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _INT64:
            return value
        self._refuse(key, "a whole number", value)

    def _number(self, key: str, value: Any) -> float:
        if value is None:
            return math.nan
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        # JSON can write numbers that no float holds; records in memory may have NaN.
        if plain and not abs(value) > sys.float_info.max:
            return float(value)
        self._refuse(key, "a finite number or null", value)

    def _refuse(self, key: str, expected: str, value: object) -> NoReturn:
        came = describe(value)
        raise InputError(
            f"{self.where}: {key} must be {expected}, got {came}; the file is damaged or of "
            "another program"
        )


def parse(text: str, where: str) -> Entry:
    """Read a JSON text that must hold one mapping.

    Parameters
    ----------
    text : str
    where : str
        What the text is, in words; messages begin with it.

    Raises
    ------
    InputError
        When it is no JSON, is nested beyond reason, or holds something else.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise InputError(f"{where} is nested too deeply to be a result") from error
    except ValueError as error:
        reason = str(error).splitlines()[0][:100]
        raise InputError(f"{where} is cut or no JSON ({reason}); write it again") from error
    if not isinstance(value, dict):
        raise InputError(f"{where} must hold keys and values, got {describe(value)}")
    return Entry(value, where)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
