from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.reading import read_decoder, read_encoder
from napari_latentattr.model.secants import Secants


class Block(nn.Module):
    """A residual block whose branches meet again in a sum, a product and a joining."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(features, features, 3, 1, 1) for _ in range(2))
        self.act, self.gate = nn.SiLU(), nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.first(x))
        y = 2 * (x + self.second(y)) - 1
        return torch.cat([y * self.gate(x), x], dim=1)


def norm(features: int) -> nn.BatchNorm2d:
    made = nn.BatchNorm2d(features)
    nn.init.normal_(made.weight)
    nn.init.normal_(made.bias)
    made.running_mean.normal_()
    made.running_var.uniform_(0.5, 2)
    return made


ENCODERS = {
    "relu": lambda: [nn.ReLU(), nn.Conv2d(6, 4, 3, 2, 1)],
    "leaky, dilated, uneven": lambda: [
        nn.LeakyReLU(0.1),
        nn.ConstantPad2d((0, 1, 2, 0), 0.5),
        nn.Conv2d(6, 4, (3, 2), 2, (0, 1), dilation=(2, 1)),
    ],
    "gelu, groups": lambda: [nn.GELU(), nn.Conv2d(6, 4, 3, 2, 1, groups=2), nn.Tanh()],
    "normed": lambda: [norm(6), nn.ELU(), nn.Conv2d(6, 4, 3, 2, 1), norm(4)],
    "max pool": lambda: [nn.MaxPool2d(3, 2, 1), nn.Conv2d(6, 4, 1), nn.SiLU()],
    "avg pool": lambda: [nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(6, 4, 1)],
    "residual": lambda: [Block(6), nn.ReLU(), nn.Conv2d(12, 4, 3, 2, 1)],
}


def built(name: str) -> LatentModel:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(3, 6, 3, 1, 1), *ENCODERS[name]())
    decoder = nn.Sequential(
        nn.ConvTranspose2d(4, 6, 4, 2, 1),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(6, 3, 3, padding=1),
    )
    module = nn.Sequential(OrderedDict(encoder=encoder, decoder=decoder)).eval()
    return LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)


def inputs(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)


def close(found: Tensor, truth: Tensor) -> None:
    torch.testing.assert_close(found, truth, rtol=0, atol=2e-6 * float(truth.abs().max()))


@pytest.mark.parametrize("name", ENCODERS)
def test_what_the_parts_become_sums_to_the_change_of_the_output(name: str) -> None:
    model = built(name)
    x, start = inputs((1, 3, 24, 24))
    with model.running():
        secants = Secants(read_encoder(model), x, start, apart=True)
        change = model.encode_tensor(x) - model.encode_tensor(start)
        close(secants.send(x - start), change)
        parts = secants.send_features(range(3))
        close(parts.sum(0, keepdim=True), change)
        random = torch.randn(5, 3, 24, 24, generator=torch.Generator().manual_seed(2))
        random[4] = x - start - random[:4].sum(0)
        close(secants.send(random).sum(0, keepdim=True), change)


@pytest.mark.parametrize("start_at", ["noise", "zero"])
@pytest.mark.parametrize("name", ENCODERS)
def test_answers_to_each_feature_kept_give_what_is_computed_anew(name: str, start_at: str) -> None:
    model = built(name)
    x, start = inputs((1, 3, 24, 24))
    start = start if start_at == "noise" else torch.zeros_like(start)
    with model.running():
        graph = read_encoder(model)
    model.module.double()  # where two numbers are near, their secant carries their rounding
    with torch.inference_mode():
        plain = Secants(graph, x.double(), start.double())
        apart = Secants(graph, x.double(), start.double(), apart=True)
        torch.testing.assert_close(apart.change, plain.change)
        torch.testing.assert_close(apart.send_features([2, 0]), plain.send_features([2, 0]))


@pytest.mark.parametrize("name", ENCODERS)
def test_one_feature_alone_is_a_part_with_all_others_zero(name: str) -> None:
    model = built(name)
    x, start = inputs((1, 3, 24, 24))
    with model.running():
        secants = Secants(read_encoder(model), x, start)
        whole = torch.zeros(2, 3, 24, 24)
        whole[0, 2], whole[1, 0] = (x - start)[0, 2], (x - start)[0, 0]
        close(secants.send_features([2, 0]), secants.send(whole))


def test_a_decoder_is_divided_among_the_maps() -> None:
    model = built("relu")
    z, start = inputs((1, 4, 6, 6))
    with model.running():
        secants = Secants(read_decoder(model), z, start)
        parts = secants.send_features(range(4))
        close(parts.sum(0), (model.decode_tensor(z) - model.decode_tensor(start))[0])


def test_a_linear_network_gives_every_part_what_it_gives_alone() -> None:
    torch.manual_seed(0)
    encoder = nn.Conv2d(3, 2, 3, 2, 1)
    decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(2, 3, 1))
    module = nn.Sequential(OrderedDict(encoder=encoder, decoder=decoder))
    model = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    x, start = inputs((1, 3, 8, 8))
    with model.running():
        parts = Secants(read_encoder(model), x, start).send_features(range(3))
        for c in range(3):
            alone = nn.functional.conv2d(
                (x - start)[:, c, None], encoder.weight[:, c, None], stride=2, padding=1
            )
            close(parts[c, None], alone)


def test_a_part_that_no_weight_sees_gives_exactly_nothing() -> None:
    model = built("relu")
    with torch.no_grad():
        model.module.encoder[0].weight[:, 1] = 0
    x, start = inputs((1, 3, 24, 24))
    with model.running():
        parts = Secants(read_encoder(model), x, start).send_features([1])
    assert float(parts.abs().max()) == 0.0


def test_between_equal_inputs_secants_are_slopes() -> None:
    model = built("gelu, groups")
    x, part = inputs((1, 3, 24, 24))
    with model.running():
        sent = Secants(read_encoder(model), x, x).send(part)
    encoder, step = model.module.encoder.double(), 1e-6 * part.double()
    tangent = (encoder(x.double() + step) - encoder(x.double() - step)).float().detach() / 2e-6
    torch.testing.assert_close(sent, tangent, rtol=0, atol=1e-3 * float(tangent.abs().max()))
