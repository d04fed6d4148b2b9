from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dfd.arrays import Image
from dfd.faces.face import Face, FaceDetector, make_faces


def test_faces_are_inside_the_image_best_first() -> None:
    boxes = np.array([[-5, 10, 20, 60], [10, 10, 20, 20], [70, 0, 90, 10]], np.float32)
    points = np.tile(np.array([[1, 2]], np.float32), (3, 5, 1))
    image = np.zeros((50, 60, 3), np.uint8)
    faces = make_faces(boxes, points, np.array([0.8, 0.9, 0.99]), image)
    assert [face.box for face in faces] == [(10, 10, 20, 20), (0, 10, 20, 50)]
    assert [face.score for face in faces] == [0.9, 0.8]
    assert faces[0].landmarks == ((1, 2),) * 5


def test_a_face_scales_with_its_image_in_each_direction() -> None:
    face = Face((1, 2, 3, 5), ((1, 2), (3, 4)), 0.9)
    assert face.scaled(2, 10) == Face((2, 20, 6, 50), ((2, 20), (6, 40)), 0.9)
    assert (face.size, face.area) == (3, 6)


def test_threads_share_one_detector(load: Callable[..., FaceDetector], person: Image) -> None:
    detector = load()
    images = [person, person[:, ::-1].copy(), person[20:, 10:].copy()] * 4
    alone = [detector(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector, images)) == alone
