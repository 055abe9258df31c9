"""What was loaded, in two cards: the study and the model. Shows, changes nothing."""

from __future__ import annotations

import math
from html import escape

from qtpy.QtWidgets import QHBoxLayout

from napari_latentattr.session import Session
from napari_latentattr.widgets.facts import Facts, Rows, Thumb, Tick
from napari_latentattr.widgets.pill import Pill
from napari_latentattr.widgets.text import Button, Card, Words


class StudyCard(Card):
    """Cases, patients, images, grid."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.name, self.earlier = Words(), Words(muted=True)
        self.change = Button("Change…")
        self.change.setToolTip("Open another study; results of this one are kept")
        self.facts, self.images, self.notes = Facts(), Rows(Thumb), Words(muted=True)
        head = QHBoxLayout()
        head.addWidget(self.name, 1)
        head.addWidget(self.change)
        self.box.addLayout(head)
        for part in (self.facts, self.images, self.notes, self.earlier):
            self.box.addWidget(part)
        session.study_changed.connect(lambda: self.earlier.say(""))
        session.study_changed.connect(self.refresh)
        session.latents_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the study; its grid once the first case was read."""
        study = self._session.study
        if study is None:
            return
        cohort, volumes = study.cohort, self._session.volumes
        self.name.say(f"<b>Study</b> · {escape(study.name)}")
        facts = {
            "Cases": f"{len(volumes):,}",
            "Patients": f"{len(set(cohort.patients)):,}",
            "Images per case": str(len(study.channels)),
        }
        latents = self._session.latents
        if latents is not None:
            grid = latents.stack.grid
            facts["Shown"] = "R on the left" if grid.known else "orientation unknown"
            facts["Grid"] = " × ".join(map(str, grid.shape))  # noqa: RUF001
            facts["Voxel"] = " × ".join(f"{s:.3g}" for s in grid.spacing) + " mm"  # noqa: RUF001
        if len(cohort) != len(volumes):
            facts["Units"] = f"{len(cohort)} {cohort.unit_name}"
        self.facts.show_facts(facts)
        self.notes.say_plain(" ".join(study.notes))
        self.notes.setVisible(bool(study.notes))
        data = [None] * len(study.channels) if latents is None else latents.stack.data
        self.images.show_rows(
            [
                (image, f"<b>{escape(name)}</b>", f"input {index}")
                for index, (image, name) in enumerate(zip(data, study.channels, strict=True))
            ]
        )


class ModelCard(Card):
    """Latent layer, sizes, receptive field, trust, self-test."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.name, self.facts, self.checks = Words(), Facts(), Rows(Tick)
        self.trust, self.warning = Pill(), Words()
        self._amber = Card(tone="undecided")
        self._amber.box.addWidget(self.warning)
        for part in (self.name, self.facts, self.trust, self.checks, self._amber):
            self.box.addWidget(part)
        session.study_changed.connect(self.refresh)
        session.latents_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the model."""
        study = self._session.study
        if study is None:
            return
        spec = study.model.spec
        latents = self._session.latents
        self.name.say(f"<b>Model</b> · latent layer {escape(spec.layer)}")
        facts = {
            "Maps": f"{spec.n_maps:,}",
            "Images": str(spec.n_channels),
            "Stride": " × ".join(f"{s:g}" for s in spec.stride),  # noqa: RUF001
            "Receptive field": _field(
                spec.receptive_field, latents.stack.grid.spacing if latents else None
            ),
            "Parameters": _count(sum(p.numel() for p in study.model.module.parameters())),
            "Device": spec.device.upper(),
        }
        self.facts.show_facts(facts)
        if self._session.ran_code:
            self.trust.set_verdict("undecided", "your code was run")
        else:
            self.trust.set_verdict("ok", "weights only, no code run")
        self.checks.show_rows(self._checks())
        warnings = self._warnings()
        self.warning.say("<br><br>".join(warnings))
        self._amber.setVisible(bool(warnings))

    def _checks(self) -> list[tuple[bool, str, str]]:
        tried, checks = self._session.tried, []
        if tried is None:
            return []
        if not math.isnan(tried.gap):
            gap = "exactly" if tried.gap == 0 else f"within {tried.gap:.0e}"
            checks.append((True, "decode(encode(x)) equals model(x)", gap))
        said = "exactly" if tried.repeats else "no"
        return [*checks, (tried.repeats, "Same answer twice", said)]

    def _warnings(self) -> list[str]:
        study = self._session.study
        if study is None:
            return []
        spec, said = study.model.spec, []
        if spec.skips:
            said.append(
                f"<b>This model has a skip connection</b> ({escape(', '.join(spec.skips))}). The "
                "picture can travel around the latent maps, so “what the decoder draws” shows only "
                "part of it. Drivers and ranking are not affected."
            )
        if spec.everywhere:
            said.append(
                f"<b>Every latent depends on every voxel</b> through {escape(spec.everywhere[0])}; "
                "the receptive field above leaves that out."
            )
        return said


def _field(voxels: tuple[int, ...], spacing: tuple[float, ...] | None) -> str:
    if spacing is None or len(spacing) != len(voxels):
        return f"{max(voxels)} voxels"
    return f"{max(v * s for v, s in zip(voxels, spacing, strict=True)):.0f} mm"


def _count(n: int) -> str:
    return f"{n / 1e6:.1f} M" if n >= 1e6 else f"{n:,}"
