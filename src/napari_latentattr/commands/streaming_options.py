"""Options of the commands that walk through all cases: what is kept, left out, done elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_latentattr.streaming.streaming import Streaming


def add_streaming_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how cases are walked through."""
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep encoded cases there, for the next question and after a stop; as private as the "
        "images",
    )
    parser.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out cases that cannot be used; the result names them",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="work on the dask cluster there, such as tcp://10.0.0.1:8786",
    )


@contextmanager
def streaming_of(
    cache: Path | None, skip_broken: bool, scheduler: str | None
) -> Iterator[Streaming]:
    """Say how cases are walked through, connected for as long as the block lasts.

    Raises
    ------
    InputError
        When the folder cannot be made, or no scheduler answers.
    """
    from napari_latentattr.streaming.cache import EncodedCache
    from napari_latentattr.streaming.distributed import connected
    from napari_latentattr.streaming.streaming import Streaming

    kept = None if cache is None else EncodedCache(cache.absolute())
    with connected(scheduler) as client:
        yield Streaming(cache=kept, skip_broken=skip_broken, client=client)
