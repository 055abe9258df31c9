"""The command line: runs one command, and says what becomes of each way to end.

What can be asked is in `options`; the work of a command is in `commands`, loaded when it is asked.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from napari_latentattr.commands.results import Report, staged
from napari_latentattr.core.errors import Cancelled, LatentAttrError
from napari_latentattr.options import WRONG, build_parser
from napari_latentattr.terminal import Terminal, warnings_as_notes

DONE, BROKEN, CANCELLED = 0, 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        What follows the name of the program; that of this process when None.

    Returns
    -------
    int
        0 done, 1 a fault of the program, 2 wrong use or input, 130 cancelled.
    """
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    terminal = Terminal(sys.stderr, bar=not args.quiet and sys.stderr.isatty())
    try:
        with warnings_as_notes(terminal), staged(args.out) as folder:
            report = _run(args, folder, terminal)
            said = (folder / report.main).read_text("utf-8") if args.json else report.text
    except (KeyboardInterrupt, Cancelled):
        return _end(terminal, CANCELLED, "cancelled; nothing was written")
    except LatentAttrError as error:
        return _end(terminal, WRONG, str(error))
    except Exception:
        if args.debug:
            traceback.print_exc()
        doing = terminal.doing or f"starting {args.command}"
        said = f"something in the tool failed while {doing}; rerun with --debug"
        return _end(terminal, BROKEN, said)
    terminal.clear()
    said = said if said.endswith("\n") else f"{said}\n"
    _say(said if args.out is None or args.json else f"{said}\nresults: {args.out}\n")
    return DONE


def _say(text: str) -> None:
    """Print; all files are written, so whoever stops reading, as `head` does, loses nothing."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (what Python flushes at its end)


def _run(args: argparse.Namespace, folder: Path, terminal: Terminal) -> Report:
    """Hand the options to the command, less those that the command line keeps to itself."""
    kept = {"command", "json", "quiet", "debug", "out"}
    options = {name: value for name, value in vars(args).items() if name not in kept}
    command = import_module(f"napari_latentattr.commands.{args.command}")
    report: Report = command.run(folder, progress=terminal, **options)
    return report


def _end(terminal: Terminal, status: int, sentence: str) -> int:
    terminal.clear()
    sys.stderr.write(f"{' '.join(sentence.split())}\n")
    return status
