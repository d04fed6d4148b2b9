"""FaceForensics++ and Google's DeepFakeDetection, which share a folder, at one compression.

Rössler et al., *FaceForensics++: Learning to Detect Manipulated Facial Images* (2019),
arXiv:1901.08971. The names of folders and files are described in ``dataset/README.md`` of
https://github.com/ondyari/FaceForensics.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dfd.dataset.layouts.lists import official_lists, parts_by_name, read_json
from dfd.dataset.layouts.videos import (
    FRAMES,
    VIDEOS,
    Form,
    LabelledVideo,
    video_id,
    videos_below,
)
from dfd.errors import DatasetError

COMPRESSIONS = ("raw", "c0", "c23", "c40")
_LISTS = {"train.json": "train", "val.json": "validation", "test.json": "test"}
_SWAP = re.compile(r"(\d{3})_(\d{3})")
_ACTOR = re.compile(r"(\d{2})__(\w+)")
_ACTOR_SWAP = re.compile(r"(\d{2})_\d{2}__(\w+)__[A-Z0-9]+")


def recognise(folder: Path, compression: str) -> bool:
    """Return whether the folder holds forgeries at this compression."""
    return any(_holds(folder, compression, form) for form in (VIDEOS, FRAMES))


def read(folder: Path, compression: str) -> list[LabelledVideo]:
    """Read ``original_sequences`` and ``manipulated_sequences`` at one compression.

    Where there are no ``videos``, the ``frames`` that DeepfakeBench has made of them are read.

    ``AAA_BBB.mp4`` is the ``youtube`` video ``AAA`` with the face of ``BBB`` (with Face2Face and
    NeuralTextures: the expressions of ``BBB``). A group is such a pair of videos and all forgeries
    made from them. The authors' ``train.json``, ``val.json`` and ``test.json``, in ``splits/`` or
    beside the two folders, give the parts; without them no video has a part.

    In DeepFakeDetection, ``28_04__scene__ID.mp4`` is the ``actors`` video ``28__scene.mp4`` with
    the face of actor 04. All videos of one target actor become one group. Donors do not join
    groups, since all 28 actors would become a single group. The authors' lists do not name these
    videos, so they have no part.

    Args:
        folder: The folder that holds the two folders.
        compression: One of ``COMPRESSIONS``.

    Raises:
        DatasetError: There is no forgery at this compression, a file name is of another form, or
            the lists are incomplete, wrong, or name absent videos.
    """
    present = [name for name in COMPRESSIONS if recognise(folder, name)]
    if present and compression not in present:
        raise DatasetError(
            f"{folder}: no forgery at compression {compression} (there are {', '.join(present)}); "
            f"set dataset.layout: faceforensics-{present[0]} in params.yaml"
        )
    form = VIDEOS if _holds(folder, compression, VIDEOS) else FRAMES
    originals = target_videos(folder, compression, form)
    parts = _official_parts(folder, {path.stem for path in originals})
    return [
        *(
            LabelledVideo(path, video_id(path, folder), "REAL", part=parts.get(path.stem))
            for path in originals
        ),
        *_actors(folder, compression, form),
        *(
            _forgery(path, folder, method.name, compression, form, parts)
            for method in sorted(folder.glob("manipulated_sequences/*"))
            for path in videos_below(method / compression / form.folder)
        ),
    ]


def target_videos(folder: Path, compression: str, form: Form = VIDEOS) -> list[Path]:
    """Return the pristine YouTube videos that are in the folder, of 1,000, sorted."""
    return videos_below(folder / _originals("youtube", compression, form))


def target_id(name: str, compression: str, form: Form = VIDEOS) -> str:
    """Return the id of a YouTube video from its three digits."""
    return f"{_originals('youtube', compression, form)}/{name}{form.suffix}"


def _holds(folder: Path, compression: str, form: Form) -> bool:
    forgeries = folder.glob(f"manipulated_sequences/*/{compression}/{form.folder}")
    return next(forgeries, None) is not None


def _originals(kind: str, compression: str, form: Form) -> str:
    return f"original_sequences/{kind}/{compression}/{form.folder}"


def _actors(folder: Path, compression: str, form: Form) -> Iterator[LabelledVideo]:
    for path in videos_below(folder / _originals("actors", compression, form)):
        name = _ACTOR.fullmatch(path.stem)
        if not name:
            raise DatasetError(f"{path}: is not named 28__scene.mp4; rename it or take it away")
        yield LabelledVideo(path, video_id(path, folder), "REAL", person=f"actor {name[1]}")


def _forgery(
    path: Path, folder: Path, method: str, compression: str, form: Form, parts: dict[str, str]
) -> LabelledVideo:
    video = video_id(path, folder)
    if name := _SWAP.fullmatch(path.stem):
        source, donor = (target_id(digits, compression, form) for digits in name.groups())
        return LabelledVideo(path, video, "FAKE", source, donor, method, part=parts.get(name[1]))
    if name := _ACTOR_SWAP.fullmatch(path.stem):
        actor = f"{name[1]}__{name[2]}{form.suffix}"
        source = f"{_originals('actors', compression, form)}/{actor}"
        return LabelledVideo(path, video, "FAKE", source, None, method, person=f"actor {name[1]}")
    raise DatasetError(
        f"{path}: is named neither 000_001.mp4 (target, source) nor 28_04__scene__ID.mp4; rename "
        "it or take it away"
    )


def _official_parts(folder: Path, originals: set[str]) -> dict[str, str]:
    lists = official_lists([folder / "splits", folder], _LISTS)
    return parts_by_name(
        ((path, _LISTS[name], _read_pairs(path)) for name, path in lists.items()), originals
    )


def _read_pairs(path: Path) -> list[str]:
    pairs = read_json(path)
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        raise DatasetError(f"{path}: must be a list of pairs of names; fetch the file again")
    return [video for pair in pairs for video in pair]


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) for name in pair)
