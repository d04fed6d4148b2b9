"""The import of FaceNet's weights: from a made-up graph, and from the published one."""

from pathlib import Path

import av
import keras
import numpy as np
import numpy.typing as npt
import pytest

from dfd.train.networks.casia_webface import CASIA_WEBFACE, graph_arrays
from dfd.train.networks.inception_resnet_v1 import inception_resnet_v1
from tests.wheels import published_member

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


def test_a_graph_is_read_by_the_names_of_our_layers() -> None:
    graph, arrays = frozen_graph(1)
    found = graph_arrays(graph)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = published_member(CASIA_WEBFACE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = inception_resnet_v1(160)
    CASIA_WEBFACE.load(model)
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
