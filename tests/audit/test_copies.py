from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from dfd.audit import copies as audit_copies
from dfd.audit.copies import check_copies
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
        "frame_hashes": list(hashes(0, 20, 128)),
        "face_hashes": [None] * 3,
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


def test_what_looks_alike_and_moves_otherwise_is_a_warning() -> None:
    outcome = check_copies(table(), fingerprints_of(MOVING[0], MOVING[1]))
    (found,) = outcome.findings
    assert (found.kind, found.severity, found.videos) == ("likely_copies", "warning", ("a", "b"))
    assert outcome.summary == "3 videos; 1 pair alike, none one recording by their motion"


def test_copies_of_one_part_matter_where_their_labels_differ() -> None:
    one_part: list[object] = ["test"] * 3
    same = fingerprints_of(MOVING[0], MOVING[0])
    assert check_copies(table(part=one_part), same).findings == ()
    two: list[object] = ["REAL", "FAKE", "REAL"]
    (found,) = check_copies(table(part=one_part, label=two), same).findings
    assert (found.kind, found.severity, found.videos) == ("two_labels", "warning", ("a", "b"))


def test_copies_of_copies_are_one_finding() -> None:
    found = check_copies(
        table(frame_hashes=list(hashes(0, 10, 20))), fingerprints_of(*[MOVING[0]] * 3)
    ).findings
    assert [one.videos for one in found] == [("a", "b", "c")]


def test_what_cannot_be_compared_is_said() -> None:
    unknown: list[object] = [*hashes(0, 20), None]
    outcome = check_copies(table(frame_hashes=unknown), fingerprints_of(MOVING[0], None))
    assert [found.severity for found in outcome.findings] == ["warning"]
    assert outcome.omitted == "1 video unreadable or plain; 1 video that could not be decoded"


def test_nothing_is_decoded_where_no_pictures_are_alike() -> None:
    def never(videos: Iterable[str]) -> Iterator[tuple[str, Fingerprint | None]]:
        assert not list(videos)
        return iter(())

    assert check_copies(table(frame_hashes=list(hashes(0, 128, 256))), never).findings == ()
    assert check_copies(table(frame_hashes=[None] * 3), never).findings == ()
