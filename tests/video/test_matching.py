import numpy as np
import pytest

from dfd.errors import DatasetError
from dfd.video import matching
from dfd.video.matching import matching_videos, pictures_of

RNG = np.random.default_rng(2)


def text(bits: np.ndarray) -> str:
    return np.packbits(bits).tobytes().hex()


def any_two(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first != second


def test_planted_pairs_are_found_among_many_and_nothing_else() -> None:
    videos = RNG.random((400, 6, 16, 16)) < 0.5
    planted = {(3, 200): False, (10, 11): True, (50, 399): False}
    for (one, other), mirrored in planted.items():
        videos[other, 1:5] = videos[one, 2:6] ^ (RNG.random((4, 16, 16)) < 0.1)
        if mirrored:
            videos[other, :, :, 1::2] ^= True
    frames, faces = ["".join(map(text, video[:3])) for video in videos], []
    faces = ["".join(map(text, video[3:])) for video in videos]
    found = matching_videos(pictures_of(frames, faces), any_two)
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == set(planted)
    assert found.bits.max() <= matching.MOST_BITS
    assert found.complete
    unwanted = matching_videos(pictures_of(frames, faces), lambda one, other: one + other != 21)
    assert len(unwanted.first) == 2


def test_one_alike_picture_among_many_is_chance() -> None:
    videos = RNG.random((2, 4, 16, 16)) < 0.5
    videos[1, 0] = videos[0, 0]
    frames = ["".join(map(text, video)) for video in videos]
    assert not len(matching_videos(pictures_of(frames, [None] * 2), any_two).first)
    only = [frames[0], frames[1][:64]]
    assert len(matching_videos(pictures_of(only, [None] * 2), any_two).first) == 1


def test_a_picture_of_very_many_videos_costs_no_square(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_MOST_SHARING", 3)
    monkeypatch.setattr(matching, "_BANDS", 1)
    found = matching_videos(
        pictures_of([text(RNG.random((16, 16)) < 0.5)] * 100, [None] * 100), any_two
    )
    assert 100 < len(found.first) <= 300


def test_too_many_pairs_end_the_search_and_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_MOST_PAIRS", 5)
    same = pictures_of([text(RNG.random((16, 16)) < 0.5)] * 20, [None] * 20)
    assert not matching_videos(same, any_two).complete


def test_what_is_no_row_of_hashes_is_refused() -> None:
    with pytest.raises(DatasetError, match="64 hexadecimal digits"):
        pictures_of(["abc"], [None])
