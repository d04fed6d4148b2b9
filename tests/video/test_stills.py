"""Still pictures as videos of one frame, and folders of frames as videos."""

import os
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from dfd.arrays import Image
from dfd.errors import VideoError
from dfd.video.frames import probe, read_frames
from dfd.video.packets import Packets, list_packets
from dfd.video.stills import frame_files
from tests.clip_fixtures import frames_of, number_in, numbered_images, write_clip

UPRIGHT_TURNS = {1: 0, 3: 2, 6: 3, 8: 1}  # by EXIF orientation, counter-clockwise as in np.rot90


def picture() -> Image:
    """A smooth picture with another colour in each corner."""
    corners = np.array([[(20, 40, 200), (220, 60, 20)], [(40, 200, 60), (230, 230, 230)]], np.uint8)
    return np.asarray(cv2.resize(corners, (120, 80), interpolation=cv2.INTER_LINEAR), np.uint8)


def pillow(image: Image) -> PIL.Image.Image:
    return PIL.Image.fromarray(image[..., ::-1].copy())


def only(path: Path) -> Image:
    (frame,) = frames_of(path, [0])
    return frame.image()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_still_is_a_video_of_one_frame_without_a_length(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"still{suffix}"
    cv2.imwrite(str(path), picture())
    info = probe(path)
    assert (info.frames, info.duration, info.width, info.height) == (1, 0.0, 120, 80)
    assert np.abs(only(path).astype(int) - picture()).mean() < 4


@pytest.mark.parametrize("orientation", UPRIGHT_TURNS)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_photo_is_turned_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"photo{suffix}"
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    pillow(picture()).save(path, exif=exif)
    upright = np.rot90(picture(), UPRIGHT_TURNS[orientation])
    assert only(path).shape == upright.shape
    assert np.abs(only(path).astype(int) - upright).mean() < 6


@pytest.mark.parametrize("kind", ["CMYK", "L", "P", "RGBA", "16 bits", "progressive"])
def test_every_kind_of_picture_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("a.png" if kind in ("P", "RGBA", "16 bits") else "a.jpg")
    if kind == "16 bits":
        cv2.imwrite(str(path), picture().astype(np.uint16) * 257)
    elif kind == "progressive":
        pillow(picture()).save(path, progressive=True, quality=95)
    else:
        pillow(picture()).convert(kind).save(path)
    expected = np.asarray(pillow(picture()).convert(kind if kind in "LP" else "RGB").convert("RGB"))
    assert np.abs(only(path).astype(int) - expected[..., ::-1]).mean() < 6


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_a_moving_picture_is_its_frames(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"moving{suffix}"
    first, *others = [pillow(image) for image in numbered_images(5)]
    first.save(path, save_all=True, append_images=others, duration=200, lossless=True)
    packets = list_packets(path)
    assert (packets.frames, round(packets.duration, 2)) == (5, 1.0)
    frames = list(read_frames(path, packets, [1, 4]))
    assert [number_in(frame.image()) for frame in frames] == [1, 4]
    assert [round(frame.time_s, 2) for frame in frames] == [0.2, 0.8]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("share", [0.3, 0.99])
def test_a_truncated_picture_is_none(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"still{suffix}"
    rng = np.random.default_rng(0)
    cv2.imwrite(str(path), rng.integers(0, 256, (160, 160, 3), np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(VideoError) as caught:
        probe(path)
    assert "\n" not in str(caught.value)


def test_a_photo_of_50_megapixels_is_read_and_a_larger_promise_is_not(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    cv2.imwrite(str(path), np.full((5792, 8688, 3), 90, np.uint8))
    assert (probe(path).width, probe(path).height) == (8688, 5792)
    content = bytearray(path.read_bytes())
    size = content.index(b"\xff\xc0") + 5
    content[size : size + 4] = b"\xff\xf0\xff\xf0"  # 65,520 pixels each way
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r"no frame can be decoded"):
        probe(path)


def test_the_name_of_a_jpeg_is_no_pattern(tmp_path: Path) -> None:
    """FFmpeg's demuxer of picture series would open the files that the name stands for."""
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"a{number}.jpg"), np.full((32, 32, 3), 50 * number, np.uint8))
    named = tmp_path / "a%d.jpg"
    cv2.imwrite(str(named), np.full((32, 48, 3), 200, np.uint8))
    assert list_packets(named).frames == 1
    assert only(named).shape == (32, 48, 3)


def frames_folder(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for image, name in zip(numbered_images(len(names)), names, strict=True):
        cv2.imwrite(str(folder / name), image)
    return folder


def test_a_folder_of_frames_is_one_video_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    names = ["frame2.png", "frame10.png", "frame40.png"]  # not in the order of the names
    folder = frames_folder(tmp_path / "clip", names)
    (folder / "landmarks.csv").touch()
    packets = list_packets(folder)
    assert (packets.frames, packets.duration) == (3, 3 / 25)
    assert [number_in(frame.image()) for frame in read_frames(folder, packets, [0, 1, 2])] == [
        *range(3)
    ]
    info = probe(folder)
    assert (info.frames, info.width, info.height, info.fps) == (3, 64, 48, 25)


def test_a_damaged_frame_of_a_folder_is_left_out(tmp_path: Path) -> None:
    folder = frames_folder(tmp_path / "clip", ["000.png", "001.png", "002.png"])
    (folder / "001.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    frames = read_frames(folder, list_packets(folder), [0, 1, 2])
    assert [frame.index for frame in frames] == [0, 2]


def test_a_frame_that_is_larger_than_the_first_is_announced(tmp_path: Path) -> None:
    folder = frames_folder(tmp_path / "clip", ["0.png", "1.png"])
    cv2.imwrite(str(folder / "1.png"), np.zeros((96, 128, 3), np.uint8))
    seen: list[int] = []

    def admit(packets: Packets) -> None:
        seen.append(packets.pixels)

    list(read_frames(folder, list_packets(folder), [0, 1], admit))
    assert seen == [96 * 128]


@pytest.mark.parametrize(
    "names",
    [
        ["anna.png", "bert.png"],  # not numbered
        ["a1.png", "b1.png"],  # of two people
        ["001.png"],
        ["001.png", "002.png", "more/001.png"],
    ],
)
def test_other_folders_of_pictures_are_no_video(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert frame_files(tmp_path) == []
    with pytest.raises(VideoError, match="is no folder of frames"):
        list_packets(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_one_line(tmp_path: Path) -> None:
    folder = frames_folder(tmp_path / "clip", ["0.png", "1.png"])
    folder.chmod(0)
    try:
        with pytest.raises(VideoError, match="cannot be listed"):
            list_packets(folder)
    finally:
        folder.chmod(0o755)


def test_a_video_is_still_a_video(tmp_path: Path) -> None:
    path = tmp_path / "clip.jpg"  # whatever its name says
    write_clip(tmp_path / "clip.mp4", numbered_images(5)).rename(path)
    assert list_packets(path).frames == 5
