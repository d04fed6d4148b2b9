import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dfd.detector.card import load_card
from dfd.detector.keras_file import load_keras_model
from dfd.detector.network import Detector, load_detector
from dfd.errors import DetectorError
from dfd.onnx import open_session
from dfd.scoring.decision import Calibration
from dfd.train.loop.validation import fake_scores
from tests.detectors import write_detector

# Trains the same candidate in this process and in a fresh one; `root` is a folder for detectors.
TRAIN = """
from pathlib import Path
from dfd.detector.network import load_detector
from dfd.params.faces import CropParams
from dfd.train.loop.history import curves
from dfd.train.export.saving import save_detector
from benchmarks.detectors import card_of
from tests.train.runs import SMALL, run, synthetic_crops
import numpy as np

faces = CropParams(
    detector="retinaface-mobilenet", frames_per_video=3, detection_size=640, min_score=0.8,
    min_face=32, max_tracks=2, margin=0.2, crop_size=48, jpeg_quality=95,
)
params = SMALL.model_copy(update={
    "input_size": 40, "batch_size": 8, "epochs": 2, "augment": True, "sampling": "paired",
    "self_blended": 0.5, "seed": 11,
})
unseen = synthetic_crops(6, 2)
fitted = run(synthetic_crops(6, 1), unseen, params, Path(root + ".npz"))
card = fitted.card("small", params, faces, card_of().domain, "split", leaky=False)
save_detector(Path(root), fitted.model, card, curves(fitted.history), unseen.sample(8))
"""
MODELS = ["model.keras", "model.onnx"]


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
    scores = np.frombuffer(bytes.fromhex(done.stdout.split()[-1]), np.float64)
    np.testing.assert_allclose(loaded.predict(probe), scores, atol=1e-6)
    assert same_bytes(saved, other) == ["detector.json", "history.csv", *MODELS]
    assert load_card(saved).sha256 == load_card(other).sha256


def test_scores_do_not_depend_on_the_company_of_a_crop(loaded, probe) -> None:
    scores = loaded.predict(probe)
    assert scores.shape == (37,)
    assert scores.dtype == np.float64
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
    assert card.params["seed"] == 11
    assert (card.backbone, card.weights, card.input_size) == ("mesonet", "none", 40)
    assert card.classes == ("REAL", "FAKE")
    assert card.validation["video"]["n"] == 6
    assert card.validation["frame"]["n"] == 36
    history = pd.read_csv(saved / "history.csv")
    assert history["epoch"].tolist() == [1, 2]


def test_it_scores_as_its_keras_model_does(saved, loaded, probe) -> None:
    model = load_keras_model(saved)
    crops = probe[:, :40, :40]
    np.testing.assert_allclose(loaded.predict(crops), fake_scores(model, crops), atol=1e-5)


def test_threads_may_share_a_detector_and_change_no_score(saved, loaded, probe) -> None:
    alone = load_detector(saved, threads=1)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(alone.predict, [probe] * 8):
            np.testing.assert_allclose(scores, loaded.predict(probe), atol=1e-6)


def test_scoring_imports_no_keras_and_little_else(saved) -> None:
    script = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from dfd.detector.card import *; from dfd.detector.network import *\n"
        f"detector = load_detector(Path({str(saved)!r}))\n"
        "assert detector.predict(np.zeros((1, 48, 48, 3), np.uint8)).shape == (1,)\n"
        f"load_card(Path({str(saved)!r})).sha256\n"
        "heavy = {'keras', 'tensorflow', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'onnx'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_a_detector_is_known_by_its_card(tmp_path) -> None:
    first, same = write_detector(tmp_path / "a"), write_detector(tmp_path / "b")
    assert load_card(first).sha256 == load_card(same).sha256
    other = write_detector(tmp_path / "c", weights_sha256="0")
    assert load_card(first).sha256 != load_card(other).sha256


def refused(directory: Path) -> str:
    with pytest.raises(DetectorError) as error:
        load_detector(directory)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{directory}/")


def test_directories_that_are_no_detector(tmp_path) -> None:
    assert refused(tmp_path / "nowhere").startswith("detector.json: cannot be read (No such file")
    broken = write_detector(tmp_path / "broken")
    card, network = broken / "detector.json", broken / "model.onnx"
    content, working = json.loads(card.read_text()), network.read_bytes()
    card.write_text("{")
    assert refused(broken).startswith("detector.json: damaged, not JSON")
    card.write_text(json.dumps({**content, "format": 3}))
    assert "format 3, but this version of dfd reads 4, 5, 6; train the detector again" in refused(
        broken
    )
    card.write_text(json.dumps({**content, "parameters": "many"}))
    assert "parameters: Input should be a valid integer" in refused(broken)
    card.write_text(json.dumps(content))
    network.unlink()
    assert refused(broken).startswith("model.onnx: missing; run `dvc checkout`")
    network.mkdir()
    assert refused(broken).startswith("model.onnx: Is a directory")
    network.rmdir()
    for wrong in (working[: len(working) // 2], b"", working + b"\n"):
        network.write_bytes(wrong)
        assert refused(broken).startswith("model.onnx: damaged, or not the network its")
    card.write_text(json.dumps({**content, "onnx_sha256": sha256(b"no network").hexdigest()}))
    network.write_bytes(b"no network")
    assert refused(broken).startswith("model.onnx: cannot be run (")


def test_a_foreign_network_is_refused(saved, tmp_path) -> None:
    mixed = shutil.copytree(saved, tmp_path / "mixed")
    shutil.copy(write_detector(tmp_path / "other") / "model.onnx", mixed)
    assert refused(mixed).startswith("model.onnx: damaged, or not the network its detector.json")


def test_a_detector_replaced_while_it_is_loaded_is_loaded_whole(tmp_path, monkeypatch) -> None:
    """The card of one and the network of another would score wrongly in silence."""
    directory = write_detector(tmp_path / "champion", candidate="former")
    opened = []

    def replace_then_open(network: Path, threads: int) -> object:
        session = open_session(network, threads)
        if not opened:
            shutil.rmtree(directory)
            write_detector(directory, candidate="next")
        opened.append(session)
        return session

    monkeypatch.setattr("dfd.detector.network.open_session", replace_then_open)
    detector = load_detector(directory)
    assert detector.card.candidate == "next"
    assert detector.session is opened[1]


def as_format_5(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card as the version of dfd before format 6 wrote it."""
    calibration = card["decision"]["calibration"]
    decision = {"calibration": calibration, "threshold": 0.4, "inconclusive": [0.3, 0.5]}
    return {**card, "format": 5, "decision": decision}


def as_format_4(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card as the version of dfd before format 5 wrote it."""
    card = as_format_5(card)
    levels = card["validation"]
    kept = {key: value for key, value in card.items() if key != "validation"}
    return {
        **kept,
        "format": 4,
        "validation_frames": levels["frame"],
        "validation_videos": levels["video"],
    }


@pytest.mark.parametrize("as_older", [as_format_4, as_format_5])
def test_a_detector_of_an_older_format_is_read_and_keeps_its_identity(tmp_path, as_older) -> None:
    directory = write_detector(tmp_path / "small")
    now = load_card(directory)
    path = directory / "detector.json"
    old = as_older(json.loads(path.read_text()))
    path.write_text(json.dumps(old, indent=2))
    card = load_card(directory)
    same = {"sha256": now.sha256, "decision": now.decision}
    assert card.model_copy(update=same) == now
    compact = json.dumps(old, separators=(",", ":"))
    assert card.sha256 == sha256(compact.encode()).hexdigest()
    crops = np.zeros((1, 128, 128, 3), np.uint8)
    assert load_detector(directory).predict(crops).shape == (1,)


def test_the_share_of_fakes_is_taken_out_of_an_older_calibration(tmp_path) -> None:
    """It promised nothing, so that it gives no verdict."""
    directory = write_detector(tmp_path / "small")
    path = directory / "detector.json"
    old = as_format_5(json.loads(path.read_text()))
    old["validation"]["video"] |= {"n": 40, "tp": 20, "fn": 10}
    path.write_text(json.dumps(old))
    decision = load_card(directory).decision
    before = Calibration(**old["decision"]["calibration"])
    scores = [0.1, 0.5, 0.9]
    np.testing.assert_allclose(decision.calibration.apply(scores, prior=0.75), before.apply(scores))
    assert (decision.fake_share, decision.width, decision.promise) == (0.75, None, None)
    assert decision.verdict(1.0) == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"format": 7}, "format 7, but this version of dfd reads 4, 5, 6; update dfd"),
        (
            {"format": None},
            "format None, but this version of dfd reads 4, 5, 6; train the detector",
        ),
        ({"newer": 1}, "newer: unknown key, of a later version of dfd; update dfd"),
    ],
)
def test_a_card_of_a_later_version_says_to_update(tmp_path, change, line) -> None:
    directory = write_detector(tmp_path / "small")
    path = directory / "detector.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert line in refused(directory)


@pytest.mark.parametrize("section", ["crop", "decision", "domain"])
def test_an_unknown_key_of_the_checked_part_is_named(tmp_path, section) -> None:
    directory = write_detector(tmp_path / "small")
    path = directory / "detector.json"
    content = json.loads(path.read_text())
    content[section]["newer"] = 1
    path.write_text(json.dumps(content))
    assert f"{section}.newer: unknown key, of a later version of dfd" in refused(directory)


def test_history_is_plain_data(tmp_path) -> None:
    """A later version may drop or add any training parameter and any metric."""
    directory = write_detector(tmp_path / "small")
    path = directory / "detector.json"
    content = json.loads(path.read_text())
    content["params"] = {"unheard_of": 1}
    content["validation"]["video"]["unheard_of"] = 0.5
    path.write_text(json.dumps(content))
    card = load_detector(directory).card
    assert card.params == {"unheard_of": 1}
    assert card.validation["video"]["unheard_of"] == 0.5
