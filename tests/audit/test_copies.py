from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pytest

from dfd.audit import copies as audit_copies
from dfd.audit.copies import MOST_BITS, check_copies, near_pairs
from dfd.video.fingerprint import Fingerprint

RNG = np.random.default_rng(0)
MOVING: list[Fingerprint] = [RNG.integers(0, 255, (8, 32, 32), dtype=np.uint8) for _ in range(2)]


def hashes(*changed: int) -> list[str]:
    """Return one hash for each number, with so many bits of the first one changed."""
    first = np.random.default_rng(1).integers(0, 2, 256).astype(bool)
    bits = [first ^ (np.arange(256) < count) for count in changed]
    return [np.packbits(row).tobytes().hex() for row in bits]


def table(**changed: list[object]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {
        "video": ["a", "b", "c"],
        "label": ["REAL", "REAL", "REAL"],
        "group": ["a", "b", "c"],
        "part": ["train", "test", "test"],
        "phash": list(hashes(0, 20, 128)),
    }
    return pd.DataFrame(columns | changed)


def fingerprints_of(*which: Fingerprint | None) -> audit_copies.ReadFingerprints:
    known = dict(zip("abc", which, strict=False))

    def read(videos: list[str]) -> Iterator[tuple[str, Fingerprint | None]]:
        for video in videos:
            yield video, known[video]

    return read


def test_a_copy_in_another_part_is_a_leak() -> None:
    (found,) = check_copies(table(), fingerprints_of(MOVING[0], MOVING[0])).findings
    assert (found.kind, found.severity, found.videos) == ("copies_cross", "leak", ("a", "b"))


def test_what_only_begins_alike_is_no_copy() -> None:
    outcome = check_copies(table(), fingerprints_of(MOVING[0], MOVING[1]))
    assert outcome.findings == ()
    assert outcome.summary == "3 videos; 1 pair alike at first sight, none one recording"


def test_copies_of_one_part_matter_where_their_labels_differ() -> None:
    one_part: list[object] = ["test"] * 3
    same = fingerprints_of(MOVING[0], MOVING[0])
    assert check_copies(table(part=one_part), same).findings == ()
    two: list[object] = ["REAL", "FAKE", "REAL"]
    (found,) = check_copies(table(part=one_part, label=two), same).findings
    assert (found.kind, found.severity, found.videos) == ("two_labels", "warning", ("a", "b"))


def test_copies_of_copies_are_one_finding() -> None:
    found = check_copies(
        table(phash=list(hashes(0, 20, 40))), fingerprints_of(*[MOVING[0]] * 3)
    ).findings
    assert [one.videos for one in found] == [("a", "b", "c")]


def test_what_cannot_be_compared_is_said() -> None:
    unknown: list[object] = [*hashes(0, 20), None]
    outcome = check_copies(table(phash=unknown), fingerprints_of(MOVING[0], None))
    assert outcome.findings == ()
    assert outcome.omitted == (
        "1 video unreadable or beginning with a plain picture; 1 video that could not be decoded"
    )


def test_nothing_is_decoded_where_no_first_frames_are_alike() -> None:
    def never(videos: Iterable[str]) -> Iterator[tuple[str, Fingerprint | None]]:
        assert not list(videos)
        return iter(())

    assert check_copies(table(phash=list(hashes(0, 128, 256))), never).findings == ()
    assert check_copies(table(phash=[None] * 3), never).findings == ()


@pytest.mark.parametrize("block", [7, 2048])
def test_near_pairs_are_those_of_comparing_all(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_copies, "_BLOCK", block)
    rng = np.random.default_rng(2)
    bits = rng.random((3, 16, 16)).repeat(10, axis=0) < 0.5
    bits ^= rng.random(bits.shape) < 0.13
    bits[::4, :, 1::2] ^= True  # mirrored
    group, kind = np.arange(30) // 2, rng.integers(0, 3, 30)
    mirrored = bits.copy()
    mirrored[:, :, 1::2] ^= True
    expected = {
        (i, j): min(int((bits[i] ^ bits[j]).sum()), int((bits[i] ^ mirrored[j]).sum()))
        for i in range(30)
        for j in range(i + 1, 30)
        if group[i] != group[j] and kind[i] != kind[j]
    }
    expected = {pair: count for pair, count in expected.items() if count <= MOST_BITS}
    pairs = near_pairs(bits, group, kind, most=1000)
    found = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    assert dict(zip(found, pairs.bits.tolist(), strict=True)) == expected
    assert len(expected) > 50
    fewer = near_pairs(bits, group, kind, most=len(expected) // 2)
    assert 0 < len(fewer.first) <= len(expected) // 2
    assert len(fewer.first) == sum(count <= fewer.within for count in expected.values())
    assert sum(count <= fewer.within + 1 for count in expected.values()) > len(expected) // 2
