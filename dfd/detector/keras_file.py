"""A detector's Keras model as a file, for fine-tuning and heat maps.

Its bytes follow from the model alone. Scores come from the ONNX file beside it.
"""

import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dfd.detector.card import CARD, MODEL, load_card
from dfd.errors import DetectorError

if TYPE_CHECKING:
    import keras


def save_model(model: "keras.Model", path: Path) -> None:
    """Write a model without its optimizer, its time of saving and its addresses in memory.

    Args:
        model: The model; its weights are written as they are.
        path: A new ``.keras`` file.

    Raises:
        OSError: The disk cannot take it.
    """
    import keras  # here, because whoever reads a detector's card needs none

    raw = path.with_name("raw.keras")
    keras.Model(model.inputs, model.outputs, name=model.name).save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                metadata: dict[str, Any] = json.loads(content)
                metadata.pop("date_saved")
                content = json.dumps(metadata, sort_keys=True).encode()
            elif name == "config.json":
                content = _numbered(content.decode()).encode()
            target.writestr(zipfile.ZipInfo(name), content)  # its default date is fixed
    raw.unlink()


def load_keras_model(directory: Path) -> "keras.Model":
    """Return the Keras model of a detector directory: uint8 RGB to P of (REAL, FAKE).

    Raises:
        DetectorError: Keras is not installed, or the card or the model is missing or damaged, or
            they do not belong together.
    """
    card = load_card(directory)
    path = directory / MODEL
    if not zipfile.is_zipfile(path):
        state = "damaged" if path.exists() else "missing"
        raise DetectorError(f"{path}: {state}; run `dvc checkout`, or train the detector again")
    try:
        import keras

        model = keras.saving.load_model(path, compile=False)
    except ImportError as error:
        raise DetectorError(
            f"{path}: needs Keras and one of its backends ({error}); pip install keras tensorflow"
        ) from error
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:160]
        raise DetectorError(f"{path}: damaged ({reason}); train the detector again") from error
    if weights_sha256(model) != card.weights_sha256:
        raise DetectorError(f"{path}: not the weights its {CARD} names; train the detector again")
    return model


def weights_sha256(model: "keras.Model") -> str:
    """Return a hash over the values of a model's weights, in their order."""
    digest = hashlib.sha256()
    for values in model.get_weights():
        digest.update(f"{values.dtype} {values.shape};".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _numbered(config: str) -> str:
    """Return a model's configuration with its shared objects numbered instead of addressed."""
    found = dict.fromkeys(re.findall(r'"shared_object_id": (\d+)', config))
    numbers = {address: number for number, address in enumerate(found, start=1)}
    return re.sub(
        r'(?<="shared_object_id": )\d+', lambda match: str(numbers[match.group()]), config
    )
