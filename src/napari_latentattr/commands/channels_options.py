"""Options of the command that says which image drives which map; loads no method."""

from __future__ import annotations

import argparse


def add_channels_options(parser: argparse.ArgumentParser) -> None:
    """Add which maps are asked, where, and what counts as a driver."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--map",
        type=int,
        nargs="+",
        dest="maps",
        metavar="K",
        help="maps named beforehand, by number; all when absent",
    )
    which.add_argument(
        "--top", action="store_true", help="rank first, then speak of the map that ranks first"
    )
    parser.add_argument("--region", metavar="LABEL", help="ask only inside this label")
    parser.add_argument(
        "--tau", type=float, default=0.03, help="ratio too small to matter (default 0.03)"
    )
    parser.add_argument("--donors", type=int, default=4, help="other cases a case (default 4)")
    parser.add_argument(
        "--volumes", action="store_true", help="also write where each image moves the maps"
    )
    parser.add_argument(
        "--likeness",
        action="store_true",
        help="also say whose pattern the maps look like; an association, no driver",
    )
    parser.add_argument(
        "--one-case",
        action="store_true",
        help="accept a study of one case; the answer is approximate",
    )
