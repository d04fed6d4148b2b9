"""Geometry of frames: turned, anamorphic, interlaced, of many formats; no file is needed."""

import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from dfd.arrays import Image
from dfd.video.frame import Frame
from tests.video import clips
from tests.video.clips import Coding, write

ONE = Fraction(1)
FORMATS = [
    "yuv420p",
    "yuv422p",
    "yuv444p",
    "yuvj420p",
    "yuv411p",
    "yuv420p10le",
    "yuv444p12le",
    "yuva420p",
    "nv12",
    "yuyv422",
    "gray",
    "gray16le",
    "gbrp",
    "rgb24",
    "bgra",
    "rgb48le",
]
TURNS = [0, 90, 180, 270]


def smooth(width: int, height: int) -> Image:
    """A picture that tells left from right and top from bottom and has no edges to ring."""
    y, x = np.mgrid[0:height, 0:width]
    red = 40 + 170 * x / width
    green = 40 + 170 * y / height
    blue = 128 + 80 * np.sin(x / 9) * np.cos(y / 7)
    return np.stack([blue, green, red], axis=-1).astype(np.uint8)


def frame_of(
    image: Image, pixel_format: str = "bgr24", aspect: Fraction = ONE, turn: int = 0
) -> Frame:
    """A frame as a decoder would give it, to be turned clockwise by so many degrees."""
    picture = av.VideoFrame.from_ndarray(image, format="bgr24")
    if pixel_format != "bgr24":
        picture = picture.reformat(format=pixel_format)
    return Frame(0, 0.0, turned(picture, turn) if turn else picture, aspect)


def turned(picture: av.VideoFrame, degrees: int) -> av.VideoFrame:
    """The same picture with a display matrix; only a demuxer can set one."""
    lossless = "libx264rgb" if picture.format.name == "bgr24" else "libx264"
    coding = Coding(lossless, picture.format.name, options={"qp": "0", "crf": "0"})
    file = write(io.BytesIO(), [picture], coding, format="mp4")
    with av.open(io.BytesIO(clips.turn(file.getvalue(), degrees))) as container:
        return next(container.decode(video=0))


def upright(image: Image, turn: int) -> Image:
    return np.rot90(image, -turn // 90)


def padded_square(image: Image, left: int, top: int, side: int, size: int) -> Image:
    """Cut a square out of an image whose border goes on for ever, and scale it."""
    rows = np.clip(np.arange(top, top + side), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, image.shape[1] - 1)
    part = np.ascontiguousarray(image[rows][:, columns])
    how = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
    return cv2.resize(part, (size, size), interpolation=how)


def difference(one: Image, other: Image) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_every_format_comes_out_as_bgr(pixel_format: str) -> None:
    image = smooth(64, 48)
    expected = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    frame = frame_of(image, pixel_format)
    shown = frame.image()
    assert (shown.shape, shown.dtype) == ((48, 64, 3), np.uint8)
    assert shown.flags.c_contiguous
    assert difference(cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY), expected) < 2
    if not pixel_format.startswith("gray"):
        assert difference(shown, image) < 4
    square = frame.square(8, 8, 32, 32)
    assert difference(square, shown[8:40, 8:40]) < 2


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_picture_is_shown_upright(turn: int) -> None:
    image = smooth(64, 48)
    frame = frame_of(image, turn=turn)
    expected = upright(image, turn)
    assert (frame.height, frame.width) == expected.shape[:2]
    assert difference(frame.image(), expected) == 0
    assert difference(frame.square(10, 14, 20, 20), expected[14:34, 10:30]) == 0


PLACES = {
    "inside": (12, 10, 24),
    "left": (-14, 12, 30),
    "right": (30, 8, 40),
    "top": (11, -9, 24),
    "bottom": (9, 30, 40),
    "top left": (-10, -12, 40),
    "bottom right": (36, 33, 40),
    "all round": (-15, -20, 96),
    "a corner's last pixel": (-29, -29, 30),
}


@pytest.mark.parametrize("size", [32, 40, 64])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("turn", TURNS)
def test_a_square_over_the_border_repeats_it(turn: int, place: str, size: int) -> None:
    left, top, side = PLACES[place]
    image = smooth(64, 48) if turn in (0, 180) else smooth(48, 64)
    frame = frame_of(image, "yuv444p", turn=turn)
    square = frame.square(left, top, side, size)
    expected = padded_square(upright(image, turn), left, top, side, size)
    assert square.dtype == np.uint8
    assert difference(square, expected) < 4


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("place", PLACES)
def test_coarse_chroma_moves_a_square_by_a_pixel_at_most(place: str, turn: int) -> None:
    left, top, side = (value + (1 if value > 0 else 0) for value in PLACES[place])  # odd ones
    image = smooth(64, 48)
    frame = frame_of(image, "yuv420p", turn=turn)
    square = frame.square(left, top, side, 48)
    expected = padded_square(upright(image, turn), left, top, side, 48)
    assert difference(square, expected) < 8


@pytest.mark.parametrize(("width", "height"), [(53, 37), (1, 48), (64, 1), (3, 3), (2, 2)])
def test_odd_and_tiny_pictures_are_whole(width: int, height: int) -> None:
    image = smooth(width, height)
    for pixel_format in ("yuv420p", "yuv444p", "bgr24"):
        frame = frame_of(image, pixel_format)
        assert frame.image().shape == (height, width, 3)
        for place in ((0, 0, max(width, height)), (width - 1, height - 1, 5), (-3, -3, 5)):
            assert frame.square(*place, 32).shape == (32, 32, 3)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
def test_the_last_odd_column_and_row_are_not_lost(pixel_format: str) -> None:
    image = np.full((37, 53, 3), 40, np.uint8)
    image[36], image[:, 52] = 220, 220
    square = frame_of(image, pixel_format).square(42, 26, 11, 11)
    assert square[:9, :9].max() < 60
    assert min(square[10].min(), square[:, 10].min()) > 180


@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709])
@pytest.mark.parametrize("levels", [ColorRange.MPEG, ColorRange.JPEG])
def test_a_square_has_the_colours_of_the_whole(matrix: Colorspace, levels: ColorRange) -> None:
    image = smooth(64, 48)
    picture = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(
        format="yuv444p", dst_colorspace=matrix, dst_color_range=levels
    )
    picture.colorspace, picture.color_range = matrix, levels
    frame = Frame(0, 0.0, picture, ONE)
    assert difference(frame.image(), image) < 3
    assert difference(frame.square(8, 8, 32, 32), image[8:40, 8:40]) < 3


def test_an_image_is_shrunk_to_its_longer_side_and_never_enlarged() -> None:
    frame = frame_of(smooth(100, 400))
    assert frame.image(200).shape == (200, 50, 3)
    assert difference(frame.image(200), cv2.resize(smooth(100, 400), (50, 200))) < 2
    assert frame.image(4000).shape == frame.image().shape == (400, 100, 3)
    assert frame_of(smooth(4000, 2)).image(64).shape == (1, 64, 3)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(
    "aspect", [Fraction(64, 45), Fraction(2), Fraction(1, 2), Fraction(10, 11)]
)
def test_a_round_thing_is_round_where_pixels_are_not_square(aspect: Fraction, turn: int) -> None:
    stored = np.zeros((120, 160, 3), np.uint8)
    # An ellipse as stored is a circle as shown.
    across, down = (30 / aspect, 30) if aspect >= 1 else (30, 30 * aspect)
    cv2.ellipse(stored, (80, 60), (round(across), round(down)), 0, 0, 360, (255,) * 3, -1)
    frame = frame_of(stored, "yuv444p", aspect, turn)
    shown = frame.image()
    assert shown.shape == (frame.height, frame.width, 3)
    assert (shown.shape[1] / shown.shape[0]) ** (-1 if turn in (90, 270) else 1) == pytest.approx(
        160 / 120 * aspect, rel=0.01
    )
    left, top, width, height = cv2.boundingRect((shown[..., 1] > 128).astype(np.uint8))
    assert (width, height) == pytest.approx((61, 61), abs=4)
    square = frame.square(left - 20, top - 20, 100, 50)  # half as large
    x, y, across, down = cv2.boundingRect((square[..., 1] > 128).astype(np.uint8))
    assert (x, y, across, down) == pytest.approx((10, 10, width / 2, height / 2), abs=2)


def test_one_field_of_an_interlaced_picture_is_shown() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[0::2, 10:30] = 255  # a bar at one moment
    image[1::2, 30:50] = 255  # and at the next
    picture = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv444p")
    assert not picture.interlaced_frame
    combed = Frame(0, 0.0, picture, ONE)
    assert np.abs(np.diff(combed.square(8, 4, 40, 40).astype(int), axis=0)).mean() > 100


def test_transparent_pixels_keep_their_colour() -> None:
    image = np.zeros((48, 64, 4), np.uint8)
    image[..., :3] = (30, 90, 150)
    image[:, 32:, 3] = 255
    frame = Frame(0, 0.0, av.VideoFrame.from_ndarray(image, format="bgra"), ONE)
    assert (frame.image() == (30, 90, 150)).all()
    assert (frame.square(20, 10, 24, 16) == (30, 90, 150)).all()


def test_the_picture_is_not_changed() -> None:
    frame = frame_of(smooth(64, 48), "yuv420p", Fraction(2), 90)
    before = frame.picture.to_ndarray().copy()
    frame.image(20), frame.square(-5, 3, 40, 16)
    assert (frame.picture.to_ndarray() == before).all()
