"""Runs the stage ``faces`` of the current folder and prints what it took, as one line of JSON.

``wall_s`` is the whole run without the start of the process, ``first_s`` the part of it before the
first video is done, ``peak_mb`` the most resident memory of this process (not of its workers).
"""

import json
import time
from pathlib import Path

from benchmarks.faces import peak_mb
from flows.faces import main
from flows.paths import FACES_STORE
from flows.stage import run_stage


def first_result(begun: float) -> float:
    """Return when the first result of this run was kept."""
    stored = (path.stat().st_mtime for path in Path(FACES_STORE).glob("*.zip"))
    return min((moment for moment in stored if moment >= begun), default=begun)


if __name__ == "__main__":
    begun = time.time()
    run_stage(main)
    wall = time.time() - begun
    peak = peak_mb()
    print(json.dumps({"wall_s": wall, "first_s": first_result(begun) - begun, "peak_mb": peak}))
