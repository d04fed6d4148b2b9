"""ONNX Runtime is opened in one way, which is silent and says what is wrong in one line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dfd.detector.network import fake_scores
from dfd.errors import OnnxError
from dfd.onnx import open_session
from tests.data import ROOT
from tests.detectors import write_detector

# The package of the other face detector imports ONNX Runtime itself, before it looks for weights.
OTHER_PACKAGE = """
from dfd.errors import WeightsError
from dfd.faces.detectors import load_face_detector
from tests.clip_fixtures import face_params
os.environ["DEEPFACE_HOME"] = os.devnull  # where no weights can be kept
try:
    load_face_detector(face_params(detector="retinaface-resnet50"))
except WeightsError as error:
    assert "cannot be downloaded" in str(error)
"""
# Opens a network again and again, with a little more memory to spare each time.
LITTLE_MEMORY = r"""
import re, resource, sys
from pathlib import Path
from dfd.onnx import open_session
network = Path(sys.argv[1])
open_session(network, threads=1)
used = int(re.search("VmData:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1])
outcomes = set()
for spare in range(0, 65536, 1024):
    resource.setrlimit(resource.RLIMIT_DATA, ((used + spare) * 1024, -1))
    try:
        open_session(network, threads=1)
    except Exception as error:
        outcomes.add(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))
print(*outcomes)
"""
FRESH = """
import importlib, os, sys
names = ["dfd.onnx", "dfd.detector.network", "dfd.faces.detectors.retinaface_mobilenet",
         "dfd.faces.detectors.retinaface_resnet50", "dfd.scan.scanning"]
for name in names:
    importlib.import_module(name)
assert "ORT_DISABLE_TELEMETRY" not in os.environ, "set as the library is imported"
assert "onnxruntime" not in sys.modules, "imported before the variable is set"
{opens}
assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
assert "onnxruntime" in sys.modules
"""


@pytest.mark.parametrize(
    "opens",
    [
        "from dfd.onnx import import_onnxruntime; import_onnxruntime()",
        OTHER_PACKAGE,
    ],
)
def test_the_library_turns_telemetry_off_at_the_first_use(opens: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    ended = subprocess.run(
        [sys.executable, "-c", FRESH.format(opens=opens)],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_a_network_opens_from_its_file_and_from_its_content(tmp_path: Path) -> None:
    path = write_detector(tmp_path / "detector") / "model.onnx"
    images = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), dtype=np.uint8)
    from_file, from_content = open_session(path), open_session(path.read_bytes(), threads=1)
    np.testing.assert_array_equal(fake_scores(from_file, images), fake_scores(from_content, images))


def test_what_is_no_network_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("an error page\nof two lines")
    for network in (tmp_path / "model.onnx", tmp_path / "absent.onnx", b"an error page"):
        with pytest.raises(OnnxError) as caught:
            open_session(network)
        assert "\n" not in str(caught.value)


def write_large(path: Path) -> Path:
    """Write a network of one layer with 16 MB of weights."""
    weights = numpy_helper.from_array(np.ones((2048, 2048), np.float32), "weights")
    rows = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 2048]) for n in ("in", "out")]
    node = helper.make_node("MatMul", ["in", "weights"], ["out"])
    graph = helper.make_graph([node], "large", rows[:1], rows[1:], [weights])
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_network_for_which_there_is_no_memory_is_not_called_damaged(
    tmp_path: Path,
) -> None:
    """A video that fills a worker while the detector loads must not end the scan of a folder."""
    network = write_large(tmp_path / "large.onnx")
    ended = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, str(network)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "MemoryError\n"
