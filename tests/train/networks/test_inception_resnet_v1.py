import re

import keras
import numpy as np
import pytest

from dfd.train.networks.inception_resnet_v1 import SMALLEST, inception_resnet_v1


def test_the_smallest_input_gives_features_and_one_less_does_not() -> None:
    pixels = np.random.default_rng(1).normal(0, 0.5, (2, SMALLEST, SMALLEST, 3))
    features = keras.ops.convert_to_numpy(inception_resnet_v1(SMALLEST)(pixels))
    assert features.shape == (2, 1792)
    assert features.dtype == np.float32
    with pytest.raises(ValueError, match="output size would be zero"):
        inception_resnet_v1(SMALLEST - 1)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    return inception_resnet_v1(160)


def test_blocks_can_be_found_by_name(network: keras.Model) -> None:
    names = [layer.name for layer in network.layers]
    assert len(set(names)) == len(names)
    blocks = [
        *(f"block35_{number}" for number in range(1, 6)),
        "mixed_6a",
        *(f"block17_{number}" for number in range(1, 11)),
        "mixed_7a",
        *(f"block8_{number}" for number in range(1, 7)),
    ]
    assert [name for name in names if name in blocks] == blocks
    for block in blocks:  # a block is one run of layers, its own name last
        inside = [i for i, name in enumerate(names) if re.match(rf"{block}(_(?!\d+_)|$)", name)]
        assert inside == list(range(inside[0], names.index(block) + 1))


def test_random_weights_neither_fade_nor_blow_up(network: keras.Model) -> None:
    pixels = np.random.default_rng(1).normal(0, 0.5, (4, 160, 160, 3))
    features = keras.ops.convert_to_numpy(network(pixels))
    assert 0.05 < features.std() < 20


def test_training_and_inference_agree(network: keras.Model) -> None:
    pixels = np.random.default_rng(1).normal(0, 0.5, (2, 160, 160, 3))
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(network(pixels, training=True)),
        keras.ops.convert_to_numpy(network(pixels, training=False)),
    )
