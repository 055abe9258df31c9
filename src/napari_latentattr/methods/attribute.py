"""Ask any registered method about one latent map of one case.

Refuses to know any method; checks what the user typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import did_you_mean
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, CaseSource, ImageStack, LatentSpec, MapRef
from napari_latentattr.methods._parameters import Value
from napari_latentattr.methods._registry import Method, methods
from napari_latentattr.methods.cases import fit
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


def attribute(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    map: int | MapRef,  # noqa: A002
    *,
    method: str = "swaps",
    cohort: CaseSource | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
    **parameters: Value,
) -> Attribution:
    """Show what each image contributes to one latent map of a case, and where.

    Parameters
    ----------
    model : LatentModel
        A 2D model walks over the slices of a volume.
    stack : ImageStack
        The case.
    map : int or MapRef
    method : str
        Key of one of `methods()`.
    cohort : Cohort, optional
        Other cases to compare with; most methods need them.
    seed : int
        For methods that draw at random; others ignore it.
    parameters
        Of the method; their defaults, bounds and units are in ``methods()[method].parameters``.

    Returns
    -------
    Attribution
        `volume` (C, *S) on the grid of the stack, `score` (C,).

    Raises
    ------
    InputError
        When the map, the method, a parameter or the cohort is not as it must be.
    ModelError
        When model and stack do not fit.
    """
    asked = find_method(method)
    values = accepted(asked, parameters)
    fitted = fit(model, stack, cohort)
    context: dict[str, Any] = {"cohort": cohort, "seed": seed, "progress": progress}
    given = {name: value for name, value in context.items() if name in asked.context}
    return asked.function(fitted, stack, find_map(map, fitted.spec), **given, **values)


def find_method(key: str) -> Method:
    """Find the method of that key.

    Raises
    ------
    InputError
        When there is none.
    """
    known = methods()
    if key not in known:
        raise InputError(
            f"there is no method {key}{did_you_mean(key, known)}; known are {', '.join(known)}"
        )
    return known[key]


def accepted(method: Method, values: Mapping[str, object]) -> dict[str, Value]:
    """Values of all parameters of a method, its defaults where none is given.

    Raises
    ------
    InputError
        When the method has no such parameter, or a value is out of bounds.
    """
    known = {parameter.name: parameter for parameter in method.parameters}
    for name in values:
        if name not in known:
            raise InputError(
                f"the method {method.key} has no parameter {name}{did_you_mean(name, known)}; "
                f"its parameters are {', '.join(known) or 'none'}"
            )
    return {name: p.accept(values.get(name, p.default)) for name, p in known.items()}


def find_map(which: int | MapRef, spec: LatentSpec) -> MapRef:
    """Find a latent map of a model by its number.

    Raises
    ------
    InputError
        When the model has no such map.
    """
    ref = which if isinstance(which, MapRef) else MapRef(spec.layer, int(which))
    if ref.layer != spec.layer or not 0 <= ref.index < spec.n_maps:
        raise InputError(
            f"map {ref if isinstance(which, MapRef) else which} was asked, the model has maps "
            f"{MapRef(spec.layer, 0)} to {MapRef(spec.layer, spec.n_maps - 1)}"
        )
    return ref
