"""Writing the detector directory that training leaves; ``dfd.detector`` says what is in it."""

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
    """Write a detector directory, whole or not at all; one that is there is replaced.

    Args:
        directory: ``models/<candidate>``; its parents are made.
        model: The network whose weights the card describes.
        card: Its card; the hash of the exported network is filled in.
        history: One row per epoch.
        crops: uint8 (N, S, S, 3) RGB of any side, a few dozen, on which the exported network must
            score as the model does.

    Raises:
        DetectorError: The network cannot be exported, or the disk cannot take it; what was there
            before is untouched.
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
