"""The door to a dask cluster; nothing of dask is loaded before it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from napari_latentattr.core.errors import InputError

T = TypeVar("T")
S = TypeVar("S")

_WAIT = "10s"


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Give a client of the scheduler at an address, closed at the end; None without one.

    Parameters
    ----------
    address : str or None
        Such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    InputError
        When the extra is not installed, or no scheduler answers.
    """
    if address is None:
        yield None
        return
    check_installed()
    from distributed import Client

    try:
        client: Any = Client(address, timeout=_WAIT)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"no dask scheduler answers at {address}; start one with `dask scheduler` and give the "
            "address that it prints"
        ) from error
    with client:
        yield client


def spread(
    client: Any, shared: S, work: Callable[[S, Any], T], items: Sequence[object]
) -> Iterator[T]:
    """Give the result of each item in order, from the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
    shared : object
        Sent once to each worker.
    work : callable
        Called there with `shared` and an item.

    Raises
    ------
    InputError
        When the extra is not installed, or workers die over the same item again and again.
    """
    check_installed()
    from napari_latentattr.streaming.workers import on_workers, sent

    with sent(client, shared) as name:
        yield from on_workers(client, name, work, items)


def check_installed() -> None:
    """Refuse to go on without the extra.

    Raises
    ------
    InputError
    """
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise InputError(
            "working on a cluster needs the extra `distributed`; "
            "pip install 'napari-latentattr[distributed]'"
        ) from error
