"""Shows one session in one viewer: images, latent maps and pictures follow what is looked at.

Each layer is used again for the next case or map, so their number stays small. Refuses to compute
and to read files: images come with the latent maps, pictures with the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from napari.components import ViewerModel
from napari.layers import Image

from napari_latentattr.core.results import Selection
from napari_latentattr.core.types import ImageStack
from napari_latentattr.layers import KEY
from napari_latentattr.session import Session
from napari_latentattr.widgets.asides import Asides
from napari_latentattr.widgets.blink import bind_peek
from napari_latentattr.widgets.caption import caption
from napari_latentattr.widgets.case_layers import CaseLayers, prepare
from napari_latentattr.widgets.cell_order import cell_order
from napari_latentattr.widgets.landing import Landing
from napari_latentattr.widgets.map_slider import MapSlider
from napari_latentattr.widgets.markers import Markers
from napari_latentattr.widgets.overlays import KINDS, Overlays
from napari_latentattr.widgets.own_changes import OwnChanges
from napari_latentattr.widgets.own_layers import find_layer, remove_layers
from napari_latentattr.widgets.side_by_side import SideBySide
from napari_latentattr.widgets.surroundings import Surroundings
from napari_latentattr.widgets.three_d import ThreeD
from napari_latentattr.widgets.turns import Turns, take_all


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
        self.is_side_by_side = self._every = False
        self._stack: ImageStack | None = None
        self._known_pictures = dict(session.results.pictures)
        self._is_model = not hasattr(viewer, "window")  # draws nothing, so nobody waits for it
        self._changing = OwnChanges(viewer)
        self._turns, self._laying, self._seen = Turns(), Turns(), False
        self._markers, self._around = Markers(viewer), Surroundings(viewer)
        self._three_d, self._grid = ThreeD(viewer), SideBySide(viewer)
        self._case, self._overlays = CaseLayers(viewer), Overlays(viewer)
        self._aside, self._landing = Asides(viewer, session), Landing(viewer)
        self._slider = MapSlider(viewer, session, self._changing)
        self._unbind = bind_peek(
            viewer, self._overlays.hide_for_peek, self._overlays.show_after_peek
        )
        self._wires = (
            (session.study_changed, self._on_study),
            (session.selection_changed, self._on_selection),
            (session.images_read, self._on_images),
            (session.latents_changed, self._on_latents),
            (session.results_changed, self._on_results),
            (viewer.dims.events.current_step, self._on_slider),
            (viewer.dims.events.ndisplay, self._write_caption),
            (viewer.canvas.events.size, self._write_caption),
        )
        for signal, slot in self._wires:
            signal.connect(slot)
        self._on_latents()

    @property
    def busy(self) -> bool:
        """Whether layers are still on their way to the screen."""
        return self._turns.busy or self._laying.busy or self._slider.busy

    # What a window asks for

    def show_images(self, stack: ImageStack) -> None:
        """Show the images of the selected case, also before its latent maps are there."""
        self._stop()
        self._stack = stack
        take_all(self._put_images())
        self._refresh(seen=True)

    def show(self, view: str) -> None:
        """Look at what belongs to a view: its kind of picture, or what stands in its place."""
        self._overlays.look(view)
        if self._stack is not None:
            self._aside.look(view)
        self._refresh(seen=True)

    def look_at(self, case: int, voxel: Sequence[float]) -> None:
        """Show a case, and bring the slices to one of its voxels once it is there."""
        self._aside.look("")
        self._landing.ask(self.session.volumes.cases[case], voxel)
        self.session.select(case=case)
        self._refresh()

    def toggle_overlay(self) -> None:
        """Hide what lies over the images, or bring it back."""
        self._overlays.shown = not self._overlays.shown
        self._refresh(seen=True)

    def toggle_side_by_side(self) -> None:
        """Lay all images side by side, or go back to one."""
        self.is_side_by_side = not self.is_side_by_side
        self._refresh(seen=True)

    def show_every_image(self, every: bool) -> None:
        """Side by side, show all images also where they are many, or the strongest few."""
        self._every = every
        self._refresh(seen=True)

    def keep(self) -> Image | None:
        """Freeze a hidden copy of the picture on top; None when there is none."""
        with self._changing():
            return self._overlays.keep()

    def clear(self) -> None:
        """Remove all layers that were made here, the kept ones too."""
        with self._changing():
            self._leave_all()
            mine = [one for one in self.viewer.layers if "key" in one.metadata.get(KEY, {})]
            remove_layers(self.viewer, mine)

    def close(self) -> None:
        """Let go of viewer and session; the layers stay."""
        self._stop()
        self._slider.stop()
        self._grid.restore()
        take_all(self._grid.clear())
        for signal, slot in self._wires:
            signal.disconnect(slot)
        self._unbind()
        self._three_d.close()
        self._markers.close()
        self._around.restore()

    # What happened in the session or in the viewer

    def _on_study(self) -> None:
        with self._changing():
            self._leave_all()
            self._case.remove()
        self._stack, self._known_pictures = None, {}
        self._aside.forget()
        self.is_side_by_side = self._every = False
        self._turns.start(prepare(), at_once=self._is_model)

    def _on_images(self, stack: ImageStack) -> None:
        if self._case.have(stack):  # only new layers hold up a window
            self.show_images(stack)

    def _on_latents(self) -> None:
        latents = self.session.latents
        if latents is None:
            return
        self._stack = latents.stack
        at_once = self._is_model or self._case.have(latents.stack)
        self._turns.start(self._arrive(), at_once=at_once)

    def _on_selection(self, new: Selection, old: Selection) -> None:
        if new.case != old.case:
            self._stop()
            self._stack = None
            self._grid.pause()
            self._case.hide()
            self._landing.forget(self.session.volumes.cases[new.case])
        elif new.channel != old.channel:
            self._show_selected_image()
        self._slider.follow()
        self._refresh()

    def _on_results(self) -> None:
        pictures = self.session.results.pictures
        fresh = [p for key, p in pictures.items() if self._known_pictures.get(key) is not p]
        self._known_pictures = dict(pictures)
        if fresh:
            self._overlays.kind = fresh[-1].kind
        news = self._aside.hear(pictures=bool(fresh))
        self._refresh(seen=bool(fresh) or news)

    def _on_slider(self, event: object = None) -> None:
        if self._aside.steps.on_top and not self._changing.going:
            self._write_caption()
        self._slider.lead()

    # How it gets onto the screen

    def _refresh(self, *, seen: bool = False) -> None:
        """Bring pictures, letters and caption up to date."""
        self._seen |= seen
        if self._stack is None or self._turns.busy:
            return
        if not self._case.have(self._stack):
            take_all(self._put_images())
            self._put_latents()
        slow = self.is_side_by_side or not self._grid.cleared or self._is_layer_missing()
        self._laying.start(self._finish(), at_once=self._is_model or not slow)

    def _is_layer_missing(self) -> bool:
        """Whether something is to be shown that has no layer yet: new ones hold up a window."""
        wanted = [*self._aside.kinds, *(k for k in KINDS if self.session.picture(k) is not None)]
        return any(find_layer(self.viewer, (kind, None, False)) is None for kind in wanted)

    def _arrive(self) -> Iterator[None]:
        """Bring a case onto the screen, a layer at a time."""
        yield from self._put_images()
        self._put_latents()
        yield
        self._seen = True
        yield from self._finish()

    def _finish(self) -> Iterator[None]:
        """Lay pictures, letters and caption over the images that are there."""
        if self._stack is None:
            return
        chosen, beside = self.session.selection, self.is_side_by_side
        if self._grid.entered != beside:
            self._write_caption()  # it would lie over the name of a cell
            yield from self._markers.show(shown=False)  # a letter in the grid is drawn anew
        if self._grid.entered and not beside:
            yield from self._changing.each(self._grid.leave(self._stack.channels[chosen.channel]))
            self._show_selected_image()
        pictures = {k: one for k in KINDS if (one := self.session.picture(k)) is not None}
        aside = self._grid.entered or self._aside.wanted
        self._seen |= aside != self._overlays.aside
        self._overlays.aside = aside
        laid = self._overlays.update(pictures, chosen.channel, chosen.map, seen=self._seen)
        yield from self._changing.each(laid)
        self._seen = False
        shown = self._overlays.shown and not self._grid.entered
        laid = self._aside.update(chosen.channel, chosen.map, shown=shown)
        yield from self._changing.each(laid)
        if beside:
            yield from self._changing.each(self._lay_side_by_side(self._stack))
        else:
            yield from self._markers.show(shown=self._stack.grid.known)
        self._three_d.dress()
        yield
        self._write_caption()
        with self._changing(keep_place=False):
            if self._landing.arrive():
                self._three_d.come_back_here()
        if not beside:
            yield from self._changing.each(self._grid.clear())

    def _lay_side_by_side(self, stack: ImageStack) -> Iterator[None]:
        picture, which = self._overlays.picture, self.session.selection.map
        about = self.session.results.ratio(which)
        cells = cell_order(stack.channels, picture, about, every=self._every)
        for _ in self._grid.show(cells, picture, which, shown=self._overlays.shown):
            self._three_d.dress()
            yield
            if self.viewer.canvas.grid.enabled:  # the letters of more cells come with these
                yield from self._markers.show(shown=stack.grid.known, beside=True)

    def _write_caption(self, event: object = None) -> None:
        if self._stack is None:
            return
        lines = caption(
            self._stack,
            self.session.selection,
            self._overlays.picture if self._overlays.shown and not self._aside.on_top else None,
            made_up=self._aside.made_up.on_top and self._overlays.shown,
            steps=self._aside.steps.words() if self._overlays.shown else "",
            beside=self.is_side_by_side,
            deep=self.viewer.dims.ndisplay == 3,
        )
        self._around.show(lines, beside=self.is_side_by_side)

    def _put_images(self) -> Iterator[None]:
        if self._stack is None:
            return
        for _ in self._case.put_images(self._stack):
            yield
            self._show_selected_image()

    def _put_latents(self) -> None:
        latents = self.session.latents
        if latents is None:
            return
        with self._changing(keep_place=False):
            self._case.put_latents(latents.maps, latents.spec, latents.stack)
        self._slider.follow()
        self._show_selected_image()  # a new layer is the selected one

    def _show_selected_image(self) -> None:
        if self._stack is None or self._grid.entered:
            return
        wanted = self._stack.channels[self.session.selection.channel]
        self._case.look_at(wanted, select=self._overlays.picture is None)

    def _stop(self) -> None:
        self._turns.stop()
        self._laying.stop()

    def _leave_all(self) -> None:
        self._stop()
        self._grid.restore()
        take_all(self._grid.clear())
        take_all(self._markers.show(shown=False))
        self._around.restore()
