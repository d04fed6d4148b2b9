import subprocess
import sys
from pathlib import Path

from tests.data import ROOT


def test_flows_use_tasks_use_the_library_and_never_the_other_way() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    assert "4 kept, 0 broken" in checked.stdout
