import keras
import pytest

from dfd.errors import TrainError, WeightsError
from dfd.train.loop.network import build_network


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": "mesonett"}, "backbone: there is no 'mesonett'; choose one of mesonet, "),
        ({"finetune_from": "meso_conf4"}, "finetune_from: mesonet has no layer 'meso_conf4'; "),
        ({"backbone": "xception"}, "input_size: 64 is too small for xception; it takes 71 or more"),
    ],
)
def test_a_name_that_is_not_there_is_one_line_with_its_key(params, changes, message) -> None:
    with pytest.raises(TrainError) as caught:
        build_network("small", params.model_copy(update=changes))
    assert str(caught.value).startswith(f"candidates.small.{message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", ["imagenet", "absent.weights.h5"])
def test_weights_that_are_not_there_are_one_line_with_their_key(params, weights: str) -> None:
    with pytest.raises(WeightsError, match=r"^candidates\.small\.weights: mesonet has|is no file"):
        build_network("small", params.model_copy(update={"weights": weights}))


def test_random_weights_are_trained_as_a_whole(params) -> None:
    network = build_network("small", params.model_copy(update={"finetune_from": "meso_conv4"}))
    assert not network.pretrained
    assert all(layer.trainable for layer in network.model.get_layer("backbone").layers)


def test_a_pretrained_backbone_is_frozen_below_the_named_layer(params, tmp_path) -> None:
    path = tmp_path / "mesonet.weights.h5"
    build_network("small", params).model.get_layer("backbone").save_weights(path)
    changes = {"weights": str(path), "finetune_from": "meso_conv4"}
    network = build_network("small", params.model_copy(update=changes))
    assert network.pretrained
    backbone = network.model.get_layer("backbone")
    trainable = {layer.name for layer in backbone.layers if layer.trainable and layer.weights}
    assert trainable == {"meso_conv4", "meso_hidden"}  # BatchNorm after it stays frozen too


def test_a_pretrained_backbone_is_trained_whole_but_for_batchnorm(params, tmp_path) -> None:
    path = tmp_path / "mesonet.weights.h5"
    build_network("small", params).model.get_layer("backbone").save_weights(path)
    backbone = build_network("small", params.model_copy(update={"weights": str(path)})).model
    for layer in backbone.get_layer("backbone").layers:
        assert layer.trainable != isinstance(layer, keras.layers.BatchNormalization)
