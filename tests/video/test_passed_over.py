"""What the wanted frames do not need is not decoded: a decoder complains of garbage it meets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from dfd.arrays import Image
from dfd.video.frame import Frame
from dfd.video.frames import read_frames
from dfd.video.packets import list_packets
from tests.video.clips import Coding, moving_images, write

GOP = 12
COUNT = 60
HEADERS = 40  # bytes
CAVLC = "b-adapt=0:cabac=0"  # the coding whose reader notices garbage soon


@dataclass(frozen=True)
class Piece:
    """A packet: its frame's place in the order shown, and where its bytes lie in the file."""

    index: int
    start: int
    size: int
    discardable: bool


def pieces_of(clip: Path) -> list[Piece]:
    with av.open(str(clip)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    shown = sorted(packet.pts for packet in packets)
    # H.264 in MP4: four bytes of length, then 0 (nal_ref_idc: unreferenced) and 1 (a slice).
    return [
        Piece(shown.index(packet.pts), packet.pos, packet.size, bytes(packet)[4] == 1)
        for packet in packets
    ]


def spoil(clip: Path, pieces: Sequence[Piece]) -> None:
    """Overwrite the packets, but for the headers by which a demuxer and a parser read on."""
    content = bytearray(clip.read_bytes())
    rng = np.random.default_rng(0)
    for piece in pieces:
        begin = piece.start + min(HEADERS, piece.size)
        content[begin : piece.start + piece.size] = rng.bytes(piece.start + piece.size - begin)
    clip.write_bytes(content)


@pytest.fixture
def complaints() -> Iterator[Callable[[Path, Sequence[int]], tuple[list[Frame], int]]]:
    """Return a function that reads frames and counts the errors the decoder logs meanwhile."""

    def read(clip: Path, indices: Sequence[int]) -> tuple[list[Frame], int]:
        packets = list_packets(clip)
        with av.logging.Capture(local=False) as lines:
            frames = list(read_frames(clip, packets, indices))
        return frames, len(lines)

    level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    yield read
    av.logging.set_level(level)
    av.logging.set_skip_repeated(skips)


def pixels(frames: Sequence[Frame]) -> list[Image]:
    return [frame.picture.to_ndarray() for frame in frames]


def same(one: Sequence[Image], other: Sequence[Image]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


OPTIONS = {
    "libx264": {"x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:{CAVLC}:bframes=2"},
    "mpeg4": {"g": str(GOP), "bf": "0", "sc_threshold": "1000000000"},
    "mpeg2video": {"g": str(GOP), "bf": "0", "sc_threshold": "1000000000"},
}


@pytest.mark.parametrize("codec", OPTIONS)
def test_groups_without_a_wanted_frame_are_not_decoded(tmp_path: Path, codec, complaints) -> None:
    clip = write(tmp_path / "clip.mp4", moving_images(COUNT), Coding(codec, options=OPTIONS[codec]))
    wanted = [14, 38, 40]  # in the second and the fourth group of five
    intact, none = complaints(clip, wanted)
    spoil(clip, [one for one in pieces_of(clip) if one.index // GOP in (2, 4)])
    spoilt, errors = complaints(clip, wanted)
    assert (none, errors) == (0, 0)
    assert same(pixels(spoilt), pixels(intact))
    assert complaints(clip, [14, 26, 40])[1] > 0, "a decoder that meets the garbage complains"


def test_nothing_is_decoded_after_the_last_wanted_frame(tmp_path: Path, complaints) -> None:
    clip = write(
        tmp_path / "clip.mp4", moving_images(COUNT), Coding(options={"g": "60", "bf": "0"})
    )
    intact, _ = complaints(clip, [5, 20])
    spoil(clip, [one for one in pieces_of(clip) if one.index > 20])
    spoilt, errors = complaints(clip, [5, 20])
    assert errors == 0
    assert same(pixels(spoilt), pixels(intact))


@pytest.mark.parametrize("pyramid", ["none", "normal"])
def test_pictures_nobody_refers_to_are_not_decoded(tmp_path: Path, pyramid, complaints) -> None:
    params = f"keyint=60:scenecut=0:{CAVLC}:bframes=3:b-pyramid={pyramid}"
    clip = write(
        tmp_path / "clip.mp4", moving_images(COUNT), Coding(options={"x264-params": params})
    )
    pieces = pieces_of(clip)
    spare = sorted(piece.index for piece in pieces if piece.discardable)
    assert len(spare) >= 28
    wanted = [7, spare[8], 41, spare[-4]]  # two of them are such pictures themselves
    intact, none = complaints(clip, wanted)
    spoil(clip, [piece for piece in pieces if piece.discardable and piece.index not in wanted])
    spoilt, errors = complaints(clip, wanted)
    assert (none, errors) == (0, 0)
    assert [frame.index for frame in spoilt] == wanted
    assert same(pixels(spoilt), pixels(intact))
    assert complaints(clip, range(COUNT))[1] > 0, "a decoder that meets the garbage complains"
