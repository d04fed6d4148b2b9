"""The example of ``docs/tools.md`` that loads a registered version, saved as a script."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data import ROOT, SAMPLE
from tests.pipeline import finished_pipeline

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample is not here")
PAGE = ROOT / "docs" / "tools.md"


def test_the_script_runs_once_and_says_what_a_scan_says(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, prefect_server: str
) -> None:
    project = finished_pipeline(tmp_path_factory, prefect_server).copy(tmp_path)
    shutil.copy(min(SAMPLE.glob("*.mp4")), project.folder / "clip.mp4")
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    script = project.folder / "judge.py"
    script.write_text(f"print('begun', flush=True)\n{example}")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, script.name],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    begun, *said = ended.stdout.splitlines()
    assert begun == "begun"
    (record,) = (
        json.loads(line)
        for line in project.command("scan", "clip.mp4", "--json").stdout.splitlines()
    )
    assert record["coverage"]["judged"] > 0
    assert said == [f"{record['verdict']} {record['probability']}"], "by one process, once"
