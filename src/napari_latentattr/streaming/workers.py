"""Work on the workers of a dask cluster: what all tasks share is sent once to each of them.

It travels as a plugin named by its hash, so that a worker that starts later, also in the place of
one that died, has it before its first task. This file needs the extra `distributed`; the door to
it is `distributed.py`. Refuses to know what the work is.
"""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

import torch
from distributed import KilledWorker, get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from napari_latentattr.core.errors import InputError
from napari_latentattr.streaming.by_value import dumps

T = TypeVar("T")
S = TypeVar("S")

_TRIES = 5


class _Shared(WorkerPlugin):
    """Holds what all tasks share, ready to use, as long as it is registered."""

    def __init__(self, content: bytes) -> None:
        self.name = f"napari-latentattr-{sha256(content).hexdigest()}"
        self._content = content
        self.shared: Any = None

    def setup(self, worker: Any) -> None:
        """Unpack on the worker."""
        self.shared = pickle.loads(self._content)

    def __getstate__(self) -> dict[str, object]:
        return {"name": self.name, "_content": self._content, "shared": None}


@contextmanager
def sent(client: Any, shared: object) -> Iterator[str]:
    """Send something to every worker, once; gives its name for `on_workers`."""
    plugin = _Shared(dumps(shared))
    for left in range(_TRIES, 0, -1):
        try:
            client.register_plugin(plugin)
            break
        except OSError:  # of a worker that died meanwhile
            if left == 1:
                raise
            time.sleep(1)
    try:
        yield plugin.name
    finally:
        # A worker that just died or started cannot be tidied, and has nothing to tidy.
        with suppress(OSError, KeyError, ValueError):
            client.unregister_worker_plugin(plugin.name)


def on_workers(
    client: Any, name: str, work: Callable[[S, Any], T], items: Sequence[object]
) -> Iterator[T]:
    """Give the result of each item in order; what a dead worker had is done again by another.

    Parameters
    ----------
    name : str
        As `sent` gave it.
    work : callable
        Called with what was sent and an item.

    Raises
    ------
    InputError
        When workers die over the same item again and again.
    """
    task = partial(_task, name, work, torch.get_num_threads())
    waiting = deque(client.map(task, items, pure=False))
    try:
        while waiting:
            yield waiting[0].result()
            waiting.popleft()  # and the workers forget it
    except KilledWorker as error:
        raise InputError(
            f"workers of the cluster died over the same cases ({error.task}), most often for want "
            "of memory; give each worker more, or fewer threads"
        ) from error
    finally:
        client.cancel(list(waiting))


def _task(name: str, work: Callable[[Any, Any], T], threads: int, item: object) -> T:
    """Do one item on as many threads as the client would, so that the bits are the same."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        plugin: Any = get_worker().plugins[name]
        return work(plugin.shared, item)
    finally:
        torch.set_num_threads(before)
