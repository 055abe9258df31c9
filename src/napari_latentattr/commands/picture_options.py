"""Options of the commands that ask one method for a picture; loads no method.

What a method takes is known only when it is asked, so its parameters come as ``NAME=VALUE``.
"""

from __future__ import annotations

import argparse


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which method is asked, of which part of the map, and with which values."""
    parser.add_argument(
        "--method", metavar="KEY", default="swaps", help="see docs/methods.md (default swaps)"
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--region", metavar="LABEL", help="only latents inside this label count")
    part.add_argument(
        "--voxel",
        type=latent_index,
        metavar="I,J,K",
        help="only this latent counts: its index in the latent map",
    )
    parser.add_argument(
        "--set",
        type=setting,
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="a parameter of the method; may be given several times",
    )


def map_number(text: str) -> int | str:
    """Read the number of a map, or the word all."""
    return text if text == "all" else _whole_number(text)


def latent_index(text: str) -> tuple[int, ...]:
    """Read the index of a latent from text like ``3,4,5``."""
    return tuple(_whole_number(part.strip()) for part in text.split(","))


def setting(text: str) -> tuple[str, str]:
    """Read name and value of a parameter from text like ``steps=64``."""
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name.strip(), value.strip()


def _whole_number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)
