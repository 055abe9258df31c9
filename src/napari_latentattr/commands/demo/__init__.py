"""``latentattr demo``: questions with a known answer, and one that must be refused."""

from napari_latentattr.commands.demo.command import run

__all__ = ["run"]
