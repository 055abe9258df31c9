"""Commands on a session that make pictures of the selected map and case, and check them.

As in `jobs`, work changes nothing and what it needs is imported where it runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from napari_latentattr.core.case_sheet import Grey
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.results import Picture
from napari_latentattr.core.sanity import SanityCheck
from napari_latentattr.core.skip_words import skip_note
from napari_latentattr.core.types import Attribution, Bool, ImageStack
from napari_latentattr.jobs import Job
from napari_latentattr.session import Session

if TYPE_CHECKING:
    from napari_latentattr.core.made_up import MadeUp
    from napari_latentattr.core.maximisation import Toward
    from napari_latentattr.core.open_image import OpenImage
    from napari_latentattr.core.so_far import PictureSoFar
    from napari_latentattr.core.traversal import Traversal
    from napari_latentattr.methods._parameters import Value
    from napari_latentattr.methods._registry import Method

# What a check does, where none was timed yet: the picture of about as many copies of the encoder,
# and two curves of 20 orders.
_CHECK_PICTURES, _CHECK_PASSES = 8, 244
STEPS = 9
# A made-up picture reads, encodes and draws each case; then the climbs of three seeds.
_EACH_CASE, _MADE_UP_PASSES = 3, 400


def attribute(
    session: Session,
    method: Method,
    parameters: Mapping[str, Value],
    *,
    place: Place = WHOLE,
    labels: OpenImage | None = None,
) -> Job[Picture]:
    """Lay what one method says of the selected map over the selected case.

    Parameters
    ----------
    place : Place
        The part of the map that counts.
    labels : OpenImage, optional
        The layer that `place` names.
    """
    study, volumes, selection = session.opened(), session.volumes, session.selection
    case = volumes.cases[selection.case]

    def work(progress: Progress) -> Picture:
        from napari_latentattr.methods.attribute import attribute

        stack = volumes[selection.case]
        found = attribute(
            study.model,
            stack,
            selection.map,
            method=method.key,
            cohort=study.cohort,
            region=_region(place, labels, stack),
            voxel=place.latent or None,
            seed=study.seed,
            progress=progress,
            **parameters,
        )
        return _picture(found, method, stack, place)

    def keep(picture: Picture) -> None:
        if session.study is not study:
            return
        session.remember(method.key, picture.provenance.seconds)
        session.keep(session.results.with_picture(picture))

    of = f"map {selection.map}" if place.is_whole else f"map {selection.map} ({place})"
    text = f"{method.title}: {of} of {case}"
    return Job(text, work, keep, seconds=session.took(method.key))


def check(
    session: Session, picture: Picture, *, labels: OpenImage | None = None
) -> Job[SanityCheck]:
    """Ask whether a picture hangs on what the model learned, and marks what moves the map.

    Parameters
    ----------
    labels : OpenImage, optional
        The layer that the picture is about.
    """
    study, volumes = session.opened(), session.volumes
    index = volumes.cases.index(picture.case)

    def work(progress: Progress) -> SanityCheck:
        from napari_latentattr.methods.check import check
        from napari_latentattr.methods.latents import target_record
        from napari_latentattr.methods.request import find_method

        stack, made = volumes[index], picture.provenance.params
        region = _region(picture.place, labels, stack)
        if target_record(region, None).get("region") != made.get("region"):
            raise InputError(
                f"{picture.place} was painted on since this picture was made; show where again, "
                "then check that"
            )
        names = [parameter.name for parameter in find_method(picture.method).parameters]
        parameters = {name: made[name] for name in names}
        return check(
            study.model,
            stack,
            picture.target.index,
            method=picture.method,
            cohort=study.cohort,
            region=region,
            voxel=picture.place.latent or None,
            seed=study.seed,
            progress=progress,
            **parameters,  # type: ignore[arg-type]
        )

    def keep(found: SanityCheck) -> None:
        if session.study is study:
            session.remember(_checking(picture), found.provenance.seconds)
            session.keep(session.results.with_check(found))

    text = f"Checking {picture.title}: map {picture.target.index} of {picture.case}"
    return Job(text, work, keep, seconds=check_seconds(session, picture))


def check_seconds(session: Session, picture: Picture) -> float:
    """How long `check` should take."""
    timed = session.took(_checking(picture))
    passes = _CHECK_PASSES * (session.pass_seconds or 0.0)
    return _CHECK_PICTURES * picture.provenance.seconds + passes if timed is None else timed


def traverse(session: Session, steps: int = STEPS) -> Job[Traversal]:
    """Draw the selected case while the selected map goes from weak to strong."""
    study, volumes, selection = session.opened(), session.volumes, session.selection

    def work(progress: Progress) -> Traversal:
        from napari_latentattr.methods.traversal import traverse

        return traverse(
            study.model,
            volumes[selection.case],
            selection.map,
            cohort=study.cohort,
            steps=steps,
            progress=progress,
        )

    def keep(found: Traversal) -> None:
        if session.study is study:
            session.remember("traverse", found.provenance.seconds)
            session.keep(session.results.with_traversal(found))

    text = f"Traversal of map {selection.map} of {volumes.cases[selection.case]}"
    return Job(text, work, keep, seconds=traverse_seconds(session))


def traverse_seconds(session: Session, steps: int = STEPS) -> float | None:
    """How long `traverse` should take; None before a pass was timed."""
    timed, one = session.took("traverse"), session.pass_seconds
    if timed is not None or one is None:
        return timed
    return (len(session.volumes) + steps) * one


def imagine(session: Session, *, toward: Toward = "high") -> Job[MadeUp]:
    """Make up what would excite the selected map as much as the strongest cases do."""
    study, which = session.opened(), session.selection.map
    newest: list[tuple[int, Grey]] = []

    def work(progress: Progress) -> MadeUp:
        from napari_latentattr.methods.maximise import maximise
        from napari_latentattr.retrieval.beside import picture_made_up, picture_so_far

        def watch(so_far: PictureSoFar) -> None:
            newest[:] = [(which, picture_so_far(so_far, study.cohort))]

        found = maximise(
            study.model,
            which,
            cohort=study.cohort,
            toward=toward,
            seed=study.seed,
            watch=watch,
            progress=progress,
        )
        return picture_made_up(found, study.cohort, progress=progress)

    def look() -> None:
        if newest and session.study is study:
            session.show_preview(newest[0])

    def keep(found: MadeUp) -> None:
        if session.study is study:
            session.remember("imagine", found.found.provenance.seconds)
            session.keep(session.results.with_made_up(found))

    text = f"Making up what excites map {which}"
    return Job(text, work, keep, look=look, seconds=imagine_seconds(session))


def imagine_seconds(session: Session) -> float | None:
    """How long `imagine` should take; None before a pass was timed."""
    timed, one = session.took("imagine"), session.pass_seconds
    if timed is not None or one is None:
        return timed
    climbs, cohort = _MADE_UP_PASSES * one, session.opened().cohort
    if cohort.is_cut and session.latents is not None:
        # A pass was timed on a whole volume, and a single slice is made up.
        from napari_latentattr.cohort.slices import AXES

        climbs /= session.latents.stack.grid.shape[AXES[cohort.cut.axis][0]]
    return _EACH_CASE * len(session.volumes) * one + climbs


def _checking(picture: Picture) -> str:
    return f"check {picture.method}"


def _region(place: Place, labels: OpenImage | None, stack: ImageStack) -> str | Bool | None:
    """Region as the engine takes it: a name, voxels, or none."""
    if not place.layer:
        return place.region or None
    from napari_latentattr.cohort.open_images import region_of

    if labels is None:
        raise InputError(f"{place} is not open any more; open it, or ask the whole map")
    return region_of(labels, stack.grid)


def _picture(found: Attribution, method: Method, stack: ImageStack, place: Place) -> Picture:
    if found.volume is None or found.target is None:
        raise TypeError(f"method {method.key} gave no volume of one map to show")
    return Picture(
        kind=method.view,
        target=found.target,
        case=stack.case,
        channels=stack.channels,
        volume=np.broadcast_to(found.volume, stack.data.shape),
        grid=stack.grid,
        unit=found.unit,
        method=method.key,
        title=method.title,
        note=_note(found, stack),
        provenance=found.provenance,
        numbers=found.numbers,
        place=place,
    )


def _note(found: Attribution, stack: ImageStack) -> str:
    """Say what has to be known to read a picture."""
    alike = found.volume is not None and len(found.volume) < len(stack.data)
    said = (
        "one picture for all images: this method cannot tell them apart" if alike else "",
        "" if alike else _adds_up(found),
        skip_note(found.provenance.params),
    )
    return "; ".join(filter(None, said))


def _adds_up(found: Attribution) -> str:
    if math.isnan(found.residual):
        return ""
    change = abs(float(found.score.sum()) - found.residual)
    share = abs(found.residual) / change if change > 0 else math.inf
    return f"adds up within {100 * share:.1g} %" if share < 1 else "does not add up"
