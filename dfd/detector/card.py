"""The detector directory ``models/<candidate>/``, which training writes and every consumer loads.

    detector.json     the card: how to crop, how to decide, how the detector was trained
    model.onnx        the network that computes scores
    model.keras       the same network for fine-tuning and heat maps, without the optimizer
    history.csv       one row per epoch
    registered.json   the version in the registry, only in a directory that the registry exported

A card outlives the code that wrote it. The keys that scoring needs are checked, and a key that a
later version of dfd adds to them has a default, so that older cards stay readable. The history
(training parameters and validation figures) is plain data that scoring does not need. ``FORMAT``
rises only when the meaning of a key changes; cards of the formats in ``_UPGRADES`` are upgraded in
memory when they are read.

Scoring needs ONNX Runtime and neither Keras nor TensorFlow. ``dfd.train.export.saving`` writes the
directory, and ``dfd.detector.keras_file`` loads the Keras model. The same weights and card give the
same bytes: the directory holds no date and no name of a machine.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json

from dfd.detector.domain import Domain
from dfd.errors import DetectorError
from dfd.params.faces import CropParams
from dfd.scoring.aggregate import log_odds
from dfd.scoring.decision import Decision

FORMAT = 6
CARD, NETWORK, MODEL, HISTORY = "detector.json", "model.onnx", "model.keras", "history.csv"
REGISTERED = "registered.json"


class DetectorCard(BaseModel):
    """Everything about a detector except its weights.

    Attributes:
        format: Version of the directory's format.
        candidate: Name of the training parameters in the section ``candidates``.
        backbone: Name of the network.
        weights: Weights that the backbone started from: ``imagenet``, ``casia-webface``, ``none``
            or the name of a file.
        input_size: Side of the network's square input in pixels.
        classes: Order of the network's two outputs.
        domain: Summary of the training data. On other kinds of video the detector is guessing.
        crop: How faces must be found and cropped for this detector: as in its training.
        decision: How scores become verdicts; fitted on the validation videos.
        train_sha256: SHA-256 of the training crops and their rows.
        split_sha256: SHA-256 of the split's file.
        leaky: Whether the split let groups cross, so that no figure of the detector can be
            believed.
        parameters: Number of weights.
        weights_sha256: SHA-256 of the values of the weights.
        onnx_sha256: SHA-256 of ``model.onnx``; empty until the directory is written.
        params: Training parameters as they stood in ``params.yaml``. They are history: scoring
            needs no key of this mapping.
        validation: Figures on the validation part by level (``frame``, ``video``), each a mapping
            from the name of a metric to its value. They are history too.
        sha256: Identity of the detector: the SHA-256 of the card's content, which holds the hashes
            of the weights. It is not a key of the file; ``load_card`` fills it in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[6] = 6
    candidate: str
    backbone: str
    weights: str
    input_size: int
    classes: tuple[Literal["REAL"], Literal["FAKE"]] = ("REAL", "FAKE")
    domain: Domain
    crop: CropParams
    decision: Decision
    train_sha256: str
    split_sha256: str
    leaky: bool
    parameters: int
    weights_sha256: str
    onnx_sha256: str = ""
    params: Mapping[str, Any]
    validation: Mapping[str, Mapping[str, Any]]
    sha256: str = Field(default="", exclude=True)


def load_card(directory: Path) -> DetectorCard:
    """Return the card of a detector directory, upgraded to the current format.

    Args:
        directory: The detector directory.

    Raises:
        DetectorError: The card is missing or damaged, or has an unknown format or key.

    Example, where ``detector_dir`` is a detector directory such as ``Path("models/champion")``:
        >>> card = load_card(detector_dir)
        >>> card.backbone, card.classes, card.decision.width
        ('mesonet', ('REAL', 'FAKE'), 0.2)
        >>> load_card(Path("models/none"))
        Traceback (most recent call last):
        dfd.errors.DetectorError: models/none/detector.json: cannot be read (No such file ...
    """
    path = directory / CARD
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DetectorError(
            f"{path}: cannot be read ({error.strerror}); train a detector or name its directory"
        ) from error
    except ValueError as error:
        raise DetectorError(f"{path}: damaged, not JSON ({error}); train it again") from error
    known = isinstance(content, dict) and content.get("format")
    if known in _UPGRADES:
        # `sha256` is the hash of the file as it is, so that a registry recognises the detector.
        upgraded = _UPGRADES[known](content)
    elif known == FORMAT:
        upgraded = content
    else:
        later = type(known) is int and known > FORMAT
        raise DetectorError(
            f"{path}: format {known or None}, but this version of dfd reads "
            f"{', '.join(map(str, [*_UPGRADES, FORMAT]))}; "
            f"{'update dfd' if later else 'train the detector again'}"
        )
    try:
        return DetectorCard.model_validate({**upgraded, "sha256": _identity(content)})
    except (ValidationError, KeyError, TypeError) as error:
        raise DetectorError(f"{path}: {_problem(error)}") from error


def registered_version(directory: Path) -> str | None:
    """Return the version that the registry gave to the detector in a directory.

    Args:
        directory: The detector directory.

    Returns:
        The version, such as ``"3"``; None for a directory that no registry exported.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as exported:
        ...     _ = Path(exported, REGISTERED).write_text('{"version": 3}')
        ...     registered_version(Path(exported))
        '3'
    """
    try:
        note = json.loads((directory / REGISTERED).read_text(encoding="utf-8"))
        return str(note["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _identity(content: Any) -> str:
    return hashlib.sha256(to_json(content)).hexdigest()


def _from_format_4(card: dict[str, Any]) -> dict[str, Any]:
    """Upgrade a card of format 4, which had the validation figures in two separate keys."""
    levels = {"frame": "validation_frames", "video": "validation_videos"}
    kept = {key: value for key, value in card.items() if key not in levels.values()}
    return _from_format_5({**kept, "validation": {k: card[key] for k, key in levels.items()}})


def _from_format_5(card: dict[str, Any]) -> dict[str, Any]:
    """Upgrade a card of format 5, whose probabilities contain the validation part's share of FAKE.

    Its band promises nothing about the verdicts on other videos, so that it gives none.
    """
    calibration, videos = card["decision"]["calibration"], card["validation"]["video"]
    fake_share = (videos["tp"] + videos["fn"]) / videos["n"]
    bias = calibration["bias"] - float(log_odds(fake_share))
    decision = {
        "calibration": {**calibration, "bias": bias},
        "width": None,
        "fake_share": fake_share,
    }
    return {**card, "format": FORMAT, "decision": decision}


_UPGRADES: dict[Any, Callable[[dict[str, Any]], dict[str, Any]]] = {
    4: _from_format_4,
    5: _from_format_5,
}


def _problem(error: ValidationError | KeyError | TypeError) -> str:
    """Return the end of an error line: what is wrong with a card's content, and what to do."""
    if not isinstance(error, ValidationError):
        return f"damaged ({error}); train the detector again"
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{key}: unknown key, of a later version of dfd; update dfd"
    return f"{key}: {first['msg']}; train the detector again"
