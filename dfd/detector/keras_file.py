"""The file ``model.keras`` of a detector, for fine-tuning and heat maps.

Saving the same model twice gives the same bytes. Scores are computed with ``model.onnx``, which
lies in the same directory.
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
from dfd.extras import install_command

if TYPE_CHECKING:
    import keras


def save_model(model: "keras.Model", path: Path) -> None:
    """Write a model without its optimizer, the time of saving and memory addresses.

    Args:
        model: The model; its weights are written as they are.
        path: A new ``.keras`` file.

    Raises:
        OSError: The file cannot be written.
    """
    import keras  # heavy, and not needed to read a card or to score

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
            target.writestr(zipfile.ZipInfo(name), content)  # ZipInfo's default date is fixed
    raw.unlink()


def load_keras_model(directory: Path) -> "keras.Model":
    """Return the Keras model of a detector directory.

    Args:
        directory: The detector directory.

    Returns:
        A model from RGB pixels, uint8 (N, S, S, 3), to the probabilities of REAL and FAKE,
        float32 (N, 2).

    Raises:
        DetectorError: Keras is not installed; or the card or the model is missing or damaged; or
            the model has other weights than the card says.
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
            f"{path}: needs Keras and one of its backends ({error}); {install_command('workflow')}"
        ) from error
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:160]
        raise DetectorError(f"{path}: damaged ({reason}); train the detector again") from error
    if weights_sha256(model) != card.weights_sha256:
        raise DetectorError(f"{path}: not the weights its {CARD} names; train the detector again")
    return model


def weights_sha256(model: "keras.Model") -> str:
    """Return the SHA-256 of the values of a model's weights, in the model's order."""
    digest = hashlib.sha256()
    for values in model.get_weights():
        digest.update(f"{values.dtype} {values.shape};".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _numbered(config: str) -> str:
    """Replace the memory addresses in a model's configuration by numbers from 1."""
    addresses = dict.fromkeys(re.findall(r'"shared_object_id": (\d+)', config))
    numbers = {address: number for number, address in enumerate(addresses, start=1)}
    return re.sub(
        r'(?<="shared_object_id": )\d+', lambda match: str(numbers[match.group()]), config
    )
