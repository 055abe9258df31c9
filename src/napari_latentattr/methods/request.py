"""A request to one method, checked: everything that it takes but the map.

Refuses to know any method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import did_you_mean
from napari_latentattr.core.progress import Part, Progress
from napari_latentattr.core.types import Attribution, Bool, CaseSource, ImageStack, MapRef
from napari_latentattr.methods._parameters import Value
from napari_latentattr.methods._registry import Method, methods
from napari_latentattr.methods.cases import fit
from napari_latentattr.methods.latents import chosen_latents, target_record
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What one method is asked with, for any map.

    Attributes
    ----------
    latents : (*L) bool array or None
        Those that count; the ones of the body when None.
    where : mapping of str to str
        The region or voxel as it is recorded.
    """

    method: Method
    values: Mapping[str, Value]
    model: LatentModel | SlicewiseModel
    stack: ImageStack
    cohort: CaseSource | None
    latents: Bool | None
    where: Mapping[str, str]
    seed: int

    @classmethod
    def of(
        cls,
        model: LatentModel | SlicewiseModel,
        stack: ImageStack,
        method: str,
        parameters: Mapping[str, object],
        *,
        cohort: CaseSource | None,
        region: str | Bool | None,
        voxel: Sequence[int] | None,
        seed: int,
    ) -> Request:
        """Check what was asked; raises like `attribute`."""
        asked = find_method(method)
        values = accepted(asked, parameters)
        fitted = fit(model, stack, cohort)
        if not (region is None and voxel is None):
            _check_can_restrict(asked)
        latents = chosen_latents(fitted, stack, cohort, region=region, voxel=voxel)
        where = target_record(region, voxel)
        return cls(asked, values, fitted, stack, cohort, latents, where, seed)

    def answers(self, refs: Sequence[MapRef], progress: Progress) -> tuple[Attribution, ...]:
        """One answer a map."""
        method = self.method
        if method.many is not None and len(refs) > 1:
            given = self._given(progress)
            found = method.many(self.model, self.stack, tuple(refs), **given)
        else:
            found = tuple(
                method.function(
                    self.model, self.stack, ref, **self._given(Part(progress, i, len(refs)))
                )
                for i, ref in enumerate(refs)
            )
        return tuple(self._recorded(answer) for answer in found)

    def _given(self, progress: Progress) -> dict[str, Any]:
        context = {
            "cohort": self.cohort,
            "latents": self.latents,
            "seed": self.seed,
            "progress": progress,
        }
        taken = {name: value for name, value in context.items() if name in self.method.context}
        return {**taken, **self.values}

    def _recorded(self, found: Attribution) -> Attribution:
        """Answer with the region or voxel in its provenance."""
        if not self.where:
            return found
        params = {**found.provenance.params, **self.where}
        return replace(found, provenance=replace(found.provenance, params=params))


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


def _check_can_restrict(method: Method) -> None:
    if "latents" in method.context:
        return
    able = [key for key, other in methods().items() if "latents" in other.context]
    raise InputError(
        f"the method {method.key} speaks of the whole map and cannot be asked about a region or a "
        f"voxel; leave them out, or ask one of {', '.join(able)}"
    )
