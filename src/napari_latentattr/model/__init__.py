"""Torch lives here: the only place with hooks and graph surgery."""
