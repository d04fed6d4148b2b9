"""An exception that nobody foresaw costs the file that raised it, and no other, everywhere."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from dfd.faces import worker
from dfd.faces.reader import read_manifest
from dfd.isolation import Limits, WorkerPool
from dfd.scan.scanning import Scan
from dfd.scan.worker import NamedDetector, scan_file
from dfd.serve import jobs
from dfd.serve.limits import ServerLimits
from dfd.serve.worker import Judged, Upload, judge
from tests.clip_fixtures import face_params
from tests.commands import dfd
from tests.data import ROOT, SAMPLE
from tests.detectors import write_detector

CLIP = min(SAMPLE.glob("*.mp4"))
CRASH = ("crash", "KeyError: 'Active manifest not found in manifest store'")
really_extract = worker.extract_into


def trip(path: Path) -> None:
    if "bad" in path.name:
        raise KeyError("Active manifest not found in manifest store")


def scan_or_trip(path: Path, *others: object) -> Scan:
    trip(path)
    return scan_file(path, *others)


def extract_or_trip(store: Path, key: str, path: Path, *others: object) -> None:
    trip(path)
    really_extract(store, key, path, *others)


def judge_or_trip(upload: Upload, *others: object) -> Judged:
    trip(Path(upload.name))
    return judge(upload, *others)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crop = face_params(margin=0.1, crop_size=128, frames_per_video=4)
    return write_detector(tmp_path_factory.mktemp("models") / "small", crop=crop)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.mp4", "bad.mp4", "c.mp4"):
        shutil.copy(CLIP, folder / name)
        with (folder / name).open("ab") as clip:
            clip.write(name.encode())  # a content of its own
    return folder


def test_in_a_scan(
    clips: Path, detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.commands.scanning.scan_file", scan_or_trip)
    table = tmp_path / "verdicts.csv"
    ended = dfd(tmp_path, "scan", clips, "--json", "--csv", table, "--model", detector)
    assert (ended.returncode, ended.stderr) == (0, "")
    first, bad, last = (json.loads(line) for line in ended.stdout.splitlines())
    assert first["probability"] == last["probability"] is not None
    assert [(reason["code"], reason["detail"]) for reason in bad["reasons"]] == [CRASH]
    assert len(table.read_text().splitlines()) == 4


def test_in_an_extraction(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "extract_into", extract_or_trip)
    options = ("--out", tmp_path / "out", "--params", ROOT / "params.yaml")
    ended = dfd(tmp_path, "extract", clips, *options)
    assert ended.returncode == 0, ended.stderr
    rows = read_manifest(tmp_path / "out").set_index("video")
    assert tuple(rows.loc["bad.mp4", ["reason", "detail"]]) == CRASH
    assert rows["kept"].to_dict() == {"a.mp4": 6, "bad.mp4": 0, "c.mp4": 6}


def test_in_the_server(detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "judge", judge_or_trip)
    running = jobs.Jobs(NamedDetector(detector, "small"), ServerLimits(scans=1), tmp_path)
    try:
        outcomes = []
        for name in ("bad.mp4", "c.mp4"):
            job = running.admit("client", for_page=True)
            shutil.copy(CLIP, job.path)
            job.name = name
            running.start(job)
            outcomes.append(job.outcome.result(60))
    finally:
        running.close()
    bad, sound = (judged.record for judged in outcomes)
    assert [(reason.code, reason.detail) for reason in bad.reasons] == [CRASH]
    assert sound.probability is not None


def test_in_the_served_model(clips: Path, detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.served_model import ServedModel  # MLflow warns once while it imports this module

    monkeypatch.setattr("dfd.scan.worker.scan_file", scan_or_trip)
    monkeypatch.setenv("DFD_VIDEOS", str(clips))
    model = ServedModel()
    model.detector = NamedDetector(detector, "small")
    with WorkerPool(1, Limits(60, 4096)) as model.pool:
        bad, sound = model.predict(None, pd.DataFrame({"video": ["bad.mp4", "c.mp4"]}))
    assert [(reason["code"], reason["detail"]) for reason in bad["reasons"]] == [CRASH]
    assert sound["probability"] is not None
