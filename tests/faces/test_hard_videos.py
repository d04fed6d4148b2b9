"""Videos as phones, cameras, broadcasters and editors leave them, through real files."""

import io
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition

from dfd.arrays import Image
from dfd.faces.extract import extract_faces
from dfd.faces.record import Crop
from dfd.video.frames import probe
from dfd.video.packets import list_packets
from tests.clip_fixtures import (
    face_params,
    find_squares,
    frames_of,
    number_in,
    numbered_images,
    squares_image,
    write_clip,
)
from tests.video.clips import Coding, add_stream, encode, moving_images, turn, write


def image_of(crop: Crop) -> Image:
    return cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR)


def quarters(image: Image) -> list[float]:
    """Mean brightness: top left, top right, bottom left, bottom right."""
    middle = image.shape[0] // 2
    rows = (image[:middle], image[middle:])
    return [float(part.mean()) for row in rows for part in (row[:, :middle], row[:, middle:])]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_crops_of_a_turned_phone_are_upright(tmp_path: Path, turned: int) -> None:
    scene = np.zeros((120, 200, 3), np.uint8)
    scene[30:90, 20:80] = 255
    scene[30:60, 50:80], scene[60:90, 20:50], scene[60:90, 50:80] = 220, 190, 160
    clip = write_clip(tmp_path / "phone.mp4", [np.rot90(scene, turned // 90)] * 3)
    clip.write_bytes(turn(clip.read_bytes(), turned))
    assert (probe(clip).width, probe(clip).height) == (200, 120)
    faces = extract_faces(clip, face_params(margin=0.0), find_squares)
    assert len(faces.crops) == 3
    for crop in faces.crops:
        assert crop.face.box == pytest.approx((20, 30, 80, 90), abs=2)
        assert quarters(image_of(crop)) == pytest.approx([255, 220, 190, 160], abs=8)


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_uneven_times_are_kept_and_frames_sampled_by_number(tmp_path: Path, name: str) -> None:
    times = [0, 10, 30, 31, 100, 400, 401, 900, 1000, 1500, 1501, 1502, 3000, 3040, 3080, 6000]
    clip = write(tmp_path / name, [squares_image((20, 20, 40))] * 16, Coding(times=times))
    faces = extract_faces(clip, face_params(frames_per_video=4), find_squares)
    assert [crop.frame for crop in faces.crops] == [2, 6, 10, 14]
    assert [crop.time_s for crop in faces.crops] == pytest.approx([0.03, 0.401, 1.501, 3.08])
    assert probe(clip).duration == pytest.approx(6.0 * 16 / 15, abs=0.01)


FORMATS = {
    "odd.mp4": (Coding(pix_fmt="yuv444p"), 53, 37),
    "odd.webm": (Coding("libvpx-vp9", options={"cpu-used": "8", "deadline": "realtime"}), 53, 37),
    "even.mp4": (Coding(), 54, 38),
    "ten-bit.mkv": (Coding(pix_fmt="yuv420p10le"), 64, 48),
    "twelve-bit.mov": (Coding("prores_ks", "yuva444p10le"), 64, 48),
    "alpha.webm": (Coding("libvpx-vp9", "yuva420p"), 64, 48),
    "alpha.gif": (Coding("gif", "rgb8"), 53, 37),
    "alpha.mov": (Coding("png", "rgba"), 53, 37),
    "alpha.mkv": (Coding("ffv1", "bgra"), 53, 37),
    "grey.mkv": (Coding("ffv1", "gray"), 53, 37),
    "packed.avi": (Coding("rawvideo", "yuyv422"), 64, 48),
    "full-range.avi": (Coding("mjpeg", "yuvj420p"), 64, 48),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_size_and_format_gives_its_face(tmp_path: Path, name: str) -> None:
    coding, width, height = FORMATS[name]
    image = squares_image((width - 34, 2, 34), height=height, width=width)
    clip = write(tmp_path / name, [image] * 3, coding)
    assert (probe(clip).width, probe(clip).height) == (width, height)
    faces = extract_faces(clip, face_params(margin=0.1, crop_size=40), find_squares)
    assert [crop.frame for crop in faces.crops] == [0, 1, 2]
    for crop in faces.crops:
        assert crop.face.box == pytest.approx((width - 34, 2, width, 36), abs=1)
        assert image_of(crop)[8:32, 8:32].min() > 200
        assert image_of(crop)[8:32, 38:].min() > 200, "the border goes on"
        assert image_of(crop)[8:32, :2].max() < 60


INTERLACED = {
    "clip.mp4": Coding(options={"x264-params": "interlaced=1:tff=1:bframes=2", "crf": "4"}),
    "clip.ts": Coding("mpeg2video", options={"flags": "+ilme+ildct", "qmin": "1", "qmax": "2"}),
}


@pytest.mark.parametrize("name", INTERLACED)
def test_crops_of_interlaced_video_are_not_combed(tmp_path: Path, name: str) -> None:
    images = []
    for index in range(8):
        image = squares_image((10 + 12 * index, 40, 60))
        image[1::2] = squares_image((16 + 12 * index, 40, 60))[1::2]  # the later moment
        images.append(image)
    clip = write(tmp_path / name, images, INTERLACED[name])
    (frame,) = frames_of(clip, [4])
    assert frame.picture.interlaced_frame
    stored = frame.picture.to_ndarray(format="bgr24")
    combing = np.abs(np.diff(stored[50:90].astype(int), axis=0)).mean()
    assert combing > 5
    faces = extract_faces(clip, face_params(crop_size=84), find_squares)
    assert len(faces.crops) == 8
    for crop in faces.crops:
        inside = image_of(crop)[22:62].astype(int)
        assert np.abs(np.diff(inside, axis=0)).mean() < combing / 5
        assert crop.face.box == pytest.approx(
            (10 + 12 * crop.frame, 40, 70 + 12 * crop.frame, 100), abs=2.5
        )


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
@pytest.mark.parametrize("aspect", [Fraction(64, 45), Fraction(2), Fraction(1, 2)])
def test_anamorphic_video_gives_round_faces_and_square_boxes(
    tmp_path: Path, name: str, aspect: Fraction
) -> None:
    stored = np.zeros((120, 160, 3), np.uint8)
    across, down = (round(35 / aspect), 35) if aspect >= 1 else (35, round(35 * aspect))
    cv2.ellipse(stored, (80, 60), (across, down), 0, 0, 360, (255, 255, 255), -1)
    coding = Coding(options={"crf": "4"}, attributes={"sample_aspect_ratio": aspect})
    clip = write(tmp_path / name, [stored] * 3, coding)
    info = probe(clip)
    assert info.width / info.height == pytest.approx(160 / 120 * aspect, rel=0.01)
    faces = extract_faces(clip, face_params(crop_size=98), find_squares)
    assert len(faces.crops) == 3
    for crop in faces.crops:
        x1, y1, x2, y2 = crop.face.box
        assert (x2 - x1, y2 - y1) == pytest.approx((71, 71), abs=4)
        assert (x1 + x2) / 2 == pytest.approx(info.width / 2, abs=2)
        _, _, width, height = cv2.boundingRect((image_of(crop)[..., 1] > 128).astype(np.uint8))
        assert (width, height) == pytest.approx((70, 70), abs=4)


class Pipe(io.RawIOBase):
    """Somewhere to write to that cannot be gone back in, like a socket."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self.content += data
        return len(data)


@pytest.mark.parametrize("kind", ["matroska", "mpegts", "flv", "h264"])
def test_a_stream_without_length_or_count_is_counted(tmp_path: Path, kind: str) -> None:
    clip = tmp_path / "stream"
    coding = Coding(options={"g": "10", "crf": "4"})
    clip.write_bytes(write(Pipe(), numbered_images(30), coding, format=kind).content)
    info = probe(clip)
    assert info.frames == 30
    assert info.duration == pytest.approx(1.2, abs=0.01)
    frames = frames_of(clip, [3, 11, 26])
    assert [frame.time_s for frame in frames] == pytest.approx([0.12, 0.44, 1.04], abs=0.002)
    assert [number_in(frame.image()) for frame in frames] == [3, 11, 26]


def test_the_largest_of_several_streams_is_taken_whole(tmp_path: Path) -> None:
    clip = tmp_path / "several.mp4"
    with av.open(str(clip), "w") as out:
        kinds = ((48, 32, 30), (96, 64, 20), (64, 48, 25))
        streams = [add_stream(out, width, height, Coding()) for width, height, _ in kinds]
        for stream, (width, height, count) in zip(streams, kinds, strict=True):
            encode(out, stream, moving_images(count, width, height))
    info = probe(clip)
    assert (info.width, info.height, info.frames) == (96, 64, 20)
    assert [frame.picture.width for frame in frames_of(clip, [0, 19])] == [96, 96]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_cover_art_is_no_video_however_large(tmp_path: Path, name: str) -> None:
    clip = tmp_path / name
    cover = np.zeros((480, 640, 3), np.uint8)
    with av.open(str(clip), "w") as out:
        video = add_stream(out, 64, 48, Coding(options={"crf": "12"}))
        if name.endswith("mkv"):
            jpeg = cv2.imencode(".jpg", cover)[1].tobytes()
            out.add_attachment("cover.jpg", "image/jpeg", jpeg)
        else:
            art = add_stream(out, 640, 480, Coding("mjpeg", "yuvj420p"))
            art.disposition = Disposition.attached_pic
            encode(out, art, [cover])
        encode(out, video, numbered_images(5))
    with av.open(str(clip)) as container:
        assert len(container.streams.video) == 2
    assert (probe(clip).width, probe(clip).frames) == (64, 5)
    assert [number_in(frame.image()) for frame in frames_of(clip, [0, 4])] == [0, 4]


def test_a_clip_of_one_frame_gives_its_crop(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "one.mp4", [squares_image((20, 20, 40))])
    faces = extract_faces(clip, face_params(), find_squares)
    assert (faces.frames, faces.kept, [crop.time_s for crop in faces.crops]) == (1, 1, [0.0])


def test_a_face_that_enters_late_is_kept_from_then_on(tmp_path: Path) -> None:
    images = [squares_image()] * 50 + [squares_image((60, 30, 50))] * 10
    clip = write_clip(tmp_path / "late.mp4", images)
    faces = extract_faces(clip, face_params(frames_per_video=12), find_squares)
    assert (faces.decoded, faces.with_face, faces.reason) == (12, 2, None)
    assert [crop.frame for crop in faces.crops] == [52, 57]


def test_of_many_people_the_most_persistent_are_kept(tmp_path: Path) -> None:
    people = {0: 5, 50: 20, 100: 10, 150: 15}  # where each stands, and in how many frames
    images = [
        squares_image(*((left, 40, 40) for left, count in people.items() if index < count))
        for index in range(20)
    ]
    clip = write_clip(tmp_path / "crowd.mp4", images)
    faces = extract_faces(clip, face_params(frames_per_video="all"), find_squares)
    kept = {crop.track: round(crop.face.box[0], -1) for crop in faces.crops}
    assert kept == {0: 50, 1: 150}
    assert len(faces.crops) == 20 + 15


@pytest.mark.parametrize("kind", ["h264", "ts"])
def test_a_size_that_changes_midway_is_followed(tmp_path: Path, kind: str) -> None:
    small = squares_image((10, 20, 40), height=80, width=100)
    large = squares_image((20, 40, 80), height=160, width=200)
    parts = [
        write(tmp_path / f"{part}.{kind}", [image] * 10, Coding(times=times))
        for part, (image, times) in enumerate(
            ((small, range(0, 400, 40)), (large, range(400, 800, 40)))
        )
    ]
    clip = tmp_path / f"clip.{kind}"
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert list_packets(clip).frames == 20
    faces = extract_faces(clip, face_params(frames_per_video=4, margin=0.0), find_squares)
    boxes = [crop.face.box for crop in faces.crops]
    assert [crop.frame for crop in faces.crops] == [2, 7, 12, 17]
    assert boxes[0] == pytest.approx((10, 20, 50, 60), abs=2)
    assert boxes[3] == pytest.approx((20, 40, 100, 120), abs=2)
    assert all(image_of(crop)[4:60, 4:60].min() > 200 for crop in faces.crops)
