"""The committed sample is what its README says: balanced, paired, forged in the face alone."""

import json
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
    assert len(LABELS) - len(FAKES) == 24
    assert len(FAKES) == 48
    for method in ("poisson", "feather"):
        assert sum(LABELS[name]["method"] == method for name in FAKES) == 24
    assert sum(path.stat().st_size for path in SAMPLE.parent.rglob("*.*")) < 8e6


def test_pairs_are_the_groups() -> None:
    videos = read_layout(SAMPLE, "dfdc")
    links = [(v.video, other) for v in videos for other in (v.source, v.donor) if other]
    groups = group_videos([v.video for v in videos], links)
    assert len(set(groups)) == 12
    assert all(groups.count(group) == 6 for group in groups)


def test_real_and_fake_are_encoded_alike() -> None:
    infos = {name: probe(SAMPLE / name) for name in LABELS}
    assert {(i.width, i.height, i.fps, i.frames) for i in infos.values()} == {(480, 360, 25, 60)}


@pytest.mark.parametrize("name", FAKES[::12])
def test_a_fake_differs_from_its_source_in_the_face_alone(name: str) -> None:
    fake, real = (
        frame.image().astype(int)
        for path in (SAMPLE / name, SAMPLE / LABELS[name]["original"])
        for frame in read_frames(path, list_packets(path), [30])
    )
    change = np.abs(fake - real).mean(axis=2)
    room = np.concatenate([change[:80, :80], change[:80, -80:]])
    face = change[140:240, 200:280]
    assert room.mean() < 2.5
    assert face.mean() > 2 * room.mean()
