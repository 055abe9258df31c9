"""Which axes a viewer shows and where its camera is, to come back to; knows no layers."""

from __future__ import annotations

from dataclasses import dataclass

from napari.components import ViewerModel


@dataclass(frozen=True, slots=True)
class View:
    """What a viewer shows of the world, without where its slices lie."""

    ndisplay: int
    order: tuple[int, ...]
    center: tuple[float, ...]
    zoom: float

    @classmethod
    def of(cls, viewer: ViewerModel) -> View:
        """Take what is on display now."""
        camera, dims = viewer.scene.camera, viewer.dims
        return cls(dims.ndisplay, dims.order, tuple(camera.center), camera.zoom)

    def restore(self, viewer: ViewerModel) -> None:
        """Look there again; where other axes are on display now, fit everything into view."""
        if (self.ndisplay, self.order) == (viewer.dims.ndisplay, viewer.dims.order):
            viewer.scene.camera.center, viewer.scene.camera.zoom = self.center, self.zoom
        else:
            viewer.fit_to_view()
