"""Crops that were cut out by whoever made the data set."""

import numpy as np
import pytest

from dfd.arrays import Image
from dfd.faces.crops import square_around


def test_the_crop_is_the_whole_picture(load) -> None:
    (face,) = load(detector="none", margin=0.1)(np.zeros((224, 224, 3), np.uint8))
    assert square_around(face.box, 0.1) == (0, 0, 224)
    assert face.score == 1.0


def test_of_a_picture_that_is_no_square_it_is_the_middle(load) -> None:
    (face,) = load(detector="none", margin=0.3)(np.zeros((200, 120, 3), np.uint8))
    assert square_around(face.box, 0.3) == (0, 40, 120)


def test_landmarks_are_found_where_there_is_a_face(load, person: Image) -> None:
    (expected, *_) = load(detector="retinaface-mobilenet")(person)
    left, top, side = square_around(expected.box, 0.1)
    crop = person[max(0, top) : top + side, max(0, left) : left + side]
    (face,) = load(detector="none", margin=0.1)(crop)
    moved = np.array(face.landmarks) + np.array([max(0, left), max(0, top)])
    assert np.abs(moved - np.array(expected.landmarks)).max() < 0.06 * side


def test_without_a_face_they_are_those_of_an_average_one(load) -> None:
    (face,) = load(detector="none")(np.full((100, 100, 3), 127, np.uint8))
    left, right, nose, *mouth = face.landmarks
    assert left[0] < nose[0] < right[0]
    assert left[1] < nose[1] < min(y for _, y in mouth)


@pytest.mark.parametrize("side", [32, 600])
def test_small_and_large_crops_are_taken(load, side: int) -> None:
    assert len(load(detector="none")(np.zeros((side, side, 3), np.uint8))) == 1
