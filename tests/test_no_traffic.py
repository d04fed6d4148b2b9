"""No command sends anything about a video, or anything at all, beyond this machine.

Real processes run under strace, in an environment in which nothing turns telemetry off: the
packages used here are silent under CI, within pytest or with DO_NOT_TRACK, and talk at a user's.
"""

import json
import signal
import struct
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.servers import scan_server_command
from tests.data import ROOT, SAMPLE
from tests.detectors import write_detector
from tests.pipeline import Pipeline, finished_pipeline
from tests.traffic import Contact, Newcomer, can_trace, contacts

traced = pytest.mark.skipif(
    not SAMPLE.is_dir() or not can_trace(),
    reason="the sample or strace is not here, or not allowed",
)

SENDS = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.connect(("192.0.2.1", 9))  # of a datagram socket: no packet is sent
    sender.sendto(b"x", ("127.0.0.1", 9))
"""
PREDICT = """
import sys, mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/deepfake-detector@champion")
print(model.predict(pd.DataFrame({"video": [sys.argv[1]]}))[0]["frames"] != [])
print(mlflow.telemetry.utils.is_telemetry_disabled())
"""
# The C2PA manifest of a video with this box lies elsewhere, as its metadata (XMP) say.
MANIFEST_ELSEWHERE = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
xmlns:dcterms="http://purl.org/dc/terms/"
dcterms:provenance="http://media.example.org/manifest.c2pa"/></rdf:RDF></x:xmpmeta>"""
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
PLAYLIST = """#EXTM3U
#EXT-X-TARGETDURATION:10
#EXTINF:10,
http://media.example.org/first.ts
#EXT-X-ENDLIST
"""


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path / "newcomer")


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    return write_detector(tmp_path / "detector")


@pytest.fixture
def pipeline(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Pipeline:
    return finished_pipeline(tmp_path_factory, prefect_server)


def test_addresses_are_read_from_a_trace() -> None:
    log = """\
7 connect(3, {sa_family=AF_UNIX, sun_path="/run/nscd/socket"}, 110) = -1 ENOENT (No such file)
7 connect(4, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0
8 connect(5, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), \
inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28 <unfinished ...>
8 <... connect resumed>) = 0
8 sendto(6, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, \
16) = 1
8 sendto(6, "x", 1, MSG_NOSIGNAL, NULL, 0) = 1
9 connect(5, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), \
inet_pton(AF_INET6, "::ffff:127.0.0.1", &sin6_addr), sin6_scope_id=0}, 28) = 0
"""
    name_server = Contact("connect", "127.0.0.53", 53)
    host = Contact("connect", "2001:db8::1", 443)
    local = Contact("sendto", "127.0.0.1", 80)
    mapped = Contact("connect", "::ffff:127.0.0.1", 80)
    assert contacts(log) == [name_server, host, local, mapped]
    leaving = [contact.leaves_the_machine for contact in contacts(log)]
    assert leaving == [True, True, False, False]


@traced
def test_a_process_that_leaves_the_machine_is_seen(newcomer: Newcomer, tmp_path: Path) -> None:
    newcomer.run(tmp_path, "-c", SENDS)
    assert newcomer.sent() == {Contact("connect", "192.0.2.1", 9)}
    assert newcomer.identities() == set()


@traced
def test_a_scan_sends_nothing_whatever_the_file_asks_for(
    newcomer: Newcomer, detector: Path, tmp_path: Path
) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    box = struct.pack(">I", 8 + len(XMP) + len(MANIFEST_ELSEWHERE)) + b"uuid" + XMP
    clip = min(SAMPLE.glob("*.mp4")).read_bytes()
    (videos / "elsewhere.mp4").write_bytes(clip + box + MANIFEST_ELSEWHERE)
    (videos / "playlist.mp4").write_text(PLAYLIST)
    options = ("--model", str(detector), "--report", str(tmp_path / "reports"), "--json")
    command = ("-m", "flows.commands", "scan", str(videos), *options)
    output = newcomer.run(tmp_path, *command, PYTHONPATH=str(ROOT))
    elsewhere, playlist = map(json.loads, output.splitlines())
    assert elsewhere["frames"]
    assert playlist["reasons"][0]["code"] == "unreadable"
    assert list((tmp_path / "reports").glob("elsewhere*.html"))
    assert newcomer.sent() == set()
    assert newcomer.identities() == set()


@traced
def test_a_server_sends_nothing_of_an_upload(
    newcomer: Newcomer, detector: Path, tmp_path: Path
) -> None:
    command = ("-m", *scan_server_command(detector))
    with newcomer.start(tmp_path, *command, PYTHONPATH=str(ROOT)) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            clip = min(SAMPLE.glob("*.mp4")).read_bytes()
            answer = httpx.post(
                f"{url}/api/scan",
                content=clip,
                headers={"content-type": "application/octet-stream"},
                timeout=120,
            )
        finally:
            for server in psutil.Process(process.pid).children():
                server.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert answer.status_code == 200, answer.text
    assert newcomer.sent() == set()
    assert newcomer.identities() == set()


@traced
def test_no_stage_sends_anything(pipeline: Pipeline) -> None:
    assert (pipeline.project.folder / "metrics/registration.json").is_file()
    assert (pipeline.project.folder / "metrics/small/robustness.json").is_file()
    assert pipeline.newcomer is not None
    assert pipeline.newcomer.sent() == set()
    assert pipeline.newcomer.identities() == set()


@traced
def test_a_prediction_of_the_registered_model_sends_nothing(
    pipeline: Pipeline, newcomer: Newcomer
) -> None:
    folder = pipeline.project.folder
    store = f"sqlite:///{folder}/mlruns/mlflow.db"
    clip = str(min(SAMPLE.glob("*.mp4")))
    environment = {"MLFLOW_TRACKING_URI": store, "DFD_VIDEOS": str(SAMPLE)}
    output = newcomer.run(folder, "-c", PREDICT, clip, **environment)
    assert output.splitlines()[-2] == "True", "no face was judged"
    assert output.splitlines()[-1] == "True"
    assert newcomer.sent() == set()
    # MLflow writes an id as it is imported, which the program does before it loads the model.
    assert newcomer.identities() <= {".config/mlflow/telemetry.json"}
