"""The committed sample is what its README says: rendered, balanced, forged in the face alone."""

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from dfd.dataset.groups import group_videos
from dfd.dataset.layouts import read_layout
from dfd.video.frames import probe, read_frames
from dfd.video.packets import list_packets
from tests.data import SAMPLE

LABELS: dict[str, Any] = json.loads((SAMPLE / "metadata.json").read_text())
FAKES = [name for name, entry in LABELS.items() if entry["label"] == "FAKE"]


def test_counts_methods_and_size() -> None:
    assert len(LABELS) - len(FAKES) == 72
    methods = Counter(LABELS[name]["method"] for name in FAKES)
    assert methods == dict.fromkeys(("poisson", "feather", "generator", "lipsync"), 36)
    assert sum(path.stat().st_size for path in SAMPLE.parent.rglob("*.*")) < 8e6


def test_every_clip_says_that_its_people_are_rendered() -> None:
    assert all(video.synthetic for video in read_layout(SAMPLE, "dfdc"))


def test_groups_share_no_person() -> None:
    videos = read_layout(SAMPLE, "dfdc")
    links = [(v.video, other) for v in videos for other in (v.source, v.donor) if other]
    groups = group_videos([v.video for v in videos], links)
    kinds: dict[str, list[str]] = {}
    for video, group in zip(videos, groups, strict=True):
        kinds.setdefault(group, []).append(video.label)
    assert len(kinds) == 72
    assert all(sorted(labels) == ["FAKE", "FAKE", "REAL"] for labels in kinds.values())


def test_real_and_fake_are_encoded_alike() -> None:
    infos = {name: probe(SAMPLE / name) for name in LABELS}
    assert {(i.width, i.height, i.fps, i.frames) for i in infos.values()} == {(400, 336, 25, 25)}


@pytest.mark.parametrize("method", ["poisson", "feather", "generator", "lipsync"])
def test_a_fake_differs_from_its_source_in_the_face_alone(method: str) -> None:
    name = next(name for name in FAKES if LABELS[name]["method"] == method)
    fake, real = (
        frame.image().astype(int)
        for path in (SAMPLE / name, SAMPLE / LABELS[name]["original"])
        for frame in read_frames(path, list_packets(path), [12])
    )
    change = np.abs(fake - real).mean(axis=2)
    room = np.concatenate([change[:80, :80], change[:80, -80:]])
    face = change[130:270, 140:260]
    assert room.mean() < 2.5
    assert np.percentile(face, 90) > 2 * np.percentile(room, 90)
