"""The whole workflow on a handful of clips, as a user runs it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from dfd.detector.card import load_card
from dfd.files import _reflink
from dfd.robustness.perturbations import PERTURBATIONS
from tests.data import SAMPLE
from tests.pipeline import Pipeline, finished_pipeline
from tests.project import PAIRS, Project, commit

STAGES = [
    "dataset",
    "split",
    "faces",
    "train@small",
    "train@smaller",
    "evaluate@small",
    "evaluate@smaller",
    "robustness@small",
    "register",
]

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Pipeline:
    return finished_pipeline(tmp_path_factory, prefect_server)


@pytest.fixture
def done(pipeline: Pipeline) -> Project:
    """Return the project in which `dvc repro` has run, to look at."""
    return pipeline.project


@pytest.fixture
def copy(pipeline: Pipeline, tmp_path: Path) -> Project:
    """Return a copy of that project, to change."""
    return pipeline.copy(tmp_path)


def read(project: Project, path: str) -> Any:
    return json.loads((project.folder / path).read_text())


def registry(project: Project) -> dict[str, Any]:
    """Return versions with their tags and aliases, and runs by name, from MLflow."""
    client = MlflowClient(f"sqlite:///{project.folder}/mlruns/mlflow.db")
    models = client.search_registered_models("name = 'deepfake-detector'")
    versions = client.search_model_versions("name = 'deepfake-detector'")
    experiment = client.get_experiment_by_name("deepfake-detection")
    runs = client.search_runs([experiment.experiment_id])
    return {
        "aliases": {alias: str(version) for m in models for alias, version in m.aliases.items()},
        "versions": {str(version.version): version.tags for version in versions},
        "runs": {
            run.info.run_name: {
                "status": run.info.status,
                "metrics": run.data.metrics,
                "tags": run.data.tags,
                "curve": len(client.get_metric_history(run.info.run_id, "val_loss")),
                "pictures": [
                    file.path for file in client.list_artifacts(run.info.run_id, "evaluation")
                ],
            }
            for run in runs
        },
        "number_of_runs": len(runs),
    }


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
        pictures = set((done.folder / f"plots/{name}").glob("*.png"))
        pictures.discard(done.folder / f"plots/{name}/robustness.png")  # of another stage
        assert len(pictures) == 11
        assert all(picture.stat().st_size > 5000 for picture in pictures)
        for report in ("evaluation.html", "model_card.md"):
            text = (done.folder / f"plots/{name}/{report}").read_text()
            assert f"{test_videos - evaluation['videos_without_face']} test videos of" in text


def test_two_versions_are_registered_and_none_leads_by_so_few_groups(done: Project) -> None:
    found = registry(done)
    assert set(found["aliases"]) == {"champion", "challenger"}
    assert set(found["aliases"].values()) == set(found["versions"]) == {"1", "2"}
    first, second = (found["versions"][number] for number in ("1", "2"))
    for version in (first, second):
        assert "keep: videos to compare on" in version["ruling"]
    assert "promoted by hand" in first["alias_moved"]
    assert first["test_part"] == second["test_part"]
    decided = read(done, "metrics/registration.json")["candidates"].values()
    assert [one["outcome"] for one in decided] == ["keep", "keep"]
    assert {one["number"] for one in decided} == {1, 2}, "the same test part ruled twice"
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


def test_evaluation_scan_and_registered_model_say_the_same_of_a_video(
    done: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{done.folder}/mlruns/mlflow.db")
    monkeypatch.setenv("DFD_VIDEOS", str(done.folder))
    monkeypatch.setattr(sys, "path", [*sys.path])  # MLflow adds the code that lies with the model
    champion = MlflowClient().get_model_version_by_alias("deepfake-detector", "champion")
    predictions = done.folder / f"plots/{champion.tags['candidate']}/predictions.csv"
    videos = pd.read_csv(predictions).sort_values("video").head(3)
    assert len(videos) == 3
    paths = [str(done.folder / "data/videos" / video) for video in videos["video"]]
    model = mlflow.pyfunc.load_model("models:/deepfake-detector@champion")
    served = [one["probability"] for one in model.predict(pd.DataFrame({"video": paths}))]
    np.testing.assert_allclose(served, videos["score"], atol=1e-6)
    ended = done.command("scan", *paths, "--json")
    assert ended.returncode == 0, ended.stderr
    scanned = [json.loads(line)["probability"] for line in ended.stdout.splitlines()]
    np.testing.assert_allclose(scanned, videos["score"], atol=1e-6)


def test_a_scan_by_the_address_in_the_registry_names_the_version(done: Project) -> None:
    clip = min((done.folder / "data/videos").glob("*.mp4"))
    said = [
        json.loads(done.command("scan", clip, "--json", *model).stdout)
        for model in ([], ["--model", "models:/deepfake-detector@champion"])
    ]
    assert said[0]["probability"] == said[1]["probability"]
    assert said[0]["model"]["sha256"] == said[1]["model"]["sha256"]
    assert said[0]["model"]["version"] == said[1]["model"]["version"] is not None


def test_the_registry_is_listed_compared_promoted_and_rolled_back(copy: Project) -> None:
    def said(ended: subprocess.CompletedProcess[str]) -> str:
        assert ended.returncode == 0, ended.stderr
        assert max(len(line) for line in ended.stdout.splitlines()) <= 100
        return ended.stdout

    listed = said(copy.run("flows.commands", "registry", "list"))
    assert exported(copy) == "1"
    assert "1 champion" in listed
    assert "2 challenger" in listed
    compared = said(copy.command("registry", "compare", "2", "champion"))
    assert "the gate would keep 2" in compared
    assert "version 2 is the champion" in said(copy.command("registry", "promote", "2"))
    assert registry(copy)["aliases"] == {"champion": "2", "challenger": "1"}
    assert exported(copy) == "2"
    assert copy.run("dvc", "status", "register").stdout.count("changed") == 0
    assert "version 1 is the champion again" in said(copy.command("registry", "rollback"))
    assert registry(copy)["aliases"] == {"champion": "1", "challenger": "2"}
    assert exported(copy) == "1"
    failed = copy.command("registry", "rollback")
    assert failed.returncode == 2
    assert "took over from no other" in failed.stderr


def test_a_version_is_judged_on_other_data_and_not_on_what_it_was_trained_on(
    copy: Project, tmp_path: Path
) -> None:
    split = pd.read_csv(copy.folder / "data/split.csv")
    for label in ("REAL", "FAKE"):
        (tmp_path / "other" / label).mkdir(parents=True)
        for row in split[split["label"] == label].itertuples():
            shutil.copy(
                copy.folder / "data/videos" / row.video, tmp_path / "other" / label / row.video
            )
    ended = copy.command("registry", "evaluate", "champion", f"folder:{tmp_path}/other")
    assert ended.returncode == 0, ended.stderr
    test = split[split["part"] == "test"]
    said = " ".join(ended.stdout.split())
    assert f" {len(test)} {len(split) - len(test)} " in said
    assert "no interval" in said
    out = tmp_path / "submission.csv"
    sent = copy.command("registry", "submission", "champion", tmp_path / "clips", "--out", out)
    assert sent.returncode == 0, sent.stderr
    submission = pd.read_csv(out)
    assert submission.columns.tolist() == ["filename", "label"]
    assert len(submission) == 2 * PAIRS + 2
    assert "2 without a face got 0.5, which says nothing: broken.mp4, noise.mp4" in sent.stdout


def test_registering_again_makes_no_double(copy: Project) -> None:
    before = registry(copy)
    ended = copy.command("run", "register")
    assert ended.returncode == 0, ended.stderr
    after = registry(copy)
    assert after["versions"].keys() == before["versions"].keys()
    assert after["aliases"] == before["aliases"]
    assert after["number_of_runs"] == before["number_of_runs"]


def test_a_detector_without_its_weights_is_not_registered(copy: Project) -> None:
    shutil.rmtree(copy.folder / "mlruns")
    (copy.folder / "models/small/model.onnx").unlink()
    (copy.folder / "models/smaller/model.onnx").unlink()
    ended = copy.command("run", "register")
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


def test_a_second_run_does_only_what_changed_and_says_so_in_prefect(copy: Project) -> None:
    """A candidate is added, and left out: registration alone depends on the names of all."""
    third = {"backbone": "mesonet", "weights": "none", "epochs": 1, "learning_rate": 0.01}
    copy.change_params(lambda params: params["candidates"].update(third=third))
    ended = copy.command("pipeline", "--without", "third")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not (copy.folder / "models/third").exists()
    assert set(read(copy, "metrics/registration.json")["candidates"]) == {"small", "smaller"}
    summary = copy.command("summary")
    assert summary.returncode == 0
    assert "third" not in summary.stdout
    flows = copy.recorded("flow_runs", flow_runs={"name": {"any_": ["pipeline"]}})
    (flow,) = [run["id"] for run in flows if run["parameters"].get("without") == ["third"]]
    deadline = time.monotonic() + 30  # the server records task runs a moment later
    states: dict[str, str] = {}
    expected = {**dict.fromkeys(STAGES, "Cached"), "register": "Completed"}
    while time.monotonic() < deadline and states != expected:
        time.sleep(0.5)
        runs = copy.recorded("task_runs", flow_runs={"id": {"any_": [flow]}})
        states = {run["name"]: run["state"]["name"] for run in runs if run["name"] in STAGES}
    assert states == expected


def test_robustness_is_measured_of_the_candidates_that_ask_for_it(
    done: Project, copy: Project
) -> None:
    table = pd.read_csv(done.folder / "plots/small/robustness.csv")
    assert set(table["perturbation"]) == {"clean", *PERTURBATIONS}
    clean = read(done, "metrics/small/evaluation.json")["video"]
    assert table[["videos", "auc"]].iloc[0].tolist() == pytest.approx([clean["n"], clean["auc"]])
    assert clean["auc_low"] is None
    assert table["difference_low"].isna().all(), "too few groups for any interval"
    mildest = table.query("perturbation == 'h264' and level == 18").iloc[0]
    assert mildest["videos"] == clean["n"], "encoded again, every face is found again"
    assert (done.folder / "plots/small/robustness.png").stat().st_size > 20000
    assert not list((done.folder / ".cache/robustness").glob(".*"))
    assert not (done.folder / "plots/smaller/robustness.csv").exists()
    logged = registry(done)["runs"]["small"]["metrics"]
    record = read(done, "metrics/small/robustness.json")
    assert logged["robustness_jpeg_50"] == pytest.approx(record["jpeg"]["50"]["auc"])

    shutil.rmtree(copy.folder / "models/small")
    ended = copy.command("run", "robustness", "small")
    assert ended.returncode == 2
    assert "dfd: models/small/detector.json: cannot be read" in ended.stderr
    copy.change_params(lambda params: params["robustness"].update(candidates=["vgg"]))
    ended = copy.command("pipeline")
    assert ended.returncode == 2
    assert "dfd: params.yaml: robustness.candidates: no candidate vgg" in ended.stderr
    copy.change_params(lambda params: params["robustness"].update(candidates=[]))
    assert "robustness" not in copy.run("dvc", "stage", "list", "--name-only").stdout


def test_a_split_by_frame_marks_everything_made_from_it(copy: Project) -> None:
    shutil.rmtree(copy.folder / "mlruns")
    copy.change_params(lambda params: params["split"].update(protocol="frame"))
    copy.change_params(lambda params: params["candidates"]["small"].update(epochs=1))
    ended = copy.command("run", "split")
    assert ended.returncode == 0, ended.stderr
    trained = copy.run("flows.train", "small")
    assert trained.returncode == 0, trained.stdout + trained.stderr
    for stage in (["evaluate", "small"], ["register"]):
        ended = copy.command("run", *stage)
        assert ended.returncode == 0, ended.stderr
    for path in (
        "metrics/split.json",
        "metrics/small/train.json",
        "models/small/detector.json",
        "metrics/small/evaluation.json",
    ):
        assert read(copy, path)["leaky"] is True, path
    found = registry(copy)
    assert found["runs"]["small"]["tags"]["leaky"] == "true"
    assert {v["candidate"]: v["leaky"] for v in found["versions"].values()} == {
        "small": "true",
        "smaller": "false",
    }
    challenger = found["versions"][found["aliases"]["challenger"]]
    assert challenger["candidate"] == "smaller"
    (refused,) = [v["ruling"] for v in found["versions"].values() if v["candidate"] == "small"]
    assert "reject: split leaky (wanted by group)" in refused


def test_the_same_inputs_give_the_same_bytes(done: Project, copy: Project) -> None:
    """The stage ``train`` has such a test of its own, in which it is killed as well."""
    made = ("data/faces", "plots/small", "metrics/small")
    for folder in (".cache", *made):
        shutil.rmtree(copy.folder / folder)
    for stage in (["faces"], ["evaluate", "small"]):
        ended = copy.command("run", *stage)
        assert ended.returncode == 0, ended.stderr
    written = [path for folder in made for path in (copy.folder / folder).iterdir()]
    assert len(written) > 20
    for path in written:
        name = path.relative_to(copy.folder)
        assert path.read_bytes() == (done.folder / name).read_bytes(), name


def test_a_clone_that_pulls_has_nothing_to_run(copy: Project) -> None:
    remote = copy.folder.with_name("remote")
    assert copy.run("dvc", "remote", "add", "-d", "local", str(remote)).returncode == 0
    pushed = copy.run("dvc", "push")
    assert pushed.returncode == 0, pushed.stderr
    commit(copy.folder)
    clone = Project(copy.folder.with_name("clone"), copy.api)
    subprocess.run(["git", "clone", "--quiet", copy.folder, clone.folder], check=True)
    pulled = clone.run("dvc", "pull")
    assert pulled.returncode == 0, pulled.stderr
    ended = clone.run("dvc", "repro")
    assert ended.returncode == 0, ended.stderr
    assert "Running stage" not in ended.stdout
    again = clone.command("run", "register")
    assert again.returncode == 0, again.stderr
    found = registry(clone)
    assert {run["curve"] for run in found["runs"].values()} == {1, 2}
    assert len(found["versions"]) == 2
    assert set(found["aliases"]) == {"challenger"}, "nobody promoted one by hand here"


@pytest.mark.slow
def test_a_sweep_is_a_run_for_each_experiment(copy: Project) -> None:
    before = registry(copy)["number_of_runs"]
    copy.change_params(lambda params: params["candidates"]["small"].pop("backbone"))
    clips = str(copy.folder.parent / "clips")  # an experiment runs in a folder of its own
    copy.change_params(lambda params: params["dataset"].update(videos=clips))
    assert copy.run("dvc", "repro", "dataset", "split", "faces").returncode == 0
    commit(copy.folder)
    wanted = ("-S", "train.backbone=mesonet", "-S", "train.self_blended=0,1", "evaluate@small")
    queued = copy.run("dvc", "exp", "run", "--queue", *wanted)
    assert queued.returncode == 0, queued.stderr
    ended = copy.run("dvc", "exp", "run", "--run-all")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = registry(copy)
    assert found["number_of_runs"] == before + 2
    shown = copy.run("dvc", "exp", "show", "--json")
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
    planned: list[str] = []
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and not planned:
            time.sleep(0.5)
            runs = done.recorded(
                "flow_runs", flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}}
            )
            planned = [run["expected_start_time"] for run in runs]
    finally:
        served.send_signal(signal.SIGINT)
        served.wait(30)
    assert planned
    assert all("T03:00:00" in start for start in planned)
