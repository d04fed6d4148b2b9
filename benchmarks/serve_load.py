"""``python -m benchmarks.serve_load DETECTOR [MINUTES]``: hostile and honest clients of a server.

Fifty clients, each from an address of its own, send sound videos to the page, send damaged ones,
break off, trickle, or leave hundreds of requests half open. Five honest clients beside them send
one video after the other, to the page and to the API, and try again when the server asks them to.

Prints what each kind of client got, and fails unless every honest video was judged, no answer was
an error of the server, nothing is left on the disk, the log is short, and the memory of the server
with its workers has not grown by more than 5 %. Memory is measured when the history of results is
full and the same clients have come for a minute, and again after the load, each time after half a
minute of rest. Nothing is timed, so other load on the machine does not matter.

The clients' addresses, 127.0.1.1 to 127.0.3.5, exist on Linux only.
"""

import collections
import contextlib
import itertools
import select
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from benchmarks.servers import LOG, scan_server
from dfd.serve.limits import ServerLimits
from tests.fuzz import mutants
from tests.structures import containers, malformed

OF_EACH_KIND, HONEST, MINUTES, WARM_UP_S, REST_S = 10, 5, 10.0, 60, 30
HALF_OPEN = 120  # connections of a client that leaves requests half open
MOST_GROWTH, MOST_LOG = 0.05, 10**6
TIMEOUT_S = 300
CLIPS = sorted((Path(__file__).parent.parent / "samples/videos").glob("*.mp4"))


@dataclass
class Load:
    """The server under load, and what its clients got: for each kind, a count of outcomes."""

    address: str
    containers: list[Path]  # a sound video in each format
    end: float = 0
    outcomes: dict[str, collections.Counter[str]] = field(
        default_factory=lambda: collections.defaultdict(collections.Counter)
    )

    def connection(self, source: str, sent: bytes) -> socket.socket:
        """Return a connection from an address of this machine that has sent these bytes."""
        host, port = self.address.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), TIMEOUT_S, (source, 0))
        connection.sendall(sent)
        return connection

    def client(self, source: str) -> httpx.Client:
        """Return a client that connects from an address of this machine."""
        transport = httpx.HTTPTransport(local_address=source)
        return httpx.Client(base_url=self.address, transport=transport, timeout=TIMEOUT_S)


def main(detector: str, minutes: str = str(MINUTES)) -> int:
    """Load a server that uses a detector, print the results, and return the exit status."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scan_server(Path(detector), Path(folder)) as (address, server),
    ):
        load = Load(address, containers(CLIPS[0], Path(folder)))
        _fill_history(load)
        _run(load, WARM_UP_S)
        load.outcomes.clear()
        time.sleep(REST_S)
        before = _memory_mb(server.pid)
        _run(load, 60 * float(minutes))
        time.sleep(REST_S)
        after = _memory_mb(server.pid)
        left = len(list(Path(folder).glob("dfd-serve-*/*")))
        log = (Path(folder) / LOG).stat().st_size
    for kind, outcomes in load.outcomes.items():
        print(f"{kind}: {dict(sorted(outcomes.items()))}")
    growth = sum(after) / sum(before) - 1
    print(f"memory of server and workers: {before} MB before, {after} MB after ({growth:+.1%})")
    print(f"uploads left: {left}")
    print(f"log: {log:,} bytes")
    statuses = {outcome for outcomes in load.outcomes.values() for outcome in outcomes}
    sound = {
        "every honest video was judged": set(load.outcomes["honest"]) == {"judged"},
        "no answer was an error of the server": not {"500", "no answer"} & statuses,
        "memory has not grown": growth <= MOST_GROWTH,
        "nothing is left on the disk": left == 0,
        "the log is short": log < MOST_LOG,
    }
    for promise, kept in sound.items():
        print(f"{'yes' if kept else 'NO'}: {promise}")
    return 0 if all(sound.values()) else 1


def _run(load: Load, seconds: float) -> None:
    """Run all clients at once until the time is over."""
    load.end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_repeat, args=(load, "honest", _honest, f"127.0.2.{number}"))
        for number in range(1, HONEST + 1)
    ]
    for number in range(OF_EACH_KIND * len(HOSTILE)):
        kind = list(HOSTILE)[number % len(HOSTILE)]
        source = f"127.0.1.{number + 1}"
        threads.append(threading.Thread(target=_repeat, args=(load, kind, HOSTILE[kind], source)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _repeat(load: Load, kind: str, exchange: Callable[[Load, str, int], str], source: str) -> None:
    for turn in itertools.count():
        if time.monotonic() > load.end:
            return
        try:
            outcome = exchange(load, source, turn)
        except (OSError, httpx.TransportError) as error:
            outcome = "no answer" if kind == "honest" else type(error).__name__
        load.outcomes[kind][outcome] += 1


def _honest(load: Load, source: str, turn: int) -> str:
    """Have a video judged by the page or the API, trying again for as long as the server asks."""
    clip = CLIPS[turn % len(CLIPS)].read_bytes()
    with load.client(source) as client:
        client.get("/")  # begins a session
        target = ("/scans", "/api/scan")[turn % 2]
        kind = {"content-type": "video/mp4", "accept": "application/json"}
        while True:
            answer = client.post(target, content=clip, headers=kind)
            if answer.status_code not in (429, 503):
                break
            time.sleep(float(answer.headers["retry-after"]))
        if answer.status_code == 202:
            return _judged_page(client, f"/scans/{answer.json()['id']}")
        return "judged" if "verdict" in answer.json() else str(answer.status_code)


def _judged_page(client: httpx.Client, address: str) -> str:
    """Wait until a scan of the page has ended, and return how; reads its report."""
    while True:
        answer = client.get(address, headers={"accept": "application/json"})
        if answer.status_code != 200:
            return str(answer.status_code)
        state = answer.json()["state"]
        if state == "done":
            return "judged" if client.get(f"{address}/report").status_code == 200 else "no report"
        if state == "refused":
            return "refused"
        time.sleep(0.5)


def _sound(load: Load, source: str, turn: int) -> str:
    """Send a video to the page without asking for the result."""
    with load.client(source) as client:
        return _sent(client, "/scans", CLIPS[turn % len(CLIPS)].read_bytes())


def _damaged(load: Load, source: str, turn: int) -> str:
    """Send a video with damaged bytes, or with a malformed container."""
    number = int(source.rpartition(".")[2])
    seed = 1000 * turn + number
    if turn % 2:
        (clip,) = mutants(CLIPS, 1, seed)
    else:
        one = load.containers[turn // 2 % len(load.containers)]
        ((_, clip),) = malformed([one], 1, seed)
    with load.client(source) as client:
        return _sent(client, "/api/scan", clip)


def _sent(client: httpx.Client, target: str, clip: bytes) -> str:
    answer = client.post(target, content=clip, headers={"content-type": "video/mp4"})
    if answer.status_code in (429, 503):
        time.sleep(2)  # impatient
    return str(answer.status_code)


def _broken_off(load: Load, source: str, turn: int) -> str:
    """Send half of a file, and close or reset the connection."""
    clip = CLIPS[0].read_bytes()
    with load.connection(source, _head(len(clip)) + clip[: len(clip) // 2]) as connection:
        if turn % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.1)
    return "broken off"


def _trickling(load: Load, source: str, turn: int) -> str:
    """Send a byte each second until the server answers."""
    with load.connection(source, _head(10**6)) as connection:
        answered = select.poll()
        answered.register(connection, select.POLLIN)
        while not answered.poll(1000):
            connection.sendall(b"x")
        answer = connection.recv(65536).decode("latin-1")
    return answer.split()[1] if answer else "closed"


def _half_open(load: Load, source: str, turn: int) -> str:
    """Begin many requests, and wait until the server closes them or half a minute is over."""
    with contextlib.ExitStack() as opened:
        for _ in range(HALF_OPEN):
            opened.enter_context(load.connection(source, b"GET / HTTP/1.1\r\nHost: localhost\r\n"))
        time.sleep(min(30, max(0, load.end - time.monotonic())))
    return f"{HALF_OPEN} connections"


def _head(size: int) -> bytes:
    return f"POST /api/scan HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode()


HOSTILE = {
    "sound": _sound,
    "damaged": _damaged,
    "broken off": _broken_off,
    "trickling": _trickling,
    "half open": _half_open,
}


def _fill_history(load: Load) -> None:
    """Have as many videos judged by the page as the server keeps results."""

    def judge(number: int) -> str:
        return _honest(load, f"127.0.3.{number % HONEST + 1}", 2 * number)

    with ThreadPoolExecutor(HONEST) as threads:
        outcomes = set(threads.map(judge, range(ServerLimits().history)))
    if outcomes != {"judged"}:
        raise RuntimeError(f"before the load, videos were not all judged: {outcomes}")


def _memory_mb(pid: int) -> tuple[int, int]:
    """Return the memory of a process, and of all its children together."""
    server = psutil.Process(pid)
    own, *others = (
        process.memory_full_info().pss for process in (server, *server.children(recursive=True))
    )
    return own // 2**20, sum(others) // 2**20


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
