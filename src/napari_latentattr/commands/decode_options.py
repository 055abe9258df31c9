"""Options of the command that shows what the decoder draws; loads no method."""

from __future__ import annotations

import argparse


def add_decode_options(parser: argparse.ArgumentParser) -> None:
    """Add which maps and case, by which method, and what else is drawn."""
    parser.add_argument(
        "--map",
        type=int,
        nargs="+",
        dest="maps",
        metavar="K",
        help="maps by number; all when absent, and only then it is known what they miss together",
    )
    parser.add_argument("--case", metavar="NAME", help="the first of the study when absent")
    parser.add_argument(
        "--method",
        default="shapley",
        metavar="KEY",
        help="shapley, secant, main_effect; to compare leave_one_out, solo (default shapley)",
    )
    parser.add_argument(
        "--pairs",
        type=int,
        metavar="N",
        help="pairs of random orders, for shapley; more than 1 tell its error (default 1)",
    )
    parser.add_argument(
        "--traverse", type=int, metavar="STEPS", help="also draw the named maps from weak to strong"
    )
    parser.add_argument(
        "--response",
        action="store_true",
        help="also ask which maps read what one map draws; takes long with many maps",
    )
