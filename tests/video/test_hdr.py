"""Tone of PQ and HLG against the formulas of ITU-R BT.2100, BT.2408 and BT.709."""

from math import log, sqrt
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorTrc

from dfd.video.hdr import to_sdr
from tests.clip_fixtures import frames_of
from tests.video.clips import Coding, write

WHITE = 203.0  # cd/m², BT.2408


def pq_signal(luminance: float) -> float:
    """BT.2100 table 4, the inverse EOTF: cd/m² to 0..1."""
    y = (luminance / 10000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 4096 * 128)


def hlg_signal(luminance: float) -> float:
    """BT.2100 table 5, the inverse of OOTF and OETF for grey on a display of 1000 cd/m²."""
    scene = (luminance / 1000) ** (1 / 1.2)
    if scene <= 1 / 12:
        return sqrt(3 * scene)
    return 0.17883277 * log(12 * scene - 0.28466892) + 0.55991073


def bt709_code(luminance: float) -> float:
    """BT.709's OETF of light over reference white, in 8 bits."""
    light = min(luminance / WHITE, 1)
    return 255 * (4.5 * light if light < 0.018 else 1.099 * light**0.45 - 0.099)


KINDS = {
    "PQ": (ColorTrc.SMPTE2084, pq_signal, "smpte2084"),
    "HLG": (ColorTrc.ARIB_STD_B67, hlg_signal, "arib-std-b67"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("luminance", [0.0, 0.5, 3.0, 26.0, 60.0, 100.0, 203.0, 400.0, 1000.0])
def test_grey_is_as_bright_as_the_standards_say(kind: str, luminance: float) -> None:
    transfer, signal, _ = KINDS[kind]
    grey = np.full((4, 6, 3), round(signal(luminance) * 65535), np.uint16)
    shown = to_sdr(grey, transfer)
    assert (shown.shape, shown.dtype) == ((4, 6, 3), np.uint8)
    assert shown.astype(float) == pytest.approx(bt709_code(luminance), abs=1)


@pytest.mark.parametrize(
    ("kind", "signal", "luminance"),
    [("PQ", 0.58, 203), ("HLG", 0.75, 203), ("PQ", 0.38, 26), ("HLG", 0.38, 26)],
)
def test_white_and_the_grey_card_are_where_broadcasters_put_them(
    kind: str, signal: float, luminance: float
) -> None:
    """The levels that BT.2408 publishes, rounded to per cents there."""
    shown = to_sdr(np.full((1, 1, 3), round(signal * 65535), np.uint16), KINDS[kind][0])
    assert shown.mean() == pytest.approx(bt709_code(luminance), abs=4)
    darker = to_sdr(np.full((1, 1, 3), round((signal - 0.03) * 65535), np.uint16), KINDS[kind][0])
    assert darker.mean() < shown.mean() - 4


@pytest.mark.parametrize("kind", KINDS)
def test_colours_keep_their_hue_and_come_as_bgr(kind: str) -> None:
    transfer, signal, _ = KINDS[kind]
    # BT.709's red, (1, 0, 0), at 100 cd/m², in BT.2020: BT.2087, table 4.
    rgb = np.array([0.6274, 0.0691, 0.0164]) * 100
    if kind == "PQ":
        coded = [signal(value) for value in rgb]
    else:  # the OOTF scales all three by a power of the scene's luminance
        luminance = float(rgb @ [0.2627, 0.6780, 0.0593]) / 1000
        scene = rgb / 1000 / luminance ** (0.2 / 1.2)
        coded = [hlg_signal((value**1.2) * 1000) for value in scene]
    pixel = np.round(np.array(coded) * 65535).astype(np.uint16).reshape(1, 1, 3)
    blue, green, red = to_sdr(pixel, transfer)[0, 0].astype(int)
    assert red == pytest.approx(bt709_code(100), abs=2)
    assert max(blue, green) <= 6


@pytest.mark.parametrize("codec", ["libx265", "libx264"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_marked_hdr_is_shown_like_an_ordinary_one(
    tmp_path: Path, kind: str, codec: str
) -> None:
    transfer, signal, name = KINDS[kind]
    image = np.full((64, 64, 3), round(signal(26) * 65535), np.uint16)
    image[:, 32:] = round(signal(203) * 65535)
    picture = av.VideoFrame.from_ndarray(image, format="rgb48le").reformat(
        format="yuv420p10le", dst_colorspace="bt2020", dst_color_range="MPEG"
    )
    marks = f"colorprim=bt2020:transfer={name}:colormatrix=bt2020nc"
    quiet = ":log-level=none:pools=none" if codec == "libx265" else ""
    options = {f"{codec[3:]}-params": marks + quiet, "crf": "4"}
    clip = write(tmp_path / "hdr.mp4", [picture] * 3, Coding(codec, "yuv420p10le", options))
    (frame,) = frames_of(clip, [1])
    assert frame.picture.color_trc == transfer
    for shown, middle in ((frame.image(), 32), (frame.square(16, 16, 32, 24), 12)):
        left, right = shown[:, : middle - 3], shown[:, middle + 3 :]
        assert left.mean() == pytest.approx(bt709_code(26), abs=4)
        assert right.mean() == pytest.approx(255, abs=4)
