"""``python -m benchmarks.serve_load DETECTOR``: a server with fifty clients for two minutes.

Prints the number of answers by status, the number of uploaded files that were not removed, and the
memory of the server with its workers: after a warm-up, and half a minute after the load. Nothing is
timed, so other load on the machine does not matter.
"""

import collections
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.servers import scan_server

CLIENTS, SECONDS, REST_S = 50, 120, 30
WARM_UP = 24
CLIPS = sorted((Path(__file__).parent.parent / "samples/videos").glob("*.mp4"))


def main(detector: str) -> None:
    """Start a server with a detector, send it requests, and print the results."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scan_server(Path(detector), Path(folder)) as (address, server),
    ):
        _load(server.pid, f"{address}/api/scan", Path(folder))


def _load(pid: int, address: str, folder: Path) -> None:
    for _ in range(WARM_UP):
        _send(address, CLIPS[0])
    before = _memory_mb(pid)
    statuses: collections.Counter[str] = collections.Counter()
    end = time.monotonic() + SECONDS

    def client(number: int) -> None:
        while time.monotonic() < end:
            statuses[_send(address, CLIPS[number % len(CLIPS)], number)] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(REST_S)
    after = _memory_mb(pid)
    left = list(folder.glob("dfd-serve-*/*"))
    print(f"answers: {dict(sorted(statuses.items()))}")
    print(f"uploads left: {len(left)}")
    print(f"memory: {before:.0f} MB before, {after:.0f} MB after ({after / before - 1:+.1%})")


def _send(address: str, clip: Path, client: int = 0) -> str:
    try:
        kind = {"content-type": "video/mp4", "x-file-name": clip.name}
        kind["cookie"] = f"dfd_client=client-{client}"
        answer = httpx.post(address, content=clip.read_bytes(), headers=kind, timeout=300)
    except httpx.TransportError as error:
        return type(error).__name__
    if answer.status_code in (429, 503):
        time.sleep(2)
    return str(answer.status_code)


def _memory_mb(pid: int) -> float:
    server = psutil.Process(pid)
    processes = [server, *server.children(recursive=True)]
    return float(sum(process.memory_full_info().pss for process in processes)) / 2**20


if __name__ == "__main__":
    main(*sys.argv[1:])
