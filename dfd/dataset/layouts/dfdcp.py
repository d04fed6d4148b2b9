"""The preview of the DFDC (DFDCP): its videos, or the frames that DeepfakeBench has made of them.

Dolhansky et al., *The Deepfake Detection Challenge (DFDC) Preview Dataset* (2019),
arXiv:1910.08854.
"""

from pathlib import Path, PurePosixPath
from typing import Any

from dfd.dataset.layouts.lists import read_json
from dfd.dataset.layouts.videos import FRAMES, LabelledVideo, video_id
from dfd.errors import DatasetError

TABLE = "dataset.json"
_LABELS = {"real": "REAL", "fake": "FAKE"}
_PARTS = {"train": "train", "test": "test"}


def recognise(folder: Path) -> bool:
    """Return whether the folder holds ``dataset.json`` and ``original_videos``."""
    return (folder / TABLE).is_file() and (folder / "original_videos").is_dir()


def read(folder: Path) -> list[LabelledVideo]:
    """Read the videos that ``dataset.json`` names.

    It maps ``method_A/123/123_A_001.mp4`` to ``label``, ``set`` and ``target_id``, the actor whose
    video it is. All videos of one target form a group. The actors whose faces were put in
    (``swapped_id``) do not join groups: with 66 actors, all would become one. DeepfakeBench keeps
    the frames of that video in ``method_A/frames/123_A_001``. There is no official validation part.

    Args:
        folder: The folder that holds the table.

    Raises:
        DatasetError: The table is missing or wrong, or names a video that is not in the folder.
    """
    table = read_json(folder / TABLE)
    if not isinstance(table, dict):
        raise DatasetError(f"{folder / TABLE}: must map videos to labels; fetch the file again")
    return [_labelled(folder, name, entry) for name, entry in sorted(table.items())]


def _labelled(folder: Path, name: str, entry: Any) -> LabelledVideo:
    facts = entry if isinstance(entry, dict) else {}
    label, part = _LABELS.get(str(facts.get("label"))), _PARTS.get(str(facts.get("set")))
    if label is None or part is None:
        raise DatasetError(
            f"{folder / TABLE}: {name!r} needs the label real or fake and the set train or test; "
            "fetch the file again"
        )
    named = PurePosixPath(name)
    frames = folder / named.parts[0] / FRAMES.folder / named.stem
    path = folder / name if (folder / name).is_file() else frames
    if ".." in named.parts or not path.exists():
        raise DatasetError(
            f"{folder / TABLE}: {name!r} is not in the folder, nor are its frames; complete the "
            "folder or take it out of the table"
        )
    target = facts.get("target_id")
    return LabelledVideo(
        path=path,
        video=video_id(path, folder),
        label=label,
        method=named.parts[0] if label == "FAKE" else None,
        person=f"actor {target}" if target is not None else None,
        part=part,
    )
