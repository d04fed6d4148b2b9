from collections.abc import Callable

import cv2
import numpy as np
import pytest

from dfd.arrays import Image
from dfd.errors import WeightsError
from dfd.faces.detectors.retinaface_mobilenet import one_thread_session
from dfd.faces.face import FaceDetector

Load = Callable[..., FaceDetector]


def test_a_person_is_one_face_with_its_features_in_place(load: Load, person: Image) -> None:
    (face,) = load()(person)
    left_eye, right_eye, nose, mouth_left, mouth_right = face.landmarks
    x1, y1, x2, y2 = face.box
    assert face.score > 0.9
    assert left_eye[0] < nose[0] < right_eye[0]
    assert mouth_left[0] < mouth_right[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
    assert all(x1 < x < x2 and y1 < y < y2 for x, y in face.landmarks)


def test_boxes_are_in_the_pixels_of_the_image_given(load: Load, person: Image) -> None:
    (face,) = load()(person)
    twice = cv2.resize(person, None, fx=2, fy=2)
    (large,) = load()(twice)
    assert large.box == pytest.approx([2 * value for value in face.box], abs=0.1 * large.size)
    moved = cv2.copyMakeBorder(person, 33, 0, 71, 0, cv2.BORDER_REPLICATE)
    (shifted,) = load()(moved)
    x1, y1, x2, y2 = face.box
    assert shifted.box == pytest.approx((x1 + 71, y1 + 33, x2 + 71, y2 + 33), abs=0.08 * face.size)


def test_two_people_are_two_faces_and_overlaps_are_merged(load: Load, person: Image) -> None:
    pair = np.concatenate([person, person], axis=1)
    faces = load()(pair)
    assert len(faces) == 2
    assert {face.box[0] > person.shape[1] for face in faces} == {True, False}


def test_a_picture_of_nothing_has_no_face(load: Load) -> None:
    assert load()(np.full((77, 131, 3), 90, np.uint8)) == []


def test_the_score_asked_for_is_kept(load: Load, person: Image) -> None:
    assert load(min_score=1.0)(person) == []


def test_a_damaged_model_is_refused_in_one_line() -> None:
    with pytest.raises(WeightsError, match=r"^here\.onnx: ") as caught:
        one_thread_session(b"not a model", "here.onnx")
    assert "\n" not in str(caught.value)
