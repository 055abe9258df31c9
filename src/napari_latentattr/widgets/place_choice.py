"""Which part of the map a picture of where is about: all, a region, or one latent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari.layers import Labels
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import nearest_latent
from napari_latentattr.core.open_image import OpenImage
from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.session import Session
from napari_latentattr.widgets.open_layers import is_ours, open_image
from napari_latentattr.widgets.own_layers import case_images
from napari_latentattr.widgets.text import Words, fit_choice

_TIP = "The latents that count: of the whole map, of a region, or a single one"
_WHOLE_ALONE = "This method speaks of the whole map alone"
_LATENT = "one latent, at the cursor"
# Pixels; a hand that clicks is never quite still.
_STILL = 4.0


class PlaceChoice(QComboBox):
    """A list that follows the study, the selection and the Labels layers of the viewer.

    While a single latent is asked for, a click on the image moves the slices there, and `hint`
    names the latent under them.
    """

    def __init__(self, viewer: Any, session: Session) -> None:
        super().__init__()
        self._viewer, self._session = viewer, session
        self._able = True
        self.hint = Words(muted=True)
        self.setAccessibleName("part of the map")
        fit_choice(self, _TIP)
        self.activated.connect(self._on_chosen)
        self._wires = (
            (viewer.layers.events.inserted, self.refresh),
            (viewer.layers.events.removed, self.refresh),
            (viewer.dims.events.point, self._tell),
        )
        for signal, slot in self._wires:
            signal.connect(slot)
        viewer.mouse_drag_callbacks.append(self._on_press)

    def close_down(self) -> None:
        """Let go of the viewer."""
        for signal, slot in self._wires:
            signal.disconnect(slot)
        self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def set_able(self, able: bool) -> None:
        """Say whether the method that is chosen can be asked about a part of the map."""
        self._able = able
        self.refresh()

    def refresh(self, event: object = None) -> None:
        """List what there is, and show what is selected."""
        study = self._session.study
        self.setEnabled(study is not None and self._able)
        if study is None:
            return
        layers = [layer for layer in self._viewer.layers if _is_theirs(layer)]
        chosen = self._session.selection.place if self._able else WHOLE
        places = [WHOLE, *(Place(region=name) for name in study.cohort.region_names)]
        places += [Place(layer=layer.name) for layer in layers]
        if chosen not in places and not chosen.latent:
            places.append(chosen)
        blocker = QSignalBlocker(self)
        self.clear()
        for place in places:
            self.addItem("the whole map" if place.is_whole else f"inside {place}", place)
        self.addItem(_LATENT, None)
        self.setCurrentIndex(len(places) if chosen.latent else places.index(chosen))
        del blocker
        fit_choice(self, _TIP if self._able else _WHOLE_ALONE)
        self._tell()

    def place(self) -> Place:
        """Part of the map that is asked for now.

        Raises
        ------
        InputError
            When the slices cross no latent.
        """
        if not self._able:
            return WHOLE
        if not self._wants_latent:
            chosen = self.currentData()
            return chosen if isinstance(chosen, Place) else WHOLE
        latent = self._latent_at_cursor()
        if latent is None:
            raise InputError(
                "no latent lies where the slices cross; click on the image, inside the body"
            )
        return Place(latent=latent)

    def labels(self, place: Place) -> OpenImage | None:
        """Labels layer that a place names, if it names one and it is open.

        Raises
        ------
        InputError
            When the layer is turned in space.
        """
        for layer in self._viewer.layers:
            if place.layer == layer.name and _is_theirs(layer):
                return open_image(layer)
        return None

    @property
    def _wants_latent(self) -> bool:
        return bool(self.count() > 0 and self.currentIndex() == self.count() - 1)

    def _on_chosen(self, index: int) -> None:
        place: Place | None = self.itemData(index)
        if place is None:
            latent = self._latent_shown() or self._latent_at_cursor()
            place = WHOLE if latent is None else Place(latent=latent)
        if place == self._session.selection.place:
            self.refresh()
        else:
            self._session.select(place=place)

    def _latent_shown(self) -> tuple[int, ...] | None:
        """Latent of the newest picture of the map and case that is about a single one."""
        chosen = self._session.selection
        case = self._session.volumes.cases[chosen.case]
        for picture in reversed([*self._session.results.pictures.values()]):
            about = (picture.target.index, picture.case)
            latent: tuple[int, ...] = picture.place.latent
            if latent and about == (chosen.map, case):
                return latent
        return None

    def _latent_at_cursor(self) -> tuple[int, ...] | None:
        """Latent where the slices cross."""
        latents, layers = self._session.latents, case_images(self._viewer)
        if latents is None or not layers:
            return None
        layer = next(iter(layers.values()))
        voxel = layer.world_to_data(self._viewer.dims.point[-layer.ndim :])
        return nearest_latent(voxel, latents.spec, latents.maps.shape[1:])

    def _tell(self, event: object = None) -> None:
        """Name the latent under the slices, where one is asked for."""
        if not (self._wants_latent and self.isEnabled()):
            self.hint.say("")
            return
        latent = self._latent_at_cursor()
        here = "No latent here" if latent is None else str(Place(latent=latent)).capitalize()
        self.hint.say_plain(f"{here}; click on the image to choose another one.")

    def _takes_clicks(self) -> bool:
        """Whether a click names a latent: nobody paints, or turns the image, with it."""
        active = self._viewer.layers.selection.active
        free = active is None or str(active.mode) == "pan_zoom"
        flat = self._viewer.dims.ndisplay == 2
        return bool(free and flat and self._wants_latent and self.isVisible())

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """Move the slices to where the image is clicked; dragging moves it as ever."""
        if event.button != 1 or not self._takes_clicks():
            return
        began, at = event.pos, event.position
        yield
        while event.type == "mouse_move":
            yield
        if sum((a - b) ** 2 for a, b in zip(event.pos, began, strict=True)) <= _STILL**2:
            shown = viewer.dims.displayed
            viewer.dims.set_point(shown, [at[axis] for axis in shown])


def _is_theirs(layer: Any) -> bool:
    return isinstance(layer, Labels) and not is_ours(layer)
