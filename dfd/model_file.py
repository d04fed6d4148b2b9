"""A Keras model as a file whose bytes follow from the model alone."""

import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def _numbered(config: str) -> str:
    """Return a model's configuration with its shared objects numbered instead of addressed."""
    found = dict.fromkeys(re.findall(r'"shared_object_id": (\d+)', config))
    numbers = {address: number for number, address in enumerate(found, start=1)}
    return re.sub(
        r'(?<="shared_object_id": )\d+', lambda match: str(numbers[match.group()]), config
    )
