"""A form made of the parameters of a method; it knows bounds and words, not what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import create_widget
from qtpy.QtWidgets import QFormLayout, QWidget

from napari_latentattr.widgets.text import Name

if TYPE_CHECKING:
    from napari_latentattr.methods._parameters import Parameter, Value

_TYPES = {"number": float, "integer": int, "choice": str, "flag": bool}


class ParameterForm(QWidget):
    """One row a parameter."""

    def __init__(self, parameters: tuple[Parameter, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields: dict[str, Any] = {}
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        for parameter in parameters:
            field = field_for(parameter)
            field.native.setToolTip(parameter.help)
            field.native.setAccessibleName(parameter.title)
            self._fields[parameter.name] = field
            form.addRow(Name(_title(parameter)), field.native)

    def values(self) -> dict[str, Value]:
        """Return what is set now."""
        return {name: field.value for name, field in self._fields.items()}

    def set_value(self, name: str, value: Value) -> None:
        """Set one parameter."""
        self._fields[name].value = value


def field_for(parameter: Parameter) -> Any:
    """Return a magicgui widget with the parameter's own value, limits and step.

    Every option is given: left to themselves, spin boxes stop at 999 and round to 0.01.
    """
    options: dict[str, Any] = {}
    if parameter.kind == "choice":
        options["choices"] = list(parameter.choices)
    if parameter.bounds is not None:
        low, high = parameter.bounds.low, parameter.bounds.high
        whole = parameter.kind == "integer"
        step = parameter.bounds.step or (1 if whole else (high - low) / 100)
        options |= {"min": int(low) if whole else low, "max": int(high) if whole else high}
        options["step"] = int(step) if whole else step
    return create_widget(
        value=parameter.default,
        annotation=_TYPES[parameter.kind],
        name=parameter.name,
        options=options,
    )


def _title(parameter: Parameter) -> str:
    unit = parameter.bounds.unit if parameter.bounds is not None else ""
    return f"{parameter.title} ({unit})" if unit else parameter.title
