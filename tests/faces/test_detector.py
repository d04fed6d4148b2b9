from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dfd.faces.detector import FaceDetector, Image, shrink, source_faces


def test_shrink_fits_the_longer_side_and_never_enlarges() -> None:
    tall = np.zeros((400, 100, 3), np.uint8)
    small, scale = shrink(tall, 200)
    assert small.shape == (200, 50, 3)
    assert scale == 0.5
    assert shrink(tall, 4000)[0] is tall


def test_a_sliver_of_an_image_survives() -> None:
    assert shrink(np.zeros((2, 4000, 3), np.uint8), 64)[0].shape == (1, 64, 3)


def test_faces_are_in_source_pixels_inside_the_image_best_first() -> None:
    boxes = np.array([[-5, 10, 20, 60], [10, 10, 20, 20], [70, 0, 90, 10]], np.float32)
    points = np.tile(np.array([[1, 2]], np.float32), (3, 5, 1))
    image = np.zeros((100, 120, 3), np.uint8)
    faces = source_faces(boxes, points, np.array([0.8, 0.9, 0.99]), 0.5, image)
    assert [face.box for face in faces] == [(20, 20, 40, 40), (0, 20, 40, 100)]
    assert faces[0].landmarks == ((2, 4),) * 5


def test_threads_share_one_detector(load: Callable[..., FaceDetector], person: Image) -> None:
    detector = load()
    images = [person, person[:, ::-1].copy(), person[20:, 10:].copy()] * 4
    alone = [detector(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector, images)) == alone
