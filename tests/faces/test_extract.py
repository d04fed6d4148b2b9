from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from dfd.arrays import Image
from dfd.faces.extract import extract_faces
from dfd.faces.face import Face, FaceDetector
from tests.clip_fixtures import face_params, find_squares, squares_image, write_clip


def test_every_sampled_frame_of_a_person_is_kept(
    people_clip: Path, load: Callable[..., FaceDetector]
) -> None:
    params = face_params(frames_per_video=8, crop_size=128)
    faces = extract_faces(people_clip, params, load())
    assert (faces.asked, faces.decoded, faces.tracks, faces.reason) == (8, 8, 1, None)
    assert faces.kept == faces.with_face == 8
    for crop in faces.crops:
        image = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (128, 128, 3)
        assert load()(image), "the crop shows the face"


def test_people_are_told_apart_and_ranked(squares_clip: Path) -> None:
    faces = extract_faces(squares_clip, face_params(frames_per_video="all"), find_squares)
    sizes = {crop.track: round(crop.face.size, -1) for crop in faces.crops}
    assert (faces.frames, faces.asked, faces.decoded, faces.with_face, faces.kept) == (30,) * 5
    assert sizes == {0: 40, 1: 60}
    assert len(faces.crops) == 30 + 15
    places = [(crop.frame, crop.track) for crop in faces.crops]
    assert places == sorted(places)


def test_only_the_most_persistent_person_is_kept_when_one_is_asked_for(squares_clip: Path) -> None:
    faces = extract_faces(squares_clip, face_params(max_tracks=1), find_squares)
    assert faces.tracks == 1
    assert {crop.track for crop in faces.crops} == {0}
    assert max(crop.face.size for crop in faces.crops) < 50


def test_the_totals_add_up_when_faces_come_and_go(tmp_path: Path) -> None:
    pictures = [squares_image(), squares_image((20, 20, 12)), squares_image((20, 20, 60))]
    clip = write_clip(tmp_path / "mixed.mp4", [image for image in pictures for _ in range(10)])
    faces = extract_faces(clip, face_params(frames_per_video=6), find_squares)
    assert (faces.asked, faces.decoded, faces.with_face, faces.kept) == (6, 6, 4, 2)
    assert [crop.frame for crop in faces.crops] == [22, 27]
    assert [crop.time_s for crop in faces.crops] == pytest.approx([0.88, 1.08])


@pytest.mark.parametrize(
    ("square", "reason"), [((20, 20, 12), "face_too_small"), ((20, 20, 0), "no_face")]
)
def test_nothing_kept_has_its_reason(
    tmp_path: Path, square: tuple[int, int, int], reason: str
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [squares_image(square)] * 10)
    faces = extract_faces(clip, face_params(), find_squares)
    assert (faces.reason, faces.kept, faces.tracks, faces.crops) == (reason, 0, 0, ())
    assert faces.decoded == 8
    assert faces.detail


def test_an_unreadable_file_is_a_reason_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\0" * 1000)
    faces = extract_faces(path, face_params(), find_squares)
    assert (faces.reason, faces.asked, faces.decoded) == ("unreadable", 0, 0)
    assert faces.detail
    assert str(tmp_path) not in faces.detail


def test_a_mistake_in_the_detector_is_not_hidden(squares_clip: Path) -> None:
    def broken(image: Image) -> list[Face]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        extract_faces(squares_clip, face_params(), broken)


def test_the_same_video_gives_the_same_result(
    people_clip: Path, load: Callable[..., FaceDetector]
) -> None:
    params = face_params(frames_per_video=4)
    assert extract_faces(people_clip, params, load()) == extract_faces(people_clip, params, load())
