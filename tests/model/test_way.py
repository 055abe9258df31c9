"""The way from the images to the latent: its layers, in order, and no further."""

from __future__ import annotations

from tests.methods.test_integrated_gradients import Curved
from tests.toy import linear_model

from napari_latentattr import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.way import flat_model, innermost, mixes, way_to_latent


def test_layers_come_in_order_and_the_decoder_is_never_run() -> None:
    module = Curved()
    model = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    module.decoder.register_forward_hook(lambda *_: 1 / 0)
    way = way_to_latent(model)
    names = ["encoder.0", "encoder.1", "encoder.2", "encoder.3"]
    assert [call.name for call in way] == [*names, "encoder"]
    assert [call.name for call in innermost(way)] == names
    assert [mixes(module.get_submodule(name)) for name in names] == [True, False, True, False]
    assert way[-1].output.shape[:2] == (1, 4)
    assert not module.encoder._forward_hooks


def test_of_volumes_it_is_the_way_of_one_slice() -> None:
    model = SlicewiseModel(linear_model(), "axial")
    (call,) = way_to_latent(model)
    assert call.name == "encoder"
    assert (call.seen.ndim, call.seen.shape[:2]) == (4, (1, 3))
    assert flat_model(model) is model.model
    assert flat_model(model.model) is model.model
