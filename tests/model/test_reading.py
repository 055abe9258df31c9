from __future__ import annotations

import threading
from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_latentattr.model.graph import Graph, UnreadableError
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.reading import read_decoder, read_encoder


class Residual(nn.Module):
    """Writes over what it then adds, pools by functions, joins features."""

    def __init__(self) -> None:
        super().__init__()
        self.activation = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(4, 4, 3, padding="same", dilation=2)
        self.norm = nn.BatchNorm2d(4)
        self.norm.running_var = torch.rand(4) + 0.5

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(self.activation(x)))
        y = 3 - (y + x) / 2
        left = functional.max_pool2d(functional.gelu(y, approximate="tanh"), 2)
        return torch.cat([left, functional.avg_pool2d(y.clamp(-1, 1), 2)], dim=1)


class Checked(nn.Sequential):
    """Looks at what it is given, which no symbol can stand for."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != 2:
            raise ValueError("two images")
        return super().forward(x)


def held(
    *middle: nn.Module, n: int = 4, around: type[nn.Sequential] = nn.Sequential
) -> LatentModel:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(2, 4, 3, 2, 1), *middle, nn.Conv2d(n, 3, 1))
    decoder = nn.Sequential(nn.Upsample(scale_factor=4), nn.Conv2d(3, 2, 3, padding=1), nn.Tanh())
    module = around(OrderedDict(encoder=encoder, decoder=decoder))
    return LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=2)


def kinds(graph: Graph) -> list[str]:
    return [step.kind for step in graph.steps]


def test_a_residual_block_that_works_in_place_is_read_step_by_step() -> None:
    graph = read_encoder(held(Residual(), n=8))
    assert kinds(graph) == [
        *("input", "conv", "activation", "conv", "affine", "sum", "sum", "sum"),
        *("activation", "max_pool", "activation", "avg_pool", "cat", "conv"),
    ]
    assert graph.steps[5].inputs == (4, 2)
    assert graph.steps[7].factors == (-1.0,)


def test_activations_leave_the_input_and_each_other_alone() -> None:
    model = held(nn.ReLU(inplace=True))
    graph = read_encoder(model)
    x = model.noise(seed=1)
    kept = x.clone()
    with model.running():
        found = graph.activations(x)
        assert torch.equal(x, kept)
        assert bool((found[1] < 0).any())
        assert not bool((found[2] < 0).any())
        assert torch.equal(found[-1], model.encode_tensor(x))


def test_layers_are_read_by_watching_where_no_symbol_gets_through() -> None:
    model = held(nn.ReLU(inplace=True), nn.Dropout(), around=Checked)
    assert kinds(read_encoder(model)) == ["input", "conv", "activation", "conv"]
    assert kinds(read_decoder(model)) == ["input", "resize", "conv", "activation"]


def test_the_decoder_begins_at_the_latent() -> None:
    model = held(Residual(), n=8)
    graph = read_decoder(model)
    assert [step.name for step in graph.steps] == ["input", "decoder.0", "decoder.1", "decoder.2"]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (nn.InstanceNorm2d(4), "InstanceNorm2d at encoder.1 makes every voxel depend on every"),
        (nn.GroupNorm(2, 4), "GroupNorm at encoder.1 makes every voxel depend on every other"),
        (
            nn.BatchNorm2d(4, track_running_stats=False),
            "BatchNorm2d at encoder.1 makes every voxel depend on every other",
        ),
        (
            nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
            "Conv2d at encoder.1 pads by circular values",
        ),
        (nn.Softmax2d(), "Softmax2d at encoder.1 is of a kind that is not known"),
    ],
)
def test_a_part_that_cannot_be_followed_is_named(part: nn.Module, words: str) -> None:
    model = held(part)
    with pytest.raises(UnreadableError, match=words):
        read_encoder(model)
    read_decoder(model)


class Rolled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.roll(x, 1, dims=2)


def test_an_unknown_function_is_named_with_its_module() -> None:
    with pytest.raises(UnreadableError, match=r"the function roll in encoder\.1 is of a kind"):
        read_encoder(held(Rolled()))


def test_a_function_between_watched_layers_is_refused() -> None:
    with pytest.raises(UnreadableError, match=r"what encoder\.2 is given was made outside"):
        read_encoder(held(Rolled(), around=Checked))


class Sly(nn.Conv2d):
    """A layer whose hook does what its settings do not say."""

    def __init__(self) -> None:
        super().__init__(4, 4, 1)
        self.register_forward_hook(lambda _module, _args, output: output.flip(2))


def test_what_the_layers_do_not_show_is_found_out_by_trying() -> None:
    with pytest.raises(UnreadableError, match="does something that its layers do not show"):
        read_encoder(held(Sly()))


def test_another_thread_may_run_models_while_one_is_read() -> None:
    model, other = held(Residual(), n=8), nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU())
    failures: list[Exception] = []
    done = threading.Event()

    def work() -> None:
        x = torch.zeros(1, 2, 4, 4)
        while not done.is_set():
            try:
                other(x)
            except Exception as error:
                failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(20):
        read_encoder(model)
    done.set()
    thread.join()
    assert not failures
