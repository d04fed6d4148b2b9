"""The whole workflow on a handful of clips, as a user runs it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from dfd.detector.card import load_card
from dfd.files import _reflink
from dfd.robustness.perturbations import PERTURBATIONS
from tests.data import SAMPLE
from tests.project import PAIRS, Project, commit, copy_project, write_clips

STAGES = [
    "dataset",
    "split",
    "faces",
    "train@small",
    "train@smaller",
    "evaluate@small",
    "evaluate@smaller",
    "register",
]

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")


def shrink(params: dict[str, Any]) -> None:
    """Ask for little, so that the test is quick."""
    params["dataset"] |= {"videos": "../clips", "layout": "dfdc", "name": "handful"}
    params["split"]["fractions"] = {"train": 0.4, "validation": 0.3, "test": 0.3}
    params["faces"] |= {"frames_per_video": 4, "shards": 3}
    params["evaluate"]["bootstrap"] = 100
    params["register"]["min_coverage"] = 0.0
    small = {"backbone": "mesonet", "weights": "none", "learning_rate": 0.01, "patience": 9}
    params["candidates"] = {
        "small": {**small, "epochs": 2},
        "smaller": {**small, "epochs": 1, "seed": 3},
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Project:
    """Return a project in which `dvc repro` has run, committed and pushed to a remote."""
    root = tmp_path_factory.mktemp("workflow")
    write_clips(root / "clips")
    project = copy_project(root / "project", prefect_server)
    project.change_params(shrink)
    ended = project.run("dvc", "repro")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    commit(project.folder)
    assert project.run("dvc", "remote", "add", "-d", "local", str(root / "remote")).returncode == 0
    pushed = project.run("dvc", "push")
    assert pushed.returncode == 0, pushed.stderr
    commit(project.folder)
    return project


def read(project: Project, path: str) -> Any:
    return json.loads((project.folder / path).read_text())


def registry(project: Project) -> dict[str, Any]:
    """Return versions with their tags and aliases, and runs by name, from MLflow."""
    script = """
import json
from mlflow import MlflowClient
client = MlflowClient("sqlite:///mlruns/mlflow.db")
models = client.search_registered_models("name = 'deepfake-detector'")
versions = client.search_model_versions("name = 'deepfake-detector'")
experiment = client.get_experiment_by_name("deepfake-detection")
runs = client.search_runs([experiment.experiment_id])
print(json.dumps({
    "aliases": {alias: str(version) for m in models for alias, version in m.aliases.items()},
    "versions": {str(v.version): v.tags for v in versions},
    "runs": {
        r.info.run_name: {
            "status": r.info.status,
            "metrics": r.data.metrics,
            "tags": r.data.tags,
            "curve": len(client.get_metric_history(r.info.run_id, "val_loss")),
            "pictures": [f.path for f in client.list_artifacts(r.info.run_id, "evaluation")],
        }
        for r in runs
    },
    "number_of_runs": len(runs),
}))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    content: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return content


def exported(project: Project) -> str:
    """Return the version whose detector lies in ``models/champion``, checked to be that one."""
    version: str = read(project, "models/champion/registered.json")["version"]
    logged = registry(project)["versions"][version]["detector"]
    assert load_card(project.folder / "models/champion").sha256 == logged
    return version


def test_every_video_is_accounted_for(done: Project) -> None:
    manifest = pd.read_parquet(done.folder / "data/faces/manifest.parquet").set_index("video")
    assert len(manifest) == 2 * PAIRS + 2
    assert manifest.loc["noise.mp4", "reason"] == "no_face"
    assert manifest.loc["broken.mp4", "reason"] == "unreadable"
    kept = manifest.drop(["noise.mp4", "broken.mp4"])
    assert (kept["kept"] == 4).all()
    assert kept["reason"].isna().all()


def test_no_group_crosses_the_split(done: Project) -> None:
    split = pd.read_csv(done.folder / "data/split.csv")
    assert split.groupby("group")["part"].nunique().max() == 1
    summary = read(done, "metrics/split.json")
    assert summary["groups_crossing"] == 0
    assert sum(part["videos"] for part in summary["parts"].values()) == 2 * PAIRS + 2


def test_each_candidate_is_evaluated_with_pictures(done: Project) -> None:
    test_videos = read(done, "metrics/split.json")["parts"]["test"]["videos"]
    for name in ("small", "smaller"):
        evaluation = read(done, f"metrics/{name}/evaluation.json")
        assert evaluation["videos"] == test_videos
        assert not evaluation["leaky"]
        counts = [evaluation["video"][key] for key in ("tp", "tn", "fp", "fn")]
        assert sum(counts) == evaluation["video"]["n"]
        assert evaluation["video"]["auc_low"] is None
        assert "an interval needs 10" in evaluation["intervals_refused"]
        assert set(evaluation["baselines"]) == {"majority", "metadata", "image_statistics"}
        pictures = list((done.folder / f"plots/{name}").glob("*.png"))
        assert len(pictures) == 11
        assert all(picture.stat().st_size > 5000 for picture in pictures)
        for report in ("evaluation.html", "model_card.md"):
            text = (done.folder / f"plots/{name}/{report}").read_text()
            assert f"{test_videos - evaluation['videos_without_face']} test videos of" in text


def test_two_versions_are_registered_and_one_leads(done: Project) -> None:
    found = registry(done)
    assert set(found["aliases"]) == {"champion", "challenger"}
    assert set(found["aliases"].values()) == set(found["versions"]) == {"1", "2"}
    first, second = (found["versions"][number]["ruling"] for number in ("1", "2"))
    assert first.startswith("promote: ")
    assert "keep: videos to compare on" in second
    decided = read(done, "metrics/registration.json")["candidates"]
    assert {one["outcome"] for one in decided.values()} == {"promote", "keep"}
    for tags in found["versions"].values():
        for key in ("git_commit", "data_hash", "split_hash", "params_hash", "detector"):
            assert re.fullmatch(r"[0-9a-f]{40,64}(-dirty)?", tags[key]), key
        assert tags["leaky"] == "false"
    runs = found["runs"]
    assert {name: run["curve"] for name, run in runs.items()} == {"small": 2, "smaller": 1}
    for name, run in runs.items():
        assert run["status"] == "FINISHED"
        assert "evaluation/confusion_matrix.png" in run["pictures"]
        video = read(done, f"metrics/{name}/evaluation.json")["video"]
        assert run["metrics"]["test_video_log_loss"] == pytest.approx(video["log_loss"])


def test_evaluation_scan_and_registered_model_say_the_same_of_a_video(done: Project) -> None:
    script = """
import json, mlflow, pandas as pd
from pathlib import Path
from dfd.scan.worker import NamedDetector, scan_file
mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
champion = mlflow.MlflowClient().get_model_version_by_alias("deepfake-detector", "champion")
predictions = f"plots/{champion.tags['candidate']}/predictions.csv"
videos = pd.read_csv(predictions).sort_values("video").head(3)
paths = [Path("data/videos") / video for video in videos["video"]]
model = mlflow.pyfunc.load_model("models:/deepfake-detector@champion")
served = model.predict(pd.DataFrame({"video": [str(path) for path in paths]}))
champion_dir = NamedDetector(Path("models/champion"), "champion")
print(json.dumps([
    videos["score"].tolist(),
    [record["probability"] for record in served],
    [scan_file(path, champion_dir).record.probability for path in paths],
]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=done.folder,
        env={**os.environ, "PYTHONPATH": str(done.folder)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    evaluated, served, scanned = json.loads(ended.stdout.splitlines()[-1])
    assert len(evaluated) == 3
    np.testing.assert_allclose(served, evaluated, atol=1e-6)
    np.testing.assert_allclose(scanned, evaluated, atol=1e-6)


def test_a_scan_by_the_address_in_the_registry_names_the_version(done: Project) -> None:
    clip = sorted((done.folder / "data/videos").glob("*.mp4"))[0]
    said = [
        json.loads(done.run("flows.commands", "scan", str(clip), "--json", *model).stdout)
        for model in ([], ["--model", "models:/deepfake-detector@champion"])
    ]
    assert said[0]["probability"] == said[1]["probability"]
    assert said[0]["model"]["sha256"] == said[1]["model"]["sha256"]
    assert said[0]["model"]["version"] == said[1]["model"]["version"] is not None


def test_the_registry_is_listed_compared_promoted_and_rolled_back(done: Project) -> None:
    by_hand = Project(done.folder.with_name("by_hand"), done.api)
    shutil.copytree(done.folder, by_hand.folder)

    def dfd(*command: str) -> str:
        ended = by_hand.run("flows.commands", "registry", *command)
        assert ended.returncode == 0, ended.stderr
        assert max(len(line) for line in ended.stdout.splitlines()) <= 100
        return ended.stdout

    listed = dfd("list")
    assert exported(by_hand) == "1"
    assert "1 champion" in listed
    assert "2 challenger" in listed
    assert "the gate would keep 2" in dfd("compare", "2", "champion")
    assert "version 2 is the champion" in dfd("promote", "2")
    assert registry(by_hand)["aliases"] == {"champion": "2", "challenger": "1"}
    assert exported(by_hand) == "2"
    assert by_hand.run("dvc", "status", "register").stdout.count("changed") == 0
    assert "version 1 is the champion again" in dfd("rollback")
    assert registry(by_hand)["aliases"] == {"champion": "1", "challenger": "2"}
    assert exported(by_hand) == "1"
    failed = by_hand.run("flows.commands", "registry", "rollback")
    assert failed.returncode == 2
    assert "took over from no other" in failed.stderr


def test_a_version_is_judged_on_other_data_and_not_on_what_it_was_trained_on(
    done: Project, tmp_path: Path
) -> None:
    split = pd.read_csv(done.folder / "data/split.csv")
    for label in ("REAL", "FAKE"):
        (tmp_path / "other" / label).mkdir(parents=True)
        for row in split[split["label"] == label].itertuples():
            shutil.copy(
                done.folder / "data/videos" / row.video, tmp_path / "other" / label / row.video
            )
    ended = done.run(
        "flows.commands", "registry", "evaluate", "champion", f"folder:{tmp_path}/other"
    )
    assert ended.returncode == 0, ended.stderr
    test = split[split["part"] == "test"]
    said = " ".join(ended.stdout.split())
    assert f" {len(test)} {len(split) - len(test)} " in said
    assert "no interval" in said
    out = tmp_path / "submission.csv"
    sent = done.run(
        *("flows.commands", "registry", "submission", "champion"),
        *(str(done.folder.parent / "clips"), "--out", str(out)),
    )
    assert sent.returncode == 0, sent.stderr
    submission = pd.read_csv(out)
    assert submission.columns.tolist() == ["filename", "label"]
    assert len(submission) == 2 * PAIRS + 2
    assert "2 without a face got 0.5, which says nothing: broken.mp4, noise.mp4" in sent.stdout


def test_registering_again_makes_no_double(done: Project) -> None:
    before = registry(done)
    ended = done.run("flows.register")
    assert ended.returncode == 0, ended.stderr
    after = registry(done)
    assert after["versions"].keys() == before["versions"].keys()
    assert after["aliases"] == before["aliases"]
    assert after["number_of_runs"] == before["number_of_runs"]


def test_a_detector_without_its_weights_is_not_registered(done: Project) -> None:
    broken = Project(done.folder.with_name("broken"), done.api)
    shutil.copytree(done.folder, broken.folder)
    shutil.rmtree(broken.folder / "mlruns")
    (broken.folder / "models/small/model.onnx").unlink()
    (broken.folder / "models/smaller/model.onnx").unlink()
    ended = broken.run("flows.register")
    assert ended.returncode == 2
    assert "model.onnx: missing; run `dvc checkout`" in ended.stderr


def test_the_source_is_untouched_and_the_workspace_shares_the_cache(done: Project) -> None:
    clips = done.folder.parent / "clips"
    reflinks = _reflink(clips / "noise.mp4", done.folder.parent / "probe")
    for source in clips.glob("*.mp4"):
        placed = done.folder / "data/videos" / source.name
        assert source.stat().st_nlink == 1
        assert source.stat().st_mode & 0o200
        assert placed.read_bytes() == source.read_bytes()
        assert reflinks or placed.stat().st_nlink == 2


def test_the_summary_shows_candidates_beside_the_baselines(done: Project) -> None:
    ended = done.run("flows.commands", "summary")
    assert ended.returncode == 0, ended.stderr
    for said in ("small", "smaller", "baseline: majority", "champion", "challenger"):
        assert said in ended.stdout
    assert max(len(line) for line in ended.stdout.splitlines()) <= 100


def test_a_candidate_left_out_is_neither_trained_nor_registered(done: Project) -> None:
    fewer = Project(done.folder.with_name("fewer"), done.api)
    shutil.copytree(done.folder, fewer.folder)
    third = {"backbone": "mesonet", "weights": "none", "epochs": 1, "learning_rate": 0.01}
    fewer.change_params(lambda params: params["candidates"].update(third=third))
    ended = fewer.run("flows.commands", "pipeline", "--without", "third")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not (fewer.folder / "models/third").exists()
    assert set(read(fewer, "metrics/registration.json")["candidates"]) == {"small", "smaller"}
    summary = fewer.run("flows.commands", "summary")
    assert summary.returncode == 0
    assert "third" not in summary.stdout


def test_a_second_run_does_nothing_and_the_pipeline_says_so_in_prefect(done: Project) -> None:
    ended = done.run("flows.commands", "pipeline")
    assert ended.returncode == 0, ended.stderr
    assert "Running stage" not in ended.stdout
    request = urllib.request.Request(
        f"{done.api}/task_runs/filter",
        data=json.dumps({"limit": 200, "sort": "EXPECTED_START_TIME_DESC"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    deadline = time.monotonic() + 30  # the server records task runs a moment later
    states: dict[str, str] = {}
    expected = dict.fromkeys(STAGES, "Cached")
    while time.monotonic() < deadline and states != expected:
        time.sleep(0.5)
        with urllib.request.urlopen(request) as answer:
            oldest_first = reversed(json.load(answer))
        found = {run["name"]: run["state"]["name"] for run in oldest_first}
        states = {stage: found[stage] for stage in STAGES if stage in found}
    assert states == expected


def test_robustness_is_measured_of_the_candidates_that_ask_for_it(done: Project) -> None:
    assert "robustness" not in done.run("dvc", "stage", "list", "--name-only").stdout
    asked = Project(done.folder.with_name("asked"), done.api)
    shutil.copytree(done.folder, asked.folder)
    asked.change_params(lambda params: params["robustness"].update(candidates=["small"]))
    ended = asked.run("dvc", "repro", "--single-item", "robustness@small")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    table = pd.read_csv(asked.folder / "plots/small/robustness.csv")
    assert set(table["perturbation"]) == {"clean", *PERTURBATIONS}
    clean = read(asked, "metrics/small/evaluation.json")["video"]
    assert table[["videos", "auc"]].iloc[0].tolist() == pytest.approx([clean["n"], clean["auc"]])
    assert clean["auc_low"] is None
    assert table["difference_low"].isna().all(), "too few groups for any interval"
    mildest = table.query("perturbation == 'h264' and level == 18").iloc[0]
    assert mildest["videos"] == clean["n"], "encoded again, every face is found again"
    assert (asked.folder / "plots/small/robustness.png").stat().st_size > 20000
    assert not list((asked.folder / ".cache/robustness").glob(".*"))
    logged = registry(asked)["runs"]["small"]["metrics"]
    record = read(asked, "metrics/small/robustness.json")
    assert logged["robustness_jpeg_50"] == pytest.approx(record["jpeg"]["50"]["auc"])

    shutil.rmtree(asked.folder / "models/small")
    ended = asked.run("flows.robustness", "small")
    assert ended.returncode == 2
    assert "dfd: models/small/detector.json: cannot be read" in ended.stderr
    asked.change_params(lambda params: params["robustness"].update(candidates=["vgg"]))
    ended = asked.run("flows.commands", "pipeline")
    assert ended.returncode == 2
    assert "dfd: params.yaml: robustness.candidates: no candidate vgg" in ended.stderr


def test_a_split_by_frame_marks_everything_made_from_it(done: Project) -> None:
    leaky = Project(done.folder.with_name("leaky"), done.api)
    shutil.copytree(done.folder, leaky.folder)
    shutil.rmtree(leaky.folder / "mlruns")
    leaky.change_params(lambda params: params["split"].update(protocol="frame"))
    for stage in ("split", "train@small", "evaluate@small"):
        ended = leaky.run("dvc", "repro", "--single-item", stage)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    for path in (
        "metrics/split.json",
        "metrics/small/train.json",
        "models/small/detector.json",
        "metrics/small/evaluation.json",
    ):
        assert read(leaky, path)["leaky"] is True, path
    ended = leaky.run("flows.register")
    assert ended.returncode == 0, ended.stderr
    found = registry(leaky)
    assert found["runs"]["small"]["tags"]["leaky"] == "true"
    assert {v["candidate"]: v["leaky"] for v in found["versions"].values()} == {
        "small": "true",
        "smaller": "false",
    }
    led = found["versions"][found["aliases"]["champion"]]
    assert led["candidate"] == "smaller"
    (refused,) = [v["ruling"] for v in found["versions"].values() if v["candidate"] == "small"]
    assert "reject: split leaky (wanted by group)" in refused


def test_the_same_seed_gives_the_same_bytes(done: Project) -> None:
    before = yaml.safe_load((done.folder / "dvc.lock").read_text())["stages"]
    shutil.rmtree(done.folder / ".cache")
    for stage in ("faces", "train@small", "evaluate@small"):
        ended = done.run("dvc", "repro", "--force", "--single-item", stage)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert f"Running stage '{stage}'" in ended.stdout
    after = yaml.safe_load((done.folder / "dvc.lock").read_text())["stages"]
    for stage in ("faces", "train@small", "evaluate@small"):
        assert after[stage]["outs"] == before[stage]["outs"], stage


def test_a_clone_that_pulls_has_nothing_to_run(done: Project) -> None:
    clone = Project(done.folder.with_name("clone"), done.api)
    subprocess.run(["git", "clone", "--quiet", done.folder, clone.folder], check=True)
    pulled = clone.run("dvc", "pull")
    assert pulled.returncode == 0, pulled.stderr
    ended = clone.run("dvc", "repro")
    assert ended.returncode == 0, ended.stderr
    assert "Running stage" not in ended.stdout
    again = clone.run("flows.register")
    assert again.returncode == 0, again.stderr
    found = registry(clone)
    assert {run["curve"] for run in found["runs"].values()} == {1, 2}
    assert len(found["versions"]) == 2
    assert exported(clone) == found["aliases"]["champion"]


def test_a_sweep_is_a_run_for_each_experiment(done: Project) -> None:
    swept = Project(done.folder.with_name("swept"), done.api)
    shutil.copytree(done.folder, swept.folder)
    before = registry(swept)["number_of_runs"]
    swept.change_params(lambda params: params["candidates"]["small"].pop("backbone"))
    clips = str(swept.folder.parent / "clips")  # an experiment runs in a folder of its own
    swept.change_params(lambda params: params["dataset"].update(videos=clips))
    assert swept.run("dvc", "repro", "dataset", "split", "faces").returncode == 0
    commit(swept.folder)
    wanted = ("-S", "train.backbone=mesonet", "-S", "train.self_blended=0,1", "evaluate@small")
    queued = swept.run("dvc", "exp", "run", "--queue", *wanted)
    assert queued.returncode == 0, queued.stderr
    ended = swept.run("dvc", "exp", "run", "--run-all")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = registry(swept)
    assert found["number_of_runs"] == before + 2
    shown = swept.run("dvc", "exp", "show", "--json")
    (experiments,) = [one["experiments"] for one in json.loads(shown.stdout) if one["experiments"]]
    names = {one["name"] for one in experiments}
    assert len(names) == 2
    assert names <= set(found["runs"]), "a run has the name of its experiment"
    assert all(found["runs"][name]["status"] == "FINISHED" for name in names)


def test_the_pipeline_can_be_scheduled(done: Project) -> None:
    environment = {**os.environ, "PREFECT_API_URL": done.api, "PYTHONPATH": str(done.folder)}
    served = subprocess.Popen(
        [sys.executable, "-m", "flows.commands", "pipeline", "--serve", "--cron", "0 3 * * *"],
        cwd=done.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    request = urllib.request.Request(
        f"{done.api}/flow_runs/filter",
        data=json.dumps({"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    planned: list[str] = []
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and not planned:
            time.sleep(0.5)
            with urllib.request.urlopen(request) as answer:
                planned = [run["expected_start_time"] for run in json.load(answer)]
    finally:
        served.send_signal(signal.SIGINT)
        served.wait(30)
    assert planned
    assert all("T03:00:00" in start for start in planned)
