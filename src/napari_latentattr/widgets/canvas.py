"""Shows one session in one viewer: images, latent maps and pictures follow what is looked at.

Each layer is used again for the next case or map, so their number stays small. Refuses to compute
and to read files: images come with the latent maps, pictures with the results.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from napari.components import ViewerModel
from napari.layers import Image

from napari_latentattr.core.results import PictureKind, Selection
from napari_latentattr.core.types import ImageStack
from napari_latentattr.layers import KEY, case_layers, latent_layer
from napari_latentattr.session import Session
from napari_latentattr.widgets.blink import bind_peek
from napari_latentattr.widgets.markers import Markers
from napari_latentattr.widgets.overlays import KINDS, Overlays
from napari_latentattr.widgets.own_layers import (
    case_images,
    find_layer,
    look_at_images,
    map_axis,
    own_layers,
    put_layer,
    remove_layers,
    same_place,
)
from napari_latentattr.widgets.side_by_side import SideBySide
from napari_latentattr.widgets.surroundings import Surroundings, caption
from napari_latentattr.widgets.three_d import ThreeD


class Canvas:
    """The layers of one session in one viewer.

    Parameters
    ----------
    viewer : ViewerModel
        A window, or the model of one.
    session : Session

    Attributes
    ----------
    is_side_by_side : bool
        Whether all images are shown.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self.viewer, self.session = viewer, session
        self.is_side_by_side = False
        self._stack: ImageStack | None = None
        self._known_pictures = dict(session.results.pictures)
        self._latents_seen = False
        self._busy = False
        self._markers, self._around = Markers(viewer), Surroundings(viewer)
        self._three_d, self._grid = ThreeD(viewer), SideBySide(viewer)
        self._overlays = Overlays(viewer)
        self._unbind = bind_peek(
            viewer, self._overlays.hide_for_peek, self._overlays.show_after_peek
        )
        session.study_changed.connect(self._on_study)
        session.selection_changed.connect(self._on_selection)
        session.latents_changed.connect(self._on_latents)
        session.results_changed.connect(self._on_results)
        viewer.dims.events.current_step.connect(self._on_slider)
        viewer.dims.events.ndisplay.connect(self._write_caption)
        self._on_latents()

    # What a window asks for

    def show_images(self, stack: ImageStack) -> None:
        """Show the images of the selected case, also before its latent maps are there."""
        self._stack = stack
        self._put_images()
        self._refresh(seen=True)

    def show(self, kind: PictureKind) -> None:
        """Look at the other kind of picture."""
        self._overlays.kind = kind
        self._refresh(seen=True)

    def toggle_overlay(self) -> None:
        """Hide what lies over the images, or bring it back."""
        self._overlays.shown = not self._overlays.shown
        self._refresh(seen=True)

    def toggle_side_by_side(self) -> None:
        """Lay all images side by side, or go back to one."""
        self.is_side_by_side = not self.is_side_by_side
        if not self.is_side_by_side:
            with self._updating():
                self._grid.leave()
            self._show_selected_image()
        self._refresh(seen=True)

    def keep(self) -> Image | None:
        """Freeze a hidden copy of the picture on top; None when there is none."""
        with self._updating():
            return self._overlays.keep()

    def clear(self) -> None:
        """Remove all layers that were made here, the kept ones too."""
        with self._updating():
            self._grid.leave()
            self.is_side_by_side = False
            mine = [one for one in self.viewer.layers if "key" in one.metadata.get(KEY, {})]
            remove_layers(self.viewer, mine)
        self._around.restore()
        self._markers.show(shown=False)

    def close(self) -> None:
        """Let go of viewer and session; the layers stay."""
        self._grid.leave()
        self.session.study_changed.disconnect(self._on_study)
        self.session.selection_changed.disconnect(self._on_selection)
        self.session.latents_changed.disconnect(self._on_latents)
        self.session.results_changed.disconnect(self._on_results)
        self.viewer.dims.events.current_step.disconnect(self._on_slider)
        self.viewer.dims.events.ndisplay.disconnect(self._write_caption)
        self._unbind()
        self._three_d.close()
        self._markers.close()
        self._around.restore()

    # What happened in the session or in the viewer

    def _on_study(self) -> None:
        with self._updating():
            self._grid.leave()
            remove_layers(self.viewer, own_layers(self.viewer))
        self._stack, self._known_pictures = None, {}
        self._latents_seen = self.is_side_by_side = False
        self._markers.show(shown=False)
        self._around.restore()

    def _on_latents(self) -> None:
        if self.session.latents is not None:
            self._put_latents()
            self.show_images(self.session.latents.stack)

    def _on_selection(self, new: Selection, old: Selection) -> None:
        if new.case != old.case:
            # Nobody must take the images of one case for those of another.
            latents = find_layer(self.viewer, ("latents", None, False))
            self._latents_seen |= latents is not None and latents.visible
            self._stack = None
            for layer in own_layers(self.viewer):
                layer.visible = False
        elif new.channel != old.channel:
            self._show_selected_image()
        self._set_slider()
        self._refresh()

    def _on_results(self) -> None:
        pictures = self.session.results.pictures
        fresh = [p for key, p in pictures.items() if self._known_pictures.get(key) is not p]
        self._known_pictures = dict(pictures)
        if fresh:
            self._overlays.kind = fresh[-1].kind
        self._refresh(seen=bool(fresh))

    def _on_slider(self, event: object = None) -> None:
        axis = map_axis(self.viewer)
        if axis is not None and not self._busy:
            self.session.select(map=self.viewer.dims.current_step[axis])

    # How it gets onto the screen

    def _refresh(self, *, seen: bool = False) -> None:
        """Bring pictures, letters and caption up to date."""
        if self._stack is None:
            return
        if set(case_images(self.viewer)) != set(self._stack.channels):
            self._put_images()
            self._put_latents()
        chosen = self.session.selection
        found = {kind: self.session.picture(kind) for kind in KINDS}
        pictures = {kind: picture for kind, picture in found.items() if picture is not None}
        with self._updating():
            self._overlays.update(pictures, chosen.channel, chosen.map, seen=seen)
            if self.is_side_by_side:
                picture, shown = self._overlays.picture, self._overlays.shown
                self._grid.show(self._stack.channels, picture, shown=shown)
            self._three_d.dress()
        self._markers.show(shown=self._stack.grid.known, beside=self.is_side_by_side)
        self._write_caption()

    def _write_caption(self, event: object = None) -> None:
        if self._stack is None:
            return
        lines = caption(
            self._stack,
            self.session.selection,
            self._overlays.picture if self._overlays.shown else None,
            beside=self.is_side_by_side,
            deep=self.viewer.dims.ndisplay == 3,
        )
        self._around.show(lines, beside=self.is_side_by_side)

    def _put_images(self) -> None:
        if self._stack is None:
            return
        before = case_images(self.viewer)
        with self._updating():
            channels = self._stack.channels
            remove_layers(
                self.viewer, [one for name, one in before.items() if name not in channels]
            )
            for layer in case_layers(self._stack):
                layer[1]["visible"] = False
                put_layer(self.viewer, layer)
        if not before:
            look_at_images(self.viewer)
        self._show_selected_image()

    def _put_latents(self) -> None:
        latents = self.session.latents
        if latents is None:
            return
        with self._updating():
            given = latent_layer(latents.maps, latents.spec, latents.stack)
            layer, _ = put_layer(self.viewer, given)
            layer.visible |= self._latents_seen
        self._latents_seen = False
        self._set_slider()

    def _show_selected_image(self) -> None:
        if self._stack is None or self.is_side_by_side:
            return
        wanted = self._stack.channels[self.session.selection.channel]
        for name, layer in case_images(self.viewer).items():
            layer.visible = name == wanted
            if layer.visible and not self._overlays.picture:
                # Else the controls would change an image that nobody sees.
                self.viewer.layers.selection.active = layer

    def _set_slider(self) -> None:
        axis = map_axis(self.viewer)
        if axis is not None:
            with self._updating(keep_place=False):
                self.viewer.dims.set_current_step(axis, self.session.selection.map)

    @contextmanager
    def _updating(self, *, keep_place: bool = True) -> Iterator[None]:
        """Change layers without moving the slices and without taking that for the user's doing."""
        before, self._busy = self._busy, True
        try:
            with same_place(self.viewer) if keep_place else nullcontext():
                yield
        finally:
            self._busy = before
