"""A project of its own with a Prefect server, in which the stage ``faces`` is timed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import yaml

from benchmarks.clips import stamp
from benchmarks.servers import prefect_server
from dfd.dataset.table import COLUMNS
from dfd.files import hash_file

ROOT = Path(__file__).resolve().parent.parent


class Workplace:
    """A folder with ``data/videos``, its index and ``params.yaml``."""

    def __init__(self, folder: Path, api: str, server: psutil.Process) -> None:
        self.folder, self._api, self._server = folder, api, server
        shutil.copy(ROOT / "pyproject.toml", folder)

    def set_params(self, **faces: Any) -> None:
        """Write ``params.yaml``: the project's, with these keys of ``faces`` changed."""
        params = yaml.safe_load((ROOT / "params.yaml").read_text())
        params["faces"] |= faces
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params))

    def set_videos(self, clips: Sequence[Path], count: int) -> None:
        """Make the data set ``count`` videos, each with a content of its own."""
        videos = self.folder / "data" / "videos"
        videos.mkdir(parents=True, exist_ok=True)
        names = [f"{number:06d}.mp4" for number in range(count)]
        for number, name in enumerate(names):
            if not (videos / name).exists():
                stamp(clips[number % len(clips)], videos / name, number)
        table = pd.DataFrame({"video": names, "group": names, "label": "REAL", "dataset": "bench"})
        table["sha256"] = [hash_file(videos / name) for name in names]
        index = table.reindex(columns=list(COLUMNS))
        index.to_csv(self.folder / "data" / "videos.csv", index=False)

    def clear(self, *names: str) -> None:
        """Remove folders."""
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def run(self) -> dict[str, float]:
        """Run the stage; return what ``benchmarks.timed_stage`` tells, and ``server_cpu_s``."""
        before = self._server_cpu_s()
        environment = {**os.environ, "PREFECT_API_URL": self._api, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks.timed_stage"],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        result: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
        return {**result, "server_cpu_s": self._server_cpu_s() - before}

    def _server_cpu_s(self) -> float:
        family = [self._server, *self._server.children(recursive=True)]
        return float(sum(sum(one.cpu_times()[:2]) for one in family))


@contextmanager
def workplace(folder: Path) -> Iterator[Workplace]:
    """Yield a workplace in ``folder`` whose Prefect server runs meanwhile."""
    with prefect_server(folder) as (api, server):
        yield Workplace(folder, api, psutil.Process(server.pid))
