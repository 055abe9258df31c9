"""Cases of a cohort, one after another, with their latent maps.

Refuses to know what is asked of the maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.errors import Cancelled, InputError, LatentAttrError
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import CaseSource
from napari_latentattr.streaming.case import EncodedCase as EncodedCase
from napari_latentattr.streaming.case import Encoder as Encoder
from napari_latentattr.streaming.distributed import spread
from napari_latentattr.streaming.reading import Given, Keys, encoded, read_ahead
from napari_latentattr.streaming.streaming import HERE, Streaming

T = TypeVar("T")
M = TypeVar("M", bound=Encoder)


def encode_cases(
    model: Encoder,
    cohort: CaseSource,
    *,
    which: Sequence[int] | None = None,
    streaming: Streaming = HERE,
    broken: list[Broken] | None = None,
    progress: Progress = SILENT,
) -> Iterator[EncodedCase]:
    """Read, check and encode one case after the other, as `reduce_cases` with nothing left out."""
    return reduce_cases(
        model, cohort, _whole, which=which, streaming=streaming, broken=broken, progress=progress
    )


def reduce_cases(
    model: Encoder,
    cohort: CaseSource,
    reduce: Callable[[EncodedCase], T],
    *,
    which: Sequence[int] | None = None,
    streaming: Streaming = HERE,
    broken: list[Broken] | None = None,
    progress: Progress = SILENT,
) -> Iterator[T]:
    """Read, check and encode one case after the other, and keep of each what `reduce` gives.

    The order, and every number, is the same for every `streaming`.

    Parameters
    ----------
    reduce : callable
        A function of a module, or a `partial` of one: it may run in another process.
    which : sequence of int, optional
        Positions in the cohort, in the order asked for; all when None.
    streaming : Streaming
    broken : list, optional
        Receives the cases that are left out, where `streaming` says so.

    Raises
    ------
    InputError
        When a case cannot be read, no latent lies in its mask, or its maps are not finite; where
        such cases are left out, when no other is there.
    ModelError
        When model and cohort do not fit.
    """
    visit = partial(_without_images, reduce)
    yield from visit_cases(
        model, cohort, visit, which=which, streaming=streaming, broken=broken, progress=progress
    )


def visit_cases(
    model: M,
    cohort: CaseSource,
    visit: Callable[[M, CaseSource, EncodedCase], T],
    *,
    which: Sequence[int] | None = None,
    streaming: Streaming = HERE,
    broken: list[Broken] | None = None,
    progress: Progress = SILENT,
) -> Iterator[T]:
    """As `reduce_cases`, for what needs more of a case than its maps.

    Parameters
    ----------
    visit : callable
        Gets model and cohort beside each case, where it runs: ``cohort[case.index]`` was just read,
        unless the case came from the cache.
    """
    order = list(range(len(cohort)) if which is None else which)
    reduced = 0
    for done, found in enumerate(_walk(model, cohort, visit, order, streaming), start=1):
        if not isinstance(found, _Failed):
            reduced += 1
            yield found
        elif streaming.skip_broken and broken is not None:
            broken.append(found.as_broken(cohort))
        else:
            raise found.error
        progress.report(done, len(order), "encoding cases")
    if order and not reduced and broken:
        raise InputError(
            f"none of the {len(order)} cases can be used; the first: {broken[0].sentence}"
        )


@dataclass(frozen=True, slots=True)
class _Failed:
    """A case that cannot be used."""

    index: int
    error: LatentAttrError

    def as_broken(self, cohort: CaseSource) -> Broken:
        return Broken(self.index, cohort.cases[self.index], str(self.error))


def _walk(
    model: M,
    cohort: CaseSource,
    visit: Callable[[M, CaseSource, EncodedCase], T],
    order: Sequence[int],
    streaming: Streaming,
) -> Iterator[T | _Failed]:
    """One entry a case, in order."""
    shared = _Shared(model, cohort, Keys(model, cohort, streaming.cache))
    if streaming.client is not None:
        yield from spread(streaming.client, shared, partial(_on_worker, visit), order)
        return
    for index, given in read_ahead(cohort, order, shared.keys, streaming.ahead):
        yield _visited(visit, shared, index, given)


@dataclass(frozen=True, slots=True, eq=False)
class _Shared(Generic[M]):
    """What all cases need, here or on a worker."""

    model: M
    cohort: CaseSource
    keys: Keys


def _on_worker(
    visit: Callable[[M, CaseSource, EncodedCase], T], shared: _Shared[M], index: int
) -> T | _Failed:
    ((_, given),) = read_ahead(shared.cohort, [index], shared.keys, 0)
    return _visited(visit, shared, index, given)


def _visited(
    visit: Callable[[M, CaseSource, EncodedCase], T],
    shared: _Shared[M],
    index: int,
    given: Callable[[], Given],
) -> T | _Failed:
    try:
        case = encoded(shared.model, index, given(), shared.keys)
        return visit(shared.model, shared.cohort, case)
    except Cancelled:
        raise
    except LatentAttrError as error:
        return _Failed(index, error)


def _without_images(
    reduce: Callable[[EncodedCase], T], _model: Encoder, _cohort: CaseSource, case: EncodedCase
) -> T:
    return reduce(case)


def _whole(case: EncodedCase) -> EncodedCase:
    return case
