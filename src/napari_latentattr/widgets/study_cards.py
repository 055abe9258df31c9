"""What was loaded, in two cards: the study and the model. Shows, changes nothing."""

from __future__ import annotations

import math
from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QWidget

from napari_latentattr.session import Session
from napari_latentattr.widgets.text import Card, Words


class StudyCard(Card):
    """Cases, patients, images, grid."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.name, self.images, self.earlier = Words(), Words(), Words()
        self.change = QPushButton("Change…")
        self.change.setToolTip("open another study; results of this one are kept")
        self.facts = _Facts()
        head = QHBoxLayout()
        head.addWidget(self.name, 1)
        head.addWidget(self.change)
        self.box.addLayout(head)
        self.box.addWidget(self.facts)
        self.box.addWidget(self.images)
        self.box.addWidget(self.earlier)
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
            "cases": f"{len(volumes):,}",
            "patients": f"{len(set(cohort.patients)):,}",
            "images per case": str(len(study.channels)),
        }
        if len(cohort) != len(volumes):
            facts["units"] = f"{len(cohort)} {cohort.unit_name}"
        latents = self._session.latents
        if latents is not None:
            grid = latents.stack.grid
            facts["grid"] = " × ".join(map(str, grid.shape))  # noqa: RUF001
            facts["voxel"] = " × ".join(f"{s:.3g}" for s in grid.spacing) + " mm"  # noqa: RUF001
            facts["shown"] = "R on the left" if grid.known else "orientation unknown"
        self.facts.show_facts(facts)
        rows = "".join(
            f"<tr><td>{i}</td><td width=12></td><td><b>{escape(name)}</b></td></tr>"
            for i, name in enumerate(study.channels)
        )
        self.images.say(f"<table>{rows}</table>")


class ModelCard(Card):
    """Latent layer, sizes, receptive field, trust, self-test."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.name, self.facts, self.checks, self.warning = Words(), _Facts(), Words(), Words()
        for part in (self.name, self.facts, self.checks, self.warning):
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
            "maps": f"{spec.n_maps:,}",
            "images": str(spec.n_channels),
            "stride": " × ".join(f"{s:g}" for s in spec.stride),  # noqa: RUF001
            "sees": _field(spec.receptive_field, latents.stack.grid.spacing if latents else None),
            "parameters": _count(sum(p.numel() for p in study.model.module.parameters())),
            "device": spec.device.upper(),
        }
        self.facts.show_facts(facts)
        self.checks.say("<br>".join(self._checks()))
        self.warning.say("<br><br>".join(self._warnings()))

    def _checks(self) -> list[str]:
        trust = "your code was run" if self._session.ran_code else "weights only, no code run"
        lines = [f"Trust: <b>{trust}</b>"]
        tried = self._session.tried
        if tried is None:
            return lines
        if not math.isnan(tried.gap):
            gap = "exactly" if tried.gap == 0 else f"within {tried.gap:.0e}"
            lines.append(f"decode(encode(x)) equals model(x): {gap}")
        lines.append(f"same answer twice: {'exactly' if tried.repeats else '<b>no</b>'}")
        return lines

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


class _Facts(QWidget):
    """Small names over bold values, three in a row."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._cells: list[Words] = []

    def show_facts(self, facts: dict[str, str]) -> None:
        for index, (name, value) in enumerate(facts.items()):
            if index == len(self._cells):
                self._cells.append(Words())
                self._grid.addWidget(
                    self._cells[-1], index // 3, index % 3, Qt.AlignmentFlag.AlignTop
                )
            self._cells[index].say(f"{escape(name)}<br><b>{escape(value)}</b>")
        for cell in self._cells[len(facts) :]:
            cell.say("")


def _field(voxels: tuple[int, ...], spacing: tuple[float, ...] | None) -> str:
    if spacing is None or len(spacing) != len(voxels):
        return f"{max(voxels)} voxels"
    return f"{max(v * s for v, s in zip(voxels, spacing, strict=True)):.0f} mm"


def _count(n: int) -> str:
    return f"{n / 1e6:.1f} M" if n >= 1e6 else f"{n:,}"
