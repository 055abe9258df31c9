"""The commands of the command line with their options: names, defaults and help, nothing else."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from napari_latentattr.commands.case_options import (
    add_cases_options,
    add_clusters_options,
    add_maximise_options,
)
from napari_latentattr.commands.channels_options import add_channels_options
from napari_latentattr.commands.decode_options import add_decode_options
from napari_latentattr.commands.picture_options import add_picture_options, map_number
from napari_latentattr.commands.streaming_options import add_streaming_options

WRONG = 2  # exit status for wrong use


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without repeating the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="latentattr",
        description="What does a latent feature map capture? Research use, not diagnosis.",
        epilog="Example: latentattr demo",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_inspect(commands)
    _add_rank(commands)
    _add_channels(commands)
    _add_decode(commands)
    _add_attribute(commands)
    _add_check(commands)
    _add_cases(commands)
    _add_clusters(commands)
    _add_maximise(commands)
    _add_view(commands)
    _add_demo(commands)
    _add_benchmark(commands)
    return parser


_Commands = argparse._SubParsersAction  # argparse has no public name for it


def _add_command(
    commands: _Commands[_Parser], name: str, *, does: str, example: str, study: bool = True
) -> _Parser:
    parser = commands.add_parser(
        name,
        help=does,
        description=does,
        epilog=f"Example: latentattr {name} {example}",
        allow_abbrev=False,
    )
    if study:
        parser.add_argument("study", type=Path, metavar="STUDY", help="study file (YAML)")
        parser.add_argument(
            "--trust",
            action="store_true",
            help="run code that came with the model; only for files you made or know",
        )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the results; without it none is kept"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the main result as JSON, nothing else"
    )
    parser.add_argument("--quiet", action="store_true", help="draw no progress bar")
    parser.add_argument("--debug", action="store_true", help="show where the tool itself failed")
    return parser


def _add_inspect(commands: _Commands[_Parser]) -> None:
    _add_command(
        commands,
        "inspect",
        does="Show what is known of the model and of the images.",
        example="study.yaml",
    )


def _add_rank(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "rank",
        does="Say which latent maps carry an outcome, if any do.",
        example="study.yaml --outcome lesion --out results",
    )
    _add_outcome(parser)
    _add_seed(parser)
    add_streaming_options(parser)


def _add_channels(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "channels",
        does="Say which image drives each latent map, with an interval.",
        example="study.yaml --map 17 --volumes --out results",
    )
    add_channels_options(parser)
    _add_outcome(parser, needs=", with --top")
    _add_seed(parser)
    add_streaming_options(parser)


def _add_decode(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "decode",
        does="Show what the decoder draws from latent maps of a case.",
        example="study.yaml --map 17 --case c1 --traverse 9 --out results",
    )
    add_decode_options(parser)
    _add_seed(parser)


def _add_attribute(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "attribute",
        does="Write a picture of where each image drives a latent map, or what the map draws.",
        example="study.yaml --map 17 --method integrated_gradients --set steps=64 --out results",
    )
    parser.add_argument(
        "--map",
        type=map_number,
        nargs="+",
        dest="maps",
        metavar="K",
        required=True,
        help="maps by number, or the word all",
    )
    add_picture_options(parser)
    parser.add_argument("--case", metavar="CASE", help="one case by name; all when absent")
    _add_seed(parser)


def _add_check(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "check",
        does="Say whether a picture of attribute can be read: random weights, deletion, insertion.",
        example="study.yaml --map 17 --method integrated_gradients --case P013 --out results",
    )
    parser.add_argument("--map", type=int, metavar="K", required=True, help="a map by number")
    add_picture_options(parser)
    parser.add_argument("--case", metavar="CASE", help="a case by name; the first when absent")
    _add_seed(parser)


def _add_cases(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "cases",
        does="Show the cases that have most and least of a latent map, one of each patient.",
        example="study.yaml --map 17 --top 9 --out results",
    )
    add_cases_options(parser)
    _add_outcome(parser, needs=", with --by relevance")
    _add_seed(parser)
    add_streaming_options(parser)


def _add_clusters(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "clusters",
        does="Say which cases look alike to the model, with one typical case of each group.",
        example="study.yaml --layout tsne --out results",
    )
    add_clusters_options(parser)
    _add_seed(parser)
    add_streaming_options(parser)


def _add_maximise(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "maximise",
        does="Make up a picture that excites a latent map, beside the cases that excite it most.",
        example="study.yaml --map 17 --out results",
    )
    add_maximise_options(parser)
    _add_seed(parser)
    add_streaming_options(parser)


def _add_view(commands: _Commands[_Parser]) -> None:
    does = "Open napari with the study in it."
    parser = commands.add_parser(
        "view",
        help=does,
        description=does,
        epilog="Example: latentattr view study.yaml",
        allow_abbrev=False,
    )
    parser.add_argument("study", type=Path, metavar="STUDY", help="study file (YAML)")
    parser.add_argument("--answer", action="store_true", help="rank and measure at once")
    parser.add_argument("--trust", action="store_true", help="run code that came with the model")
    parser.add_argument("--quiet", action="store_true", help="say nothing at the end")
    parser.add_argument("--debug", action="store_true", help="show where the tool itself failed")
    parser.set_defaults(out=None, json=False)


def _add_demo(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "demo",
        does="Show on sample data what the tool answers, and what it refuses to answer.",
        example="--out latentattr-demo",
        study=False,
    )
    parser.set_defaults(out=Path("latentattr-demo"))
    parser.add_argument(
        "--cohort", action="store_true", help="a simulated cohort instead of real DTI (slower)"
    )
    parser.add_argument(
        "--view", action="store_true", help="also open napari, where there is a display"
    )
    _add_seed(parser)


def _add_benchmark(commands: _Commands[_Parser]) -> None:
    parser = _add_command(
        commands,
        "benchmark",
        does="Measure on this computer how fast and how right the tool is.",
        example="truth --out benchmark",
        study=False,
    )
    parser.add_argument("what", choices=("speed", "truth"), help="what to measure")
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="a few minutes; truth: contest alone")
    effort.add_argument("--full", action="store_true", help="as long as for a publication")
    parser.add_argument(
        "--keep-memory", action="store_true", help="let glibc keep freed memory (speed only)"
    )


def _add_outcome(parser: _Parser, *, needs: str = "") -> None:
    parser.add_argument(
        "--outcome", metavar="NAME", help=f"column or label; that of the study when absent{needs}"
    )


def _add_seed(parser: _Parser) -> None:
    parser.add_argument("--seed", type=_seed, help="that of the study when absent")


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)
