"""``dfd scan`` as a user runs it."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from dfd.files import hash_file
from dfd.scoring.decision import Calibration, Decision, with_prior
from tests.clip_fixtures import face_params
from tests.commands import PROGRAM, dfd, program
from tests.data import GRID, ROOT, SAMPLE, huge_video, write_video
from tests.detectors import copy_untrained, write_detector
from tests.fuzz import mutants
from tests.structures import containers, malformed

CLIPS = sorted(SAMPLE.glob("*.mp4"))
DECISION = Decision(Calibration(), width=0.0)
QUICK = face_params(margin=0.1, crop_size=128, frames_per_video=4)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with detectors: one that calls everything FAKE, one REAL, and a champion."""
    folder = tmp_path_factory.mktemp("project") / "models"
    card = {"candidate": "untrained", "crop": QUICK, "decision": DECISION}
    champion = write_detector(folder / "champion", **card)
    for name, bias in (("fake", 8.0), ("real", -8.0)):
        shutil.copytree(champion, folder / name)
        card = json.loads((champion / "detector.json").read_text())
        card["decision"]["calibration"]["bias"] = bias
        (folder / name / "detector.json").write_text(json.dumps(card))
    return folder


@pytest.fixture(scope="module")
def scan(models: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs the command beside ``models`` and returns what came of it."""
    return partial(dfd, models.parent, "scan")


def records(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_files_folders_and_patterns_are_a_record_each_in_order(scan, tmp_path: Path) -> None:
    for name in ("b/2.mp4", "b/1.mp4", "c/3.mov", "b/.hidden.mp4", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(CLIPS[0], tmp_path / name)
    (tmp_path / "b" / "text.mp4").write_text("no video")
    shutil.copy(CLIPS[1], tmp_path / "no suffix")
    named = (tmp_path / "no suffix", tmp_path / "b", f"{tmp_path}/*/3.*", tmp_path / "b" / "1.mp4")
    ended = scan(*named, "--json")
    assert ended.returncode == 0, ended.stderr
    found = records(ended)
    names = ["no suffix", "b/1.mp4", "b/2.mp4", "b/text.mp4", "c/3.mov"]
    assert [record["file"]["path"] for record in found] == [f"{tmp_path}/{name}" for name in names]
    assert [record["file"]["name"] for record in found] == [Path(name).name for name in names]
    assert [record["verdict"] == "INCONCLUSIVE" for record in found] == [
        name == "b/text.mp4" for name in names
    ]
    assert found[3]["reasons"][0]["code"] == "unreadable"
    assert found[0]["model"]["name"] == "models/champion"
    assert len({record["probability"] for record in found if "1" in record["file"]["name"]}) == 1


def test_the_exit_code_tells_of_a_fake_only_when_asked(scan) -> None:
    clip = CLIPS[0]
    assert scan(clip, "--model", "models/fake").returncode == 0
    assert scan(clip, "--model", "models/fake", "--fail-on-fake").returncode == 3
    assert scan(clip, "--model", "models/real", "--fail-on-fake").returncode == 0


def test_a_prior_lowers_the_probability_and_is_stated_everywhere(scan, tmp_path: Path) -> None:
    plain, rare = (records(scan(CLIPS[0], "--json", *more))[0] for more in ((), ("--prior", 0.05)))
    assert (plain["prior"], rare["prior"]) == (0.5, 0.05)
    assert rare["probability"] == pytest.approx(with_prior(plain["probability"], 0.05))
    assert rare["tracks"] == plain["tracks"]
    said = scan(CLIPS[0], "--prior", "0.05", "--report", tmp_path, "--csv", tmp_path / "out.csv")
    words = "if 5 in 100 videos were fake"
    assert words in " ".join(said.stdout.split())
    (report,) = tmp_path.glob("*.html")
    assert words in report.read_text()
    (row,) = csv.DictReader((tmp_path / "out.csv").open())
    assert float(row["prior"]) == 0.05
    assert "if one video in two were fake" in " ".join(scan(CLIPS[0]).stdout.split())


@pytest.mark.parametrize("prior", ["0", "1", "-0.1", "5", "nan"])
def test_a_share_of_fakes_that_is_none_is_one_line(scan, prior: str) -> None:
    ended = scan(CLIPS[0], f"--prior={prior}")
    assert ended.returncode == 2
    assert ended.stderr == (
        f"dfd: --prior {float(prior):g}: the share of fakes lies between 0 and 1; example: 0.05\n"
    )


def test_the_table_says_everything_in_words_and_in_100_columns(scan, tmp_path: Path) -> None:
    odd = tmp_path / ("x\n\x1b[31m\u202e" + "long " * 40 + ".mp4")
    shutil.copy(CLIPS[0], odd)
    write_video(tmp_path / "[red]noise.mp4", 8, size=(160, 120))
    ended = scan(tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert all(len(line) <= 100 for line in ended.stdout.splitlines())
    assert "INCONCLUSIVE" in ended.stdout
    assert "no face scores 0.8 or more" in " ".join(ended.stdout.split())
    assert "[red]noise.mp4" in ended.stdout
    assert not {"\x1b", "\u202e"} & set(ended.stdout)
    assert "untrained" in ended.stdout


def test_csv_has_a_row_a_file_and_no_formula(scan, models: Path, tmp_path: Path) -> None:
    formulas = ['=cmd("x").mp4', "+1.mp4", "-1.mp4", "@SUM(1).mp4"]
    formulas += ["\t=1.mp4", "\n=1.mp4", "＝1.mp4"]
    names = [*formulas, 'a,"b"\n.mp4', "a;=1;.mp4", "a\t=1.mp4"]
    for name in names:
        (models.parent / name).write_text("no video")
    shutil.copy(CLIPS[0], models.parent / names[0])
    # What follows -- is no option, as a name may begin like one.
    ended = scan("--csv", "-", "--", *names)
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    assert [row["file"] for row in rows] == [f"./{name}" for name in formulas] + names[7:]
    assert float(rows[0]["low"]) < float(rows[0]["probability"]) < float(rows[0]["high"])
    assert rows[0]["sha256"] == hash_file(CLIPS[0])
    # However a spreadsheet splits it: a text of a file's name is inside of quotation marks.
    assert not re.search(r"(^|[;\t\n,])[=+@-]", re.sub(r'"([^"]|"")*"', "", ended.stdout))
    ended = scan(names[0], "--csv", tmp_path / "new" / "out.csv")
    assert "P(FAKE)" in ended.stdout
    assert len((tmp_path / "new" / "out.csv").read_text().splitlines()) == 2


def test_reports_and_tables_honour_the_umask(scan, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        ended = scan(CLIPS[0], "--csv", tmp_path / "t" / "out.csv", "--report", tmp_path / "r")
    finally:
        os.umask(before)
    assert ended.returncode == 0, ended.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {".csv", ".html"} <= {path.suffix for path in written}
    assert {path.stat().st_mode & 0o077 for path in written} == {0}


def damaged(folder: Path) -> str:
    (folder / "model.keras").write_bytes(b"x" * 1000)
    for other in folder.glob("model.onnx*"):
        other.write_bytes(b"x" * 1000)
    return str(folder)


@pytest.mark.parametrize(
    ("paths", "options", "line"),
    [
        (["gone.mp4"], [], "gone.mp4: is neither a file nor a folder; check the name"),
        (["*.nothing"], [], "*.nothing: is neither a file nor a folder"),
        (["x" * 4000], [], "cannot be looked at (File name too long); check the name"),
        (["models"], [], "models: no video in it; name files, or other folders"),
        ([CLIPS[0]], ["--model", "models/none"], "models/none: there is no detector; run `dvc"),
        ([CLIPS[0]], ["--model", "models"], "models/detector.json: cannot be read"),
        ([CLIPS[0]], ["--csv", "models"], "models: cannot be written (is a folder)"),
        ([CLIPS[0]], ["--json", "--csv", "-"], "standard output is taken by --json"),
    ],
)
def test_what_cannot_be_done_is_one_line(scan, paths, options, line: str) -> None:
    ended = scan(*paths, *options)
    assert ended.returncode == 2
    assert ended.stderr.startswith("dfd: ")
    assert line in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert len(ended.stderr) < 400


def test_where_there_is_no_registry_none_is_made(scan, models: Path) -> None:
    ended = scan(CLIPS[0], "--model", "models:/none@champion")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("dfd: mlruns/mlflow.db: there is no registry in this folder")
    assert not (models.parent / "mlruns").exists()


def test_reports_that_cannot_be_written_are_refused_before_anything_is_scanned(
    scan, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ended = scan(CLIPS[0], "--report", tmp_path / "file" / "reports")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "cannot be written" in ended.stderr
    assert ended.stdout == ""


def test_a_damaged_detector_is_one_line(scan, models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "champion", tmp_path / "broken")
    ended = scan(*CLIPS[:3], "--model", damaged(tmp_path / "broken"))
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"dfd: {tmp_path}/broken/model.")
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stdout == ""


def test_a_file_that_takes_too_much_is_given_up_and_the_rest_is_judged(
    scan, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "gone.mp4").symlink_to("nowhere")
    shutil.copy(CLIPS[0], tmp_path / "sound.mp4")
    huge = Path(shutil.copy(huge_video(tmp_path_factory), tmp_path))
    found = {
        record["file"]["name"]: record
        for record in records(scan(tmp_path, "--json", "--memory-limit", "512"))
    }
    judged = {name for name, record in found.items() if record["probability"] is not None}
    assert judged == {"sound.mp4"}
    assert found.keys() == judged | {"pipe.mp4", "gone.mp4", "huge.mkv"}
    (limited,) = records(scan(huge, "--json", "--time-limit", "1"))
    for record, reason in ((found["huge.mkv"], "memory_limit"), (limited, "time_limit")):
        assert record["verdict"] == "INCONCLUSIVE"
        assert record["reasons"][0]["code"] == reason
        assert record["file"]["sha256"] == hash_file(huge)


def test_ctrl_c_ends_in_one_line_and_leaves_no_process(models: Path, tmp_path: Path) -> None:
    for number in range(40):
        shutil.copy(CLIPS[number % 20], tmp_path / f"{number}.mp4")
    with subprocess.Popen(
        [*PROGRAM, "scan", str(tmp_path), "--json"],
        cwd=models.parent,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # a first verdict is there
        workers = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines() == ["dfd: interrupted"]
    assert all(json.loads(line) for line in rest.splitlines())
    for _ in range(50):
        left = [one for one in workers if one.is_running() and one.status() != "zombie"]
        if not left:
            break
        time.sleep(0.1)
    assert not left


def scan_all(scan, folder: Path) -> None:
    """Scan a folder: a record for each file, with a verdict or a reason why there is none."""
    ended = scan(folder, "--json", "--time-limit", "30", "--fail-on-fake")
    found = records(ended)
    assert len(found) == len(list(folder.iterdir())), ended.stderr
    fakes = [record for record in found if record["verdict"] == "FAKE"]
    assert ended.returncode == (3 if fakes else 0), ended.stderr
    assert all((record["probability"] is None) == (not record["tracks"]) for record in found)
    assert all(record["reasons"] for record in found if record["verdict"] == "INCONCLUSIVE")
    reasons = [reason["code"] for record in found for reason in record["reasons"]]
    assert "crash" not in reasons
    assert reasons.count("time_limit") < 0.01 * len(found)


@pytest.mark.parametrize(
    ("count", "seed"), [(60, 6), pytest.param(500, None, marks=pytest.mark.slow)]
)
def test_damaged_videos_are_all_judged_or_say_why(
    scan, tmp_path: Path, count: int, seed: int | None
) -> None:
    clips = [*CLIPS, *sorted(GRID.glob("*.mp4"))]
    for number, clip in enumerate(mutants(clips, count, seed)):
        (tmp_path / f"{number:03d}.mp4").write_bytes(clip)
    scan_all(scan, tmp_path)


@pytest.mark.parametrize(
    ("count", "seed"), [(100, 7), pytest.param(2000, None, marks=pytest.mark.slow)]
)
def test_malformed_containers_are_all_judged_or_say_why(
    scan, tmp_path: Path, count: int, seed: int | None
) -> None:
    (tmp_path / "in").mkdir()
    clips = containers(CLIPS[0], tmp_path)
    for number, (suffix, clip) in enumerate(malformed(clips, count, seed)):
        (tmp_path / "in" / f"{number:04d}{suffix}").write_bytes(clip)
    scan_all(scan, tmp_path / "in")


def test_a_plain_scan_imports_nothing_heavy(models: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from dfd.scan import worker\n"
        "from flows import progress\n"
        "from flows.commands import __main__, scan, scan_output, scanning, videos\n"
        "from flows.commands.scanning import find_detector\n"
        f"worker.scan_file(Path({str(CLIPS[0])!r}), find_detector('models/champion'), 1, False)\n"
        "heavy = 'mlflow prefect dvc tensorflow keras pandas sklearn scipy matplotlib'.split()\n"
        "assert not set(heavy) & set(sys.modules), sorted(set(heavy) & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", script]
    subprocess.run(command, cwd=models.parent, env=ENVIRONMENT, check=True)


def test_each_file_has_a_report_and_an_index_links_them(
    models: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    explained = copy_untrained(tmp_path_factory, tmp_path / "explained", crop=QUICK)
    (tmp_path / "text.mp4").write_text("no video")
    options = ("--model", explained, "--report", tmp_path / "reports")
    ended = program(models.parent, "scan", CLIPS[0], tmp_path / "text.mp4", *options)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == f"report: {tmp_path}/reports/index.html\n"
    index = (tmp_path / "reports" / "index.html").read_text()
    pages = sorted((tmp_path / "reports").glob("*-*.html"))
    assert len(pages) == 2
    assert all(f'href="{page.name}"' in index for page in pages)
    assert "Grad-CAM" in next(page for page in pages if CLIPS[0].stem in page.name).read_text()


@pytest.mark.parametrize("wanted", ["--json", "--csv=-"])
@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("/dev/full", "cannot be written (No space left on device); name a file with room"),
        ("&-", "is closed; name a file with --csv, or open it"),
        ("| true", "cannot be written (Broken pipe); name a file with room"),
    ],
)
def test_an_output_that_takes_nothing_is_one_line(
    models: Path, tmp_path: Path, wanted: str, output: str, problem: str
) -> None:
    clip, said = write_video(tmp_path / "noise.mp4"), tmp_path / "said"
    command = " ".join([*PROGRAM, "scan", str(clip), wanted, f"2>{said}"])
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} {'' if '|' in output else '>'}{output}"],
        cwd=models.parent,
        env=ENVIRONMENT,
        check=False,
    )
    assert ended.returncode == 2
    assert said.read_text() == f"dfd: standard output: {problem}\n"
