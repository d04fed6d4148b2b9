"""Writing the detector directory, whose format is described in ``dfd.detector.card``."""

from pathlib import Path

import keras
import pandas as pd

from dfd.arrays import Images
from dfd.detector.card import CARD, HISTORY, MODEL, NETWORK, DetectorCard
from dfd.detector.keras_file import save_model
from dfd.detector.network import resized
from dfd.errors import DetectorError
from dfd.files import hash_file, replacing_folder
from dfd.train.export.to_onnx import export_onnx


def save_detector(
    directory: Path,
    model: keras.Model,
    card: DetectorCard,
    history: pd.DataFrame,
    crops: Images,
) -> None:
    """Write a detector directory, replacing an existing one only when the new one is complete.

    Args:
        directory: The directory, such as ``models/<candidate>``; missing parents are created.
        model: The trained network.
        card: The card of the detector; the hash of the exported network is added to it.
        history: The training curves, one row per epoch.
        crops: uint8 (N, S, S, 3) RGB of any side, a few dozen, on which the exported network must
            give the same scores as ``model``.

    Raises:
        DetectorError: The network cannot be exported, or the directory cannot be written; an
            existing directory is unchanged.
    """
    try:
        with replacing_folder(directory) as partial:
            save_model(model, partial / MODEL)
            export_onnx(partial / MODEL, partial / NETWORK, resized(crops, card.input_size))
            complete = card.model_copy(update={"onnx_sha256": hash_file(partial / NETWORK)})
            text = complete.model_dump_json(indent=2) + "\n"
            (partial / CARD).write_text(text, encoding="utf-8")
            history.to_csv(partial / HISTORY, index=False, float_format="%.6g", lineterminator="\n")
    except DetectorError as error:
        raise DetectorError(f"{directory}: {error}") from error
    except OSError as error:
        raise DetectorError(
            f"{directory}: cannot be written ({error.strerror or error}); "
            "free space or choose another folder"
        ) from error
