"""Runs the stage ``faces`` of the current folder and prints what it took, as one line of JSON.

``wall_s`` is the whole run without the start of the process; ``first_s`` and ``last_s`` are when
the first and the last video were done; ``cpu_s`` is the processor time and ``peak_mb`` the most
resident memory of this process, which leaves out its workers.
"""

import json
import time
from pathlib import Path

from benchmarks.faces import peak_mb
from flows.faces import faces
from flows.paths import FACES_STORE
from flows.stage import run_stage

if __name__ == "__main__":
    begun, cpu = time.time(), time.process_time()
    run_stage(faces)
    took = {
        "wall_s": time.time() - begun,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": peak_mb(),
    }
    stored = [path.stat().st_mtime - begun for path in Path(FACES_STORE).glob("*.zip")]
    own = [moment for moment in stored if moment >= 0]
    print(json.dumps({**took, "first_s": min(own), "last_s": max(own)}))
