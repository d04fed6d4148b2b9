import json
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dfd.audit.audit import Audit, audit_split, leak_error
from dfd.audit.findings import Finding, Outcome
from dfd.audit.page import TITLES, audit_page
from dfd.errors import SplitError
from dfd.params.data import SplitParams
from dfd.split.protocols import make_split
from dfd.video.fingerprint import Fingerprint, read_fingerprint
from tasks.workers import isolated_fingerprints
from tests.data import SAMPLE
from tests.dataset.clips import write_clip
from tests.dataset.projects import FRACTIONS, write_tables

ROOMS = 8


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A REAL and a FAKE clip of each room."""
    folder = tmp_path_factory.mktemp("rooms")
    for room in range(ROOMS):
        write_clip(folder / f"real{room}.mp4", room, 0)
        write_clip(folder / f"fake{room}.mp4", room, 0, forged=True)
    return folder


@pytest.fixture
def videos(rooms: Path, tmp_path: Path) -> Path:
    """A data set of those clips."""
    folder = tmp_path / "videos"
    folder.mkdir()
    labels: dict[str, Any] = {}
    for clip in rooms.iterdir():
        (folder / clip.name).symlink_to(clip)
        real = clip.name.startswith("real")
        original = None if real else clip.name.replace("fake", "real")
        labels[clip.name] = {"label": "REAL" if real else "FAKE", "original": original}
    (folder / "metadata.json").write_text(json.dumps(labels))
    return folder


def add_copy(folder: Path, **copy: Any) -> None:
    """Add a copy of the first REAL clip, with a label as if it came from elsewhere."""
    write_clip(folder / "copy.mp4", 0, **copy)
    labels = json.loads((folder / "metadata.json").read_text())
    labels["copy.mp4"] = {"label": "FAKE", "original": "elsewhere.mp4"}
    (folder / "metadata.json").write_text(json.dumps(labels))


def audited(folder: Path, index: pd.DataFrame, split: pd.DataFrame) -> Audit:
    """Audit a split in this process."""

    def read(names: list[str]) -> Iterator[tuple[str, Fingerprint | None]]:
        return ((name, read_fingerprint(folder / name)) for name in names)

    return audit_split(index, split, read)


def apart(split: pd.DataFrame, video: str, other: str) -> pd.DataFrame:
    """Return the split with the group of ``video`` in another part than that of ``other``."""
    rows = split.set_index("video")
    part = "test" if rows.loc[other, "part"] == "train" else "train"
    group = split["group"] == rows.loc[video, "group"]
    return split.assign(part=split["part"].mask(group, part))


@pytest.mark.parametrize(
    "copy",
    [
        {"take": 0, "crf": 34, "size": (120, 90), "fps": 30, "seconds": 1.4},
        {"take": 0, "mirrored": True},
        {"take": 0, "forged": True, "crf": 30},
    ],
)
def test_a_copy_or_fake_that_nothing_names_is_found(videos: Path, copy: dict[str, Any]) -> None:
    add_copy(videos, **copy)
    index, split = write_tables(videos, videos.parent)
    audit = audited(videos, index, apart(split, "copy.mp4", "real0.mp4"))
    leaks = [finding for finding in audit.findings if finding.severity == "leak"]
    assert [(leak.kind, leak.videos) for leak in leaks] == [
        ("copies_cross", ("copy.mp4", "fake0.mp4", "real0.mp4"))
    ]


def test_another_take_in_the_same_room_passes_and_broken_videos_are_said(videos: Path) -> None:
    add_copy(videos, take=1)
    index, split = write_tables(videos, videos.parent)
    split = apart(split, "copy.mp4", "real0.mp4")
    assert audited(videos, index, split).count("leak") == 0
    (videos / "copy.mp4").write_bytes(b"broken since")
    audit = audit_split(index, split, partial(isolated_fingerprints, videos))
    assert audit.as_json()["not_checked"]["copies"] == "1 video that could not be decoded"


def test_a_split_by_frame_is_said_to_leak_and_is_no_error(videos: Path) -> None:
    index, _ = write_tables(videos, videos.parent)
    split = make_split(index, SplitParams(protocol="frame", seed=7, fractions=FRACTIONS))
    audit = audited(videos, index, split)
    assert audit.count("leak") == 0
    assert [finding.kind for finding in audit.findings] == ["leaky_protocol"]
    assert "all parts" in audit.as_json()["not_checked"]["canary"]


def test_a_split_of_other_videos_is_refused(videos: Path) -> None:
    index, split = write_tables(videos, videos.parent)
    for stale in (split[1:], split.assign(label="REAL")):
        with pytest.raises(SplitError, match="dvc repro split"):
            audited(videos, index, stale)


@pytest.mark.parametrize("name", ["sample", "grid"])
def test_sound_data_sets_pass(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue("grid") if name == "grid" else SAMPLE
    if not folder.is_dir():
        pytest.skip("the sample is not here")
    audit = audited(folder, *write_tables(folder, tmp_path))
    assert audit.findings == ()
    assert {"groups", "identical_files", "copies", "labels", "container"} <= set(
        audit.as_json()["checked"]
    )
    assert set(audit.as_json()["not_checked"]) <= {"people", "canary"}


class Words(HTMLParser):
    """Collects the text of a page, and refuses what it would have to fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "img", "b")
        assert not {"src", "href"} & {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_says_everything_and_trusts_no_name() -> None:
    split = pd.DataFrame(
        [("<b>x.mp4", "a", "REAL", "train"), ("y.mp4", "b", "FAKE", "test")],
        columns=["video", "group", "label", "part"],
    )
    leak = Finding("copies_cross", "leak", "Too alike: <b>x.mp4.", ("<b>x.mp4", "y.mp4"))
    outcomes = [
        Outcome(check, None, omitted=f"{check} was left out")
        for check in TITLES
        if check != "copies"
    ]
    audit = Audit((Outcome("copies", "2 videos, 1 pair", (leak,)), *outcomes))
    page = Words()
    page.feed(audit_page(audit, split))
    assert "1 leak: no figure made from this split can be believed" in page.text
    assert "Too alike: <b>x.mp4." in page.text
    assert "<b>x.mp4 (train)" in page.text
    assert "2 videos, 1 pair" in page.text
    assert all(str(outcome.omitted) in page.text for outcome in outcomes)


def test_the_error_names_the_first_leak_and_counts_the_others() -> None:
    found = [Finding("k", "leak", f"Video {n} leaks.", (str(n),)) for n in range(3)]
    warning = Finding("k", "warning", "An odd thing.")
    error = leak_error(Audit((Outcome("groups", "x", (warning, *found)),)))
    assert error.line.startswith("split: leaks: Video 0 leaks (and 2 more);")
