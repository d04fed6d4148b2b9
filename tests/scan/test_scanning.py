"""Scans of videos, and of files that cannot be judged."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from benchmarks.clips import repeat
from dfd.detector.network import Detector, load_detector
from dfd.evaluate.crop_scores import measure_crops
from dfd.faces.detectors import face_detector
from dfd.faces.extract import extract_faces
from dfd.faces.reader import read_crops_table
from dfd.faces.shards import write_faces
from dfd.files import hash_file
from dfd.scan.inspection import inspect_file
from dfd.scan.record import VerdictRecord
from dfd.scan.scanning import Scan, conclude, measure
from dfd.scan.words import explanation
from dfd.scoring.aggregate import video_scores
from dfd.scoring.decision import Calibration, Decision, with_prior
from tests.clip_fixtures import frames_of, write_clip
from tests.data import SAMPLE, write_video
from tests.video.clips import Coding, moving_images, write
from tests.video.hostile import COUNTS, SIZED, clip_with, sized

CLIPS = sorted(SAMPLE.glob("*.mp4"))
CLIP = CLIPS[0]


def two_people(path: Path) -> Path:
    """Write a clip that shows two clips of the sample side by side."""
    pairs = [frames_of(clip, range(0, 20, 2)) for clip in (CLIPS[0], CLIPS[6])]
    return write_clip(
        path, [np.hstack([a.image(), b.image()]) for a, b in zip(*pairs, strict=True)]
    )


def test_an_evaluation_of_the_same_files_gives_the_same_probabilities(
    detector: Detector, tmp_path: Path, judge: Callable[..., Scan]
) -> None:
    crop = detector.card.crop
    paths = {clip.name: clip for clip in [*CLIPS[:3], two_people(tmp_path / "two.mp4")]}
    videos = pd.DataFrame({"video": list(paths), "group": "g", "label": "REAL"})
    videos[["method", "dataset"]] = None
    videos["synthetic"] = True

    def faces_of(video: str):
        return extract_faces(paths[video], crop, face_detector(crop))

    write_faces(tmp_path / "faces", videos, faces_of, shards=2)
    crops = measure_crops(
        tmp_path / "faces", read_crops_table(tmp_path / "faces"), detector.predict
    )
    scored = video_scores(crops.assign(label="REAL", group="g")).set_index("video")["score"]
    decision = detector.card.decision
    for video, path in paths.items():
        record = judge(path).record
        wanted = float(decision.calibration.apply(scored[video]))
        assert record.probability == pytest.approx(wanted, abs=1e-6)
        assert record.verdict == decision.verdict(wanted)
    assert len(record.tracks) == 2


def test_a_record_tells_what_was_judged_by_what(
    detector: Detector, tmp_path: Path, judge: Callable[..., Scan]
) -> None:
    clip = shutil.copy(CLIP, tmp_path / "my clip.mp4")
    begun = time.perf_counter()
    scan = judge(clip, "models:/m@champion", "4")
    elapsed = time.perf_counter() - begun
    record = scan.record
    assert (record.file.name, record.file.sha256) == ("my clip.mp4", hash_file(CLIP))
    assert record.file.size == CLIP.stat().st_size
    assert (record.video.width, record.video.height, record.video.frames) == (400, 336, 25)
    assert record.video.duration_s == pytest.approx(1.0)
    assert (record.model.name, record.model.version) == ("models:/m@champion", "4")
    assert record.model.backbone == "mesonet"
    assert record.crop == detector.card.crop
    assert (record.coverage.asked, record.coverage.judged, record.coverage.share) == (8, 8, 1)
    low, high = record.interval
    assert low < record.probability < high
    judged = [(f.frame, track.track) for track in record.tracks for f in track.frames]
    assert sorted(judged) == [(crop.frame, crop.track) for crop in scan.crops]
    assert 0 < record.seconds <= elapsed


def test_threads_change_no_score(detector: Detector, detector_dir: Path) -> None:
    crops = inspect_file(
        CLIP, detector.card.crop.model_copy(update={"frames_per_video": 20})
    ).faces.crops
    assert len(crops) == 20
    by_one_thread = measure(crops, load_detector(detector_dir, threads=1)).scores
    np.testing.assert_allclose(by_one_thread, measure(crops, detector).scores, atol=1e-6)
    assert measure((), detector).scores.shape == (0,)


def test_what_lies_between_gets_no_verdict_but_a_probability(detector: Detector) -> None:
    inspection = inspect_file(CLIP, detector.card.crop)
    measured = measure(inspection.faces.crops, detector)
    unsure_scores = np.full_like(measured.scores, 0.5)
    unsure = Decision(Calibration(), width=0.4)
    card = detector.card.model_copy(update={"decision": unsure})
    record = conclude(inspection, replace(measured, scores=unsure_scores), card, "d").record
    assert (record.verdict, record.probability) == ("INCONCLUSIVE", 0.5)
    assert [reason.code for reason in record.reasons] == ["between"]


def test_a_prior_changes_the_probability_and_no_score(detector: Detector) -> None:
    inspection = inspect_file(CLIP, detector.card.crop)
    measured = measure(inspection.faces.crops, detector)
    scores = np.linspace(0.85, 0.95, len(measured.scores)).astype(np.float32)
    card = detector.card.model_copy(update={"decision": Decision(Calibration(), width=1.0)})
    even, rare = (
        conclude(inspection, replace(measured, scores=scores), card, "d", prior=prior).record
        for prior in (0.5, 0.05)
    )
    assert (even.prior, rare.prior) == (0.5, 0.05)
    shown = (even.probability, *even.interval)
    assert (rare.probability, *rare.interval) == pytest.approx(with_prior(shown, 0.05))
    assert (rare.tracks, rare.frames) == (even.tracks, even.frames)
    assert even.tracks[0].score == pytest.approx(even.probability)
    assert (even.verdict, even.reasons) == ("FAKE", ())
    assert (rare.verdict, rare.reasons[0].code) == ("INCONCLUSIVE", "against_prior")
    assert "if 5 in 100 videos were fake" in explanation(rare)
    assert "if one video in two were fake" in explanation(even)


def test_outside_the_domain_there_is_a_distance_and_neither_verdict_nor_score(
    detector: Detector,
) -> None:
    inspection = inspect_file(CLIP, detector.card.crop)
    measured = measure(inspection.faces.crops, detector)
    near = measured.statistics.mean(axis=0)
    appearance = detector.card.domain.appearance

    def scanned(centre: np.ndarray, anyway: bool = False) -> VerdictRecord:
        unlike = appearance.model_copy(
            update={"mean": centre.tolist(), "low": (centre - 1).tolist(), "limit": 1.5}
        )
        domain = detector.card.domain.model_copy(update={"appearance": unlike})
        card = detector.card.model_copy(update={"domain": domain})
        return conclude(inspection, measured, card, "d", anyway=anyway).record

    known = scanned(near)
    assert (known.verdict == "INCONCLUSIVE", known.domain.inside) == (False, True)
    brighter = near + 140.0 * (np.arange(len(near)) == 2)
    record = scanned(brighter)
    assert (record.verdict, record.probability, record.tracks) == ("INCONCLUSIVE", None, ())
    assert record.domain.distance > record.domain.limit == 1.5
    assert record.domain.differences == ("darker",)
    assert record.reasons[0].code == "outside_domain"
    anyway = scanned(brighter, anyway=True)
    assert (anyway.verdict, anyway.probability) == ("INCONCLUSIVE", known.probability)
    assert anyway.reasons[0].code == "outside_domain"


def test_a_card_without_an_appearance_gives_no_verdict(detector: Detector) -> None:
    inspection = inspect_file(CLIP, detector.card.crop)
    measured = measure(inspection.faces.crops, detector)
    domain = detector.card.domain.model_copy(update={"appearance": None})
    card = detector.card.model_copy(update={"domain": domain})
    record = conclude(inspection, measured, card, "d").record
    assert (record.verdict, record.probability) == ("INCONCLUSIVE", None)
    assert record.reasons[0].code == "no_domain"
    assert conclude(inspection, measured, card, "d", anyway=True).record.probability is not None


def drawing() -> np.ndarray:
    image = np.full((240, 320, 3), 255, np.uint8)
    cv2.circle(image, (160, 120), 70, (90, 200, 250), -1)
    for x in (135, 185):
        cv2.circle(image, (x, 100), 9, (0, 0, 0), -1)
    cv2.ellipse(image, (160, 145), (30, 18), 0, 0, 180, (0, 0, 200), 4)
    return image


def shrunk(path: Path) -> Path:
    """Write a clip whose faces are detected but too small to be judged."""
    images = [
        cv2.resize(frame.image(), (72, 60), None, 0, 0, cv2.INTER_AREA)
        for frame in frames_of(CLIP, range(10))
    ]
    return write_clip(path, images)


def cut(path: Path, length: int) -> Path:
    path.write_bytes(CLIP.read_bytes()[:length])
    return path


def text(path: Path) -> Path:
    path.write_text("This is no video.\n" * 100)
    return path


NOT_JUDGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (text, "unreadable"),
    "empty": (Path.touch, "unreadable"),
    "folder": (Path.mkdir, "unreadable"),
    "no file": (lambda path: None, "unreadable"),
    "cut short": (lambda path: cut(path, 300), "unreadable"),
    "noise": (lambda path: write_video(path, 8, size=(160, 120)), "no_face"),
    "a drawing": (lambda path: write_clip(path, [drawing()] * 6), "no_face"),
    "tiny faces": (shrunk, "face_too_small"),
    "eight thousand pixels across": (
        lambda path: write(path, moving_images(1, 7680, 4320), Coding("mpeg4")),
        "no_face",
    ),
    "frames that are not there": (
        lambda path: clip_with(path, Coding(), COUNTS["as many sizes as can be said"]),
        "unreadable",
    ),
}


@pytest.mark.parametrize("kind", NOT_JUDGED)
def test_what_cannot_be_judged_is_inconclusive_and_says_why(
    judge: Callable[..., Scan], tmp_path: Path, kind: str
) -> None:
    make, reason = NOT_JUDGED[kind]
    path = tmp_path / "clip.mp4"
    make(path)
    scan = judge(path)
    assert (scan.record.verdict, scan.record.probability) == ("INCONCLUSIVE", None)
    assert [reason.code for reason in scan.record.reasons] == [reason]
    assert scan.record.reasons[0].detail
    assert "\n" not in scan.record.reasons[0].detail
    assert str(tmp_path) not in scan.record.model_dump_json()
    assert scan.crops == ()


@pytest.mark.parametrize("name", SIZED)
def test_a_container_that_promises_a_huge_picture_is_unreadable(
    judge: Callable[..., Scan], tmp_path: Path, name: str
) -> None:
    record = judge(sized(tmp_path / name, 60_000)).record
    assert [reason.code for reason in record.reasons] == ["unreadable"]


def test_one_frame_is_judged_without_an_interval_and_with_care(
    judge: Callable[..., Scan], tmp_path: Path
) -> None:
    path = write_clip(tmp_path / "one.mp4", [frames_of(CLIP, [10])[0].image()])
    record = judge(path).record
    assert record.probability > 0.5
    assert record.verdict == "INCONCLUSIVE", "the promise was counted on more frames"
    assert record.interval is None
    assert [reason.code for reason in record.reasons][:2] == ["few_crops", "still"]
    assert record.coverage.asked == 1
    photo = tmp_path / "one.png"
    cv2.imwrite(str(photo), frames_of(CLIP, [10])[0].image())
    still = judge(photo).record
    assert (still.verdict, still.interval, still.video.duration_s) == ("INCONCLUSIVE", None, None)
    assert [reason.code for reason in still.reasons][:2] == ["few_crops", "still"]
    assert still.probability == pytest.approx(record.probability, abs=0.2)


def test_a_folder_of_frames_is_judged_as_the_video_they_are_from(
    judge: Callable[..., Scan], tmp_path: Path
) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for frame in frames_of(CLIP, list(range(25))):
        cv2.imwrite(str(folder / f"{frame.index:03}.png"), frame.image())
    video, frames = judge(CLIP).record, judge(folder).record
    assert frames.verdict == video.verdict
    assert frames.probability == pytest.approx(video.probability, abs=0.02)
    assert frames.coverage == video.coverage
    assert (frames.file.name, len(frames.file.sha256)) == ("frames", 64)
    assert frames.file.size == sum(file.stat().st_size for file in folder.iterdir())


def test_three_hours_take_as_many_frames_as_three_seconds(
    detector: Detector, tmp_path: Path, judge: Callable[..., Scan]
) -> None:
    short = write(tmp_path / "short.mp4", moving_images(300), Coding(rate=30))
    long = repeat(short, tmp_path / "long.mp4", 1080)
    record = judge(long).record
    assert record.video.duration_s == pytest.approx(3 * 3600, rel=0.01)
    assert record.coverage.decoded == detector.card.crop.frames_per_video
    assert [reason.code for reason in record.reasons] == ["no_face"]


def test_odd_names_come_out_as_text(judge: Callable[..., Scan], tmp_path: Path) -> None:
    path = Path(f"{tmp_path}/a\n\udcff<b>.mp4")
    shutil.copy(CLIP, path)
    record = judge(path).record
    assert record.file.name == "a\n\\xff<b>.mp4"
    assert record.probability is not None
    assert record.model_dump_json()
