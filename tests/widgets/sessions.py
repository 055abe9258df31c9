"""Small sessions without a network, for tests of what a window shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.results import Picture
from napari_latentattr.core.types import ImageStack, LatentSpec, MapRef, Provenance
from napari_latentattr.session import Latents, Opened, Session
from napari_latentattr.widgets.canvas import Canvas

SHAPE, LATENT = (12, 14, 10), (3, 4, 3)
SPACING = (3.0, 1.5, 2.0)
CHANNELS = ("T1", "T2", "PD")
N_MAPS, N_CASES = 8, 3
SPEC = LatentSpec(
    "encoder",
    len(CHANNELS),
    N_MAPS,
    3,
    (4.0, 4.0, 4.0),
    (7, 7, 7),
    (1.5, 1.5, 1.5),
    (),
    (),
    "cpu",
    "",
)


class OnlySpec:
    spec = SPEC


def make_session(channels: tuple[str, ...] = CHANNELS) -> Session:
    x = np.random.default_rng(0).random((N_CASES, len(channels), *SHAPE), dtype=np.float32)
    cohort = Cohort.from_arrays(x, channels=channels, spacing=SPACING)
    session = Session()
    session.use(Opened(Study("s", None, OnlySpec(), cohort, None, 0)))
    return session


def make_session_of(stack: ImageStack) -> Session:
    """A session on one case as it was read."""
    spec = replace(SPEC, n_channels=len(stack.channels))
    cohort = Cohort.from_arrays(stack.data[None], channels=stack.channels)
    session = Session()
    session.use(Opened(Study("s", None, type("M", (), {"spec": spec})(), cohort, None, 0)))
    return session


def encode(session: Session) -> Latents:
    """What the job of the session keeps, without a network."""
    case = session.selection.case
    stack = session.volumes[case]
    maps = np.random.default_rng(case).random((N_MAPS, *LATENT), dtype=np.float32)
    session.latents = Latents(stack.case, stack, maps, SPEC)
    session.latents_changed.emit()
    return session.latents


def picture(session: Session, kind: str = "where", which: int = 0, case: int = 0) -> Picture:
    stack = session.volumes[case]
    rng = np.random.default_rng(which)
    volume = rng.normal(size=stack.data.shape).astype(np.float32)
    made = Provenance(method="occlusion", params={"patch": 8.0}, seed=3)
    return Picture(
        kind, MapRef("encoder", which), stack.case, stack.channels, volume, stack.grid,
        "latent units", "occlusion", "Occlusion", "note", made,
    )  # fmt: skip


def add(session: Session, *pictures: Picture) -> None:
    results = session.results
    for one in pictures:
        results = results.with_picture(one)
    session.results = results
    session.results_changed.emit()


def settle(canvas: Canvas) -> None:
    """Let a window live until its layers have arrived, and the canvas has its size."""
    while canvas.busy:
        QApplication.processEvents()
    for _ in range(10):
        QApplication.processEvents()
