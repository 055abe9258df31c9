"""Cases as they are needed for encoding: one thread reads ahead, kept cases are not read at all.

On one machine more threads or processes gain nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from threading import current_thread
from typing import Protocol, TypeAlias, runtime_checkable

from napari_latentattr.core.types import CaseSource, ImageStack
from napari_latentattr.streaming.cache import EncodedCache, Kept, cache_key
from napari_latentattr.streaming.case import EncodedCase, Encoder, encode_case

_READER = "reading ahead"  # name of the thread


@runtime_checkable
class Fingerprinted(Protocol):
    """A cohort that can tell what a case is made of without reading it."""

    def fingerprint(self, index: int) -> str | None:
        """Digest of the files of a case and of what is done to them; None where it has no files."""
        ...


class Keys:
    """Names of cases in a cache, and the cache."""

    def __init__(self, model: Encoder, cohort: CaseSource, cache: EncodedCache | None) -> None:
        self.cohort, self.cache, self._spec = cohort, cache, model.spec
        self._answer = "" if cache is None else _answer(model)

    def of(self, index: int) -> str | None:
        """Name of a case; None where nothing is kept."""
        if self.cache is None or not isinstance(self.cohort, Fingerprinted):
            return None
        known = self.cohort.fingerprint(index)
        return None if known is None else cache_key(self._spec, self._answer, known)


Given: TypeAlias = "tuple[str | None, ImageStack | EncodedCase]"


def _read(cohort: CaseSource, index: int, keys: Keys) -> Given:
    """Name of a case in the cache, and the case as it was kept or else its images."""
    key = keys.of(index)
    kept = keys.cache.get(key) if keys.cache is not None and key is not None else None
    if kept is None:
        return key, cohort[index]
    case = cohort.cases[index]
    return key, EncodedCase(index, case, *kept)


def encoded(model: Encoder, index: int, given: Given, keys: Keys) -> EncodedCase:
    """Encode what was read, and keep it; what was kept is as it was."""
    key, found = given
    if isinstance(found, EncodedCase):
        return found
    case = encode_case(model, found, index)
    if keys.cache is not None and key is not None:
        keys.cache.put(key, Kept(case.grid, case.maps, case.inside, case.image_means, case.sha256))
    return case


def read_ahead(
    cohort: CaseSource, order: Sequence[int], keys: Keys, ahead: int
) -> Iterator[tuple[int, Callable[[], Given]]]:
    """Position and what gives its case, or raises; never more than `ahead` cases wait."""
    if ahead < 1:
        for index in order:
            yield index, partial(_read, cohort, index, keys)
        return
    waiting: deque[tuple[int, Future[Given]]] = deque()
    thread = ThreadPoolExecutor(1, thread_name_prefix=_READER)
    try:
        for index in order:
            waiting.append((index, thread.submit(_read, cohort, index, keys)))
            if len(waiting) > ahead:
                first, reading = waiting.popleft()
                yield first, reading.result
                del reading  # or its images stay
        while waiting:
            first, reading = waiting.popleft()
            yield first, reading.result
    finally:
        # A walk that was broken off is garbage, which any thread may collect: a reader, too, and it
        # cannot wait for itself.
        wait = not current_thread().name.startswith(_READER)
        thread.shutdown(wait=wait, cancel_futures=True)


def _answer(model: Encoder) -> str:
    """Digest of what a model makes of a fixed image, and how it walks over slices."""
    flat = getattr(model, "model", model)
    noise = getattr(flat, "noise", None)
    if noise is None:
        return ""
    made = sha256(flat.encode(noise(seed=5)).tobytes()).hexdigest()
    return f"{made} {getattr(model, 'axis', None)}"
