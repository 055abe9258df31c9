"""The window: the only folder that names Qt, magicgui or napari."""
