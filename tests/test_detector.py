import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dfd.detector import (
    Detector,
    DetectorCard,
    detector_hash,
    load_card,
    load_detector,
    save_detector,
    weights_sha256,
)
from dfd.errors import DetectorError

# Trains the same candidate in this process and in a fresh one; `root` is a folder for detectors.
TRAIN = """
from pathlib import Path
from dfd.detector import load_detector, save_detector
from dfd.params import CropParams
from dfd.train.records import curves
from tests.train.conftest import SMALL, run, synthetic_crops
import numpy as np

faces = CropParams(
    detector="retinaface-mobilenet", frames_per_video=3, detection_size=640, min_score=0.8,
    min_face=32, max_tracks=2, margin=0.2, crop_size=48, jpeg_quality=95,
)
params = SMALL.model_copy(update={
    "input_size": 40, "batch_size": 8, "epochs": 2, "augment": True, "sampling": "paired",
    "self_blended": 0.5, "seed": 11,
})
fitted = run(synthetic_crops(6, 1), synthetic_crops(6, 2), params, Path(root + ".npz"))
card = fitted.card("small", params, faces, "split", leaky=False)
save_detector(Path(root), fitted.model, card, curves(fitted.history))
"""


def same_bytes(one: Path, other: Path) -> list[str]:
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    return [name for name in names if (one / name).read_bytes() == (other / name).read_bytes()]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "small"
    exec(TRAIN, {"root": str(directory)})
    return directory


@pytest.fixture(scope="module")
def loaded(saved: Path) -> Detector:
    return load_detector(saved)


@pytest.fixture(scope="module")
def probe() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (37, 48, 48, 3), dtype=np.uint8)


def test_another_process_scores_alike_and_trains_the_same_bytes(saved, loaded, probe) -> None:
    other = saved.with_name("again")
    script = f"root = {str(other)!r}\n{TRAIN}\n" + (
        f"probe = np.random.default_rng(5).integers(0, 256, {probe.shape}, dtype=np.uint8)\n"
        f"print(load_detector(Path({str(saved)!r})).predict(probe).tobytes().hex())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    scores = np.frombuffer(bytes.fromhex(done.stdout.split()[-1]), np.float32)
    np.testing.assert_allclose(loaded.predict(probe), scores, atol=1e-6)
    assert same_bytes(saved, other) == ["detector.json", "history.csv", "model.keras"]
    assert detector_hash(saved) == detector_hash(other)


def test_scores_do_not_depend_on_the_company_of_a_crop(loaded, probe) -> None:
    scores = loaded.predict(probe)
    assert scores.shape == (37,)
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    np.testing.assert_allclose(loaded.predict(probe[30:33]), scores[30:33], atol=1e-6)
    assert loaded.predict(probe[:0]).shape == (0,)


def test_crops_of_another_size_are_resized(loaded) -> None:
    flat = np.full((2, 48, 48, 3), 90, np.uint8)
    np.testing.assert_allclose(loaded.predict(flat), loaded.predict(flat[:, :40, :40]), atol=1e-6)


def test_crops_of_another_kind_are_refused(loaded, probe) -> None:
    with pytest.raises(DetectorError, match=r"crops must be uint8 \(N, S, S, 3\), not float32"):
        loaded.predict(probe.astype(np.float32))


def test_the_card_tells_how_to_crop_and_what_was_reached(saved) -> None:
    card = load_card(saved)
    assert card.crop.crop_size == 48
    assert card.params.seed == 11
    assert (card.backbone, card.weights, card.input_size) == ("mesonet", "none", 40)
    assert card.classes == ("REAL", "FAKE")
    assert card.validation_videos.n == 6
    assert card.validation_frames.n == 36
    history = pd.read_csv(saved / "history.csv")
    assert history["epoch"].tolist() == [1, 2]


def test_a_card_is_read_without_keras(saved) -> None:
    script = (
        "import sys; from pathlib import Path; from dfd.detector import load_card, detector_hash\n"
        f"load_card(Path({str(saved)!r})); detector_hash(Path({str(saved)!r}))\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_the_model_carries_no_optimizer(saved) -> None:
    with zipfile.ZipFile(saved / "model.keras") as archive:
        assert b"optimizer" not in archive.read("model.weights.h5")


def card_of(loaded: Detector, **changes: object) -> DetectorCard:
    return loaded.card.model_copy(update=changes)


def test_saving_replaces_and_a_failure_leaves_what_was_there(loaded, tmp_path, monkeypatch) -> None:
    directory = tmp_path / "models" / "small"
    history = pd.DataFrame({"epoch": [1], "loss": [0.5]})
    save_detector(directory, loaded.model, loaded.card, history)
    save_detector(directory, loaded.model, card_of(loaded, candidate="other"), history)
    assert load_card(directory).candidate == "other"
    before = detector_hash(directory)

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full_disk)
    with pytest.raises(DetectorError, match=r"small: cannot be written \(No space left on"):
        save_detector(directory, loaded.model, loaded.card, history)
    assert detector_hash(directory) == before
    assert [path.name for path in directory.parent.iterdir()] == ["small"]


def test_the_hash_follows_the_weights(loaded, tmp_path) -> None:
    assert weights_sha256(loaded.model) == loaded.card.weights_sha256
    history = pd.DataFrame({"epoch": [1]})
    save_detector(tmp_path / "a", loaded.model, loaded.card, history)
    save_detector(tmp_path / "b", loaded.model, card_of(loaded, weights_sha256="0"), history)
    assert detector_hash(tmp_path / "a") != detector_hash(tmp_path / "b")
    with pytest.raises(DetectorError, match=r"model.keras: not the weights its detector.json"):
        load_detector(tmp_path / "b")


def test_directories_that_are_no_detector(saved, tmp_path) -> None:
    with pytest.raises(DetectorError, match=r"nowhere/detector.json: cannot be read"):
        load_card(tmp_path / "nowhere")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "detector.json").write_text("{")
    with pytest.raises(DetectorError, match=r"detector.json: damaged, not JSON"):
        load_card(broken)
    content = json.loads((saved / "detector.json").read_text())
    (broken / "detector.json").write_text(json.dumps({**content, "format": 9}))
    with pytest.raises(DetectorError, match="format 9, but this version reads 3"):
        load_card(broken)
    (broken / "detector.json").write_text(json.dumps({**content, "parameters": "many"}))
    with pytest.raises(DetectorError, match="parameters: Input should be a valid integer"):
        load_card(broken)
    (broken / "detector.json").write_text(json.dumps(content))
    with pytest.raises(DetectorError, match=r"model.keras: missing"):
        load_detector(broken)
    model = (saved / "model.keras").read_bytes()
    (broken / "model.keras").write_bytes(model[: len(model) // 2])
    with pytest.raises(DetectorError, match=r"model.keras: damaged"):
        load_detector(broken)
