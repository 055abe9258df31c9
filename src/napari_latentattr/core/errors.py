"""What can be wrong with a user's input, each told in one sentence.

Every message says what was wrong, what was expected, what came and what to do. Widgets and the
command line show it unchanged. Programming mistakes raise ``ValueError`` or ``TypeError`` instead.
"""

from __future__ import annotations


class LatentAttrError(Exception):
    """Something the user can put right; the message is one sentence."""


class InputError(LatentAttrError):
    """A file, a table or a value cannot be used as it is."""


class GridMismatchError(InputError):
    """Two images that belong together do not lie on the same voxels."""


class ModelError(LatentAttrError):
    """A model cannot be loaded, probed or asked this question."""


class UntrustedModelError(ModelError):
    """Opening this model would run code that came with it, and trust was not given."""


class Cancelled(LatentAttrError):
    """The user stopped the work; nothing was written."""


class VolumeWarning(UserWarning):
    """An image was read, but something about it should be known."""
