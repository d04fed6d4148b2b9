"""The logged model behind MLflow's own server, judging whole videos."""

import base64
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from benchmarks.servers import free_port, running_server
from dfd.detector.card import load_card
from dfd.errors import DetectorError
from tasks import served_model  # noqa: F401 - MLflow warns once while it imports this module
from tasks.model_version import log_served_model
from tests.commands import dfd
from tests.data import SAMPLE, write_video
from tests.detectors import write_detector

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")

NO_KERAS = """
import json, sys, mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(model.predict(pd.DataFrame({"video": [sys.argv[2]]}))))
assert not {"keras", "tensorflow", "prefect"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def clip() -> Path:
    return min(SAMPLE.glob("*.mp4"))


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_detector(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("MLFLOW_TRACKING_URI", uri)
        yield uri


@pytest.fixture(scope="module")
def address(detector: Path, store: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Log the detector and register it; return the champion's address."""
    place = tmp_path_factory.mktemp("artifacts").as_uri()
    with mlflow.start_run(experiment_id=mlflow.create_experiment("x", place)):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            uri = log_served_model({"detector": detector}, load_card(detector).crop)
        version = mlflow.register_model(uri, "served")
    mlflow.MlflowClient().set_registered_model_alias("served", "champion", version.version)
    return "models:/served@champion"


@pytest.fixture(scope="module")
def permitted(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """The folder that the server may read, with a clip and a link that leads out of it."""
    folder = tmp_path_factory.mktemp("permitted")
    shutil.copy(clip, folder)
    (folder / "out.mp4").symlink_to(clip)
    return folder


@pytest.fixture(scope="module")
def server(
    address: str, store: str, permitted: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Serve the model as a user does, outside the project; return the address to ask."""
    port = free_port()
    command = ("mlflow", "models", "serve", "--model-uri", address, "--env-manager", "local")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with running_server(
        (*command, "--host", "127.0.0.1", "--port", str(port)),
        f"http://127.0.0.1:{port}/ping",
        tmp_path_factory.mktemp("server"),
        {**environment, "MLFLOW_TRACKING_URI": store, "DFD_VIDEOS": str(permitted)},
    ):
        yield f"http://127.0.0.1:{port}/invocations"


def ask(server: str, content: dict[str, Any]) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        server, json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        said: list[dict[str, Any]] = json.load(answer)["predictions"]
    return said


def test_a_video_gets_the_verdict_of_a_scan_by_path_or_by_content(
    server: str, detector: Path, clip: Path, permitted: Path
) -> None:
    scanned = dfd(detector.parent, "scan", clip, "--model", "small", "--json")
    expected = json.loads(scanned.stdout)
    assert expected["probability"] is not None
    content, path = base64.b64encode(clip.read_bytes()).decode(), str(permitted / clip.name)
    for question in (
        {"dataframe_split": {"columns": ["video"], "data": [[path], [content]]}},
        {"dataframe_records": [{"video": path}, {"video": content}]},
        {"instances": [{"video": path}, {"video": content}]},
        {"inputs": {"video": [clip.name, content]}},
    ):
        for record in ask(server, question):
            for key in ("verdict", "tracks", "frames", "coverage", "crop", "model"):
                assert record[key] == expected[key], key
            assert record["probability"] == pytest.approx(expected["probability"], abs=1e-6)
            assert record["file"]["sha256"] == expected["file"]["sha256"]


def test_the_example_that_is_kept_with_the_model_can_be_sent_as_it_is(
    server: str, address: str, tmp_path: Path
) -> None:
    kept = Path(mlflow.artifacts.download_artifacts(address, dst_path=str(tmp_path)))
    (record,) = ask(server, json.loads((kept / "serving_input_example.json").read_text()))
    assert record["verdict"] == "INCONCLUSIVE"
    assert record["reasons"][0]["code"] == "no_face", "a grey picture that could be decoded"


def test_what_cannot_be_judged_is_a_record_with_its_reason(server: str, permitted: Path) -> None:
    faceless = write_video(permitted / "noise.mp4")
    text = base64.b64encode(b"no video").decode()
    nothing, unreadable, empty = ask(
        server, {"dataframe_records": [{"video": str(faceless)}, {"video": text}, {"video": ""}]}
    )
    assert {one["verdict"] for one in (nothing, unreadable, empty)} == {"INCONCLUSIVE"}
    assert nothing["reasons"][0]["code"] == "no_face"
    assert unreadable["reasons"][0]["code"] == empty["reasons"][0]["code"] == "unreadable"


def refusal(server: str, video: Any) -> str:
    """Ask with one value, which must be refused, and return what is said."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(server, {"dataframe_records": [{"video": video}]})
    assert refused.value.code == 400
    said: str = json.load(refused.value)["message"]
    return said.replace(str(video), "VIDEO")


def test_a_file_outside_the_folder_is_as_one_that_is_not_there(
    server: str, clip: Path, permitted: Path
) -> None:
    paths = (clip, "/etc/hostname", "out.mp4", permitted / "out.mp4", permitted / ".." / clip.name)
    for path in map(str, paths):
        assert "neither base64" in refusal(server, path)
        assert "below the folder that DFD_VIDEOS names" in refusal(server, path)


def test_without_a_folder_no_path_is_read(address: str, store: str, clip: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DFD_VIDEOS"}
    ended = subprocess.run(
        [sys.executable, "-c", NO_KERAS, address, str(clip)],
        env={**environment, "MLFLOW_TRACKING_URI": store},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "below the folder that DFD_VIDEOS names" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("wrong", ["no/such/file.mp4", "x" * 5001, "\0", None, 3])
def test_what_is_neither_a_file_nor_base64_is_refused(server: str, wrong: Any) -> None:
    refusal(server, wrong)


def test_it_loads_and_judges_without_keras(address: str, store: str, clip: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", NO_KERAS, address, str(clip)],
        env={**os.environ, "MLFLOW_TRACKING_URI": store, "DFD_VIDEOS": str(clip.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "UserWarning" not in ended.stderr
    (record,) = json.loads(ended.stdout.splitlines()[-1])
    assert record["record"] == "dfd.verdict/1"


def test_a_damaged_detector_is_not_served(address: str, tmp_path: Path) -> None:
    copy = Path(mlflow.artifacts.download_artifacts(address, dst_path=str(tmp_path)))
    (network,) = copy.rglob("model.onnx")
    network.write_bytes(network.read_bytes()[:-1])
    with pytest.raises(DetectorError, match=r"model.onnx: damaged"):
        mlflow.pyfunc.load_model(str(copy))


def test_a_detector_that_was_edited_is_not_served(address: str, tmp_path: Path) -> None:
    copy = Path(mlflow.artifacts.download_artifacts(address, dst_path=str(tmp_path)))
    (card,) = copy.rglob("detector.json")
    card.write_text(card.read_text().replace('"width":0.2', '"width":0.1'))
    with pytest.raises(DetectorError, match=r"not the detector that was logged with this model"):
        mlflow.pyfunc.load_model(str(copy))
