"""What the user set on the preferences page of napari; defaults live in the manifest alone."""

from __future__ import annotations

from napari.settings import get_plugin_settings

from napari_latentattr.session import Session

_PLUGIN = "napari-latentattr"


def apply_preferences(session: Session) -> None:
    """Let the session use what is set now."""
    try:
        answers = get_plugin_settings(_PLUGIN).answers
    except (KeyError, AttributeError):
        return  # the plugin's manifest is not registered, as in a bare viewer model
    session.tau, session.donors = float(answers.tau), int(answers.donors)
