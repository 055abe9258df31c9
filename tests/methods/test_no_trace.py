"""Work that is broken off must leave model and process as they were, and do the same again."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from tests.test_every_method import METHODS, SCENES, model_for
from torch import nn

from napari_latentattr import LatentModel, attribute
from napari_latentattr.core.errors import Cancelled
from napari_latentattr.core.stopping import stoppable
from napari_latentattr.model.state import state_hash


class FailedError(Exception):
    """Nobody expects this."""


class BreaksOff:
    """Counts how often work reports or asks whether to stop, and stops it once."""

    def __init__(self, after: int = -1, error: type[Exception] = Cancelled) -> None:
        self.asked, self._after, self._error = 0, after, error

    def check(self) -> None:
        self.asked += 1
        if self.asked == self._after:
            raise self._error("in the middle")

    def report(self, done: int, total: int, text: str) -> None:
        self.check()


def traces(module: nn.Module) -> list[object]:
    """All that a method could leave behind."""
    parts = list(module.modules())
    hooks = [name for name in vars(parts[0]) if name.endswith(("_hooks", "_hooks_with_kwargs"))]
    return [
        state_hash(module.state_dict()),
        [part.training for part in parts],
        [[list(getattr(part, name)) for name in hooks] for part in parts],
        [sorted(vars(part)) for part in parts],
        [(p.requires_grad, p.grad is None, p._backward_hooks) for p in module.parameters()],
        (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_num_threads()),
        (torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()),
        (torch.backends.cudnn.benchmark, torch.backends.cuda.matmul.allow_tf32),
        torch.get_rng_state().numpy().tobytes(),
        np.random.get_state()[1].tobytes(),  # noqa: NPY002
        list(warnings.filters),
    ]


def used_model(key: str) -> LatentModel:
    """A model of somebody who trains a part of it, and watches another."""
    model = model_for(key)
    model.module.encoder.training = False
    next(model.module.parameters()).requires_grad_(False)
    model.module.decoder.register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("error", [Cancelled, FailedError])
@pytest.mark.parametrize("key", METHODS)
def test_work_that_is_broken_off_leaves_no_trace(
    key: str, error: type[Exception], share: float
) -> None:
    scene = "images of people" if error is FailedError else "volumes of people"
    stack, cohort = SCENES[scene]()
    model = used_model(key)

    def ask(breaks: BreaksOff) -> bytes:
        with stoppable(breaks.check):
            found = attribute(model, stack, 0, method=key, cohort=cohort, seed=5, progress=breaks)
            return found.volume.tobytes() + found.score.tobytes()

    before = traces(model.module)
    first, counting = ask(BreaksOff()), BreaksOff()
    assert traces(model.module) == before
    assert ask(counting) == first  # asks less often, as the network was read before
    breaks = BreaksOff(max(1, round(share * counting.asked)), error)
    with pytest.raises(error, match="in the middle"):
        ask(breaks)
    assert traces(model.module) == before
    assert ask(BreaksOff()) == first
