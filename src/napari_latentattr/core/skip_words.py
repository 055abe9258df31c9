"""Flag for results of a decoder past which the picture can travel, and what people are told.

The flag is a parameter in the provenance, so it is wherever the result is: in files, in the
metadata of layers, in what is kept between sessions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_NAME = "skips"


def skip_flag(skips: Sequence[str]) -> dict[str, str]:
    """Parameter that names the skip connections of a model; empty where it has none."""
    return {_NAME: ", ".join(skips)} if skips else {}


def skip_suffix(params: Mapping[str, object]) -> str:
    """Words behind the name of a flagged result; empty for any other."""
    return " (skip connection)" if params.get(_NAME) else ""


def skip_note(params: Mapping[str, object]) -> str:
    """Say what a flagged result leaves out, in words without a full stop; empty for any other."""
    if not params.get(_NAME):
        return ""
    return (
        f"the picture can travel around the latent maps ({params[_NAME]}); here that way carries "
        "an empty image, so this shows only part of what the model draws"
    )
