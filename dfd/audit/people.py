"""People who are in several videos: joining their groups, and the audit's check for the rest.

A detector that was trained on a person's real face recognises a forgery of it by the face alone.
Faces are compared by FaceNet (Schroff et al., 2015, arXiv:1503.03832), trained on CASIA-WebFace.
Where its weights are not in the cache, the check is skipped: nothing is downloaded for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.audit.findings import Finding, Outcome
from dfd.dataset.groups import group_videos
from dfd.faces.reader import CROPS, iterate_crops, read_crops_table
from dfd.split.people import cluster_people
from dfd.words import counted

# Cosine similarity. On real clips, two clips of one man reach 0.92, clips of different people at
# most 0.55 (360 pairs).
SAME_PERSON = 0.7
_CROPS = 4  # about this many crops of a track are compared
_INPUT = 160
_BATCH = 32
_BLOCK = 2048
_NAMED = 4

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class People:
    """The faces of videos, a row a track.

    Attributes:
        table: N rows with at least the columns of the table of videos.
        vectors: float32 (N, D), mean embeddings of length 1.
    """

    table: pd.DataFrame
    vectors: Vectors


def read_people(table: pd.DataFrame, faces: Path, download: bool = False) -> People | str:
    """Return the faces of videos with their embeddings, or the reason why there are none.

    Args:
        table: One row per video, with the column ``video``; its columns other than those of crops
            are kept.
        faces: The output folder of the stage ``faces``.
        download: Whether the weights are fetched where they are not kept.

    Raises:
        FacesError: The crops are damaged.
        WeightsError: The weights cannot be fetched.
    """
    if not (faces / CROPS).is_file():
        return f"there are no crops in {faces}; run `dvc repro faces`"
    # Imported here: Keras takes seconds to import.
    from dfd.train.networks.casia_webface import CASIA_WEBFACE

    if not download and not CASIA_WEBFACE.kept():
        return "FaceNet's weights are not kept here; training inception_resnet_v1 brings them"
    crops = read_crops_table(faces)[["video", "track", "shard", "member", "crc32"]]
    crops = crops.merge(table, on="video")
    if crops.empty:
        return f"the crops in {faces} are of other videos; run `dvc repro faces`"
    rank = crops.groupby(["video", "track"]).cumcount()
    size = crops.groupby(["video", "track"])["video"].transform("size")
    crops = crops[rank % -(-size // _CROPS) == 0].reset_index(drop=True)
    crops["face"] = crops.groupby(["video", "track"]).ngroup()
    people = crops.drop_duplicates("face").sort_values("face", ignore_index=True)
    return People(people, _embedded(faces, crops))


def check_people(table: pd.DataFrame, faces: Path) -> Outcome:
    """Find faces in different groups and parts that are likely of one person.

    Args:
        table: One row per video, with the columns ``video``, ``group`` and ``part``.
        faces: The output folder of the stage ``faces``.

    Raises:
        FacesError: The crops are damaged.
    """
    found = read_people(table[["video", "group", "part"]], faces)
    if isinstance(found, str):
        return Outcome("people", None, omitted=found)
    people = found.table
    pairs = list(_alike(found.vectors, people))
    summary = f"{counted(len(people), 'face')}; {len(pairs) or 'none'} likely in another part too"
    if not pairs:
        return Outcome("people", summary)
    pairs.sort(key=lambda pair: (-pair[2], pair[0], pair[1]))
    names = people["video"] + " (" + people["part"] + ")"
    shown = [f"{names[a]} and {names[b]}, cosine {value:.2f}" for a, b, value in pairs[:_NAMED]]
    text = f"People are likely in more than one part: {'; '.join(shown)}."
    rows = sorted({row for pair in pairs for row in pair[:2]})
    videos = tuple(dict.fromkeys(people["video"].iloc[rows]))
    return Outcome("people", summary, (Finding("same_person", "warning", text, videos),))


def join_people(videos: pd.DataFrame, people: People) -> pd.Series:
    """Return the group of each video: that of the index, joined by the people in REAL videos.

    A FAKE video follows its source: the face in it resembles its donor's too, and nearly everybody
    is somebody's donor, so that by the faces of fakes all videos would become one group.

    Args:
        videos: One row per video, with the columns ``video``, ``group`` and ``label``.
        people: Their faces; those of FAKE videos are not used.

    Example:
        >>> rows = [("a", "a", "REAL"), ("b", "b", "REAL"), ("c", "b", "FAKE")]
        >>> videos = pd.DataFrame(rows, columns=["video", "group", "label"])
        >>> alike = People(videos, np.ones((3, 1), np.float32))
        >>> join_people(videos, alike).tolist()
        ['a', 'a', 'a']
    """
    real = (people.table["label"] == "REAL").to_numpy()
    names = people.table["video"][real].tolist()
    person = cluster_people(people.vectors[real])
    links = [
        *zip(videos["video"], ("group " + videos["group"]).tolist(), strict=True),
        *zip(names, (f"person {number}" for number in person), strict=True),
    ]
    return pd.Series(group_videos(videos["video"].tolist(), links), index=videos.index)


def _alike(vectors: Vectors, people: pd.DataFrame) -> Iterator[tuple[int, int, float]]:
    """Yield each face with the most similar face of another group and part, and their similarity.

    Only pairs that are likely of one person are yielded, each pair once.
    """
    group, part = pd.factorize(people["group"])[0], pd.factorize(people["part"])[0]
    yielded = set()
    for first in range(0, len(vectors), _BLOCK):
        rows = slice(first, first + _BLOCK)
        cosine = vectors[rows] @ vectors.T
        cosine[group[rows, None] == group] = -1
        cosine[part[rows, None] == part] = -1
        nearest = cosine.argmax(axis=1)
        for row in np.flatnonzero(cosine.max(axis=1) >= SAME_PERSON):
            face, other = int(row) + first, int(nearest[row])
            if (other, face) not in yielded:
                yielded.add((face, other))
                yield face, other, float(cosine[row, other])


def _embedded(faces: Path, crops: pd.DataFrame) -> Vectors:
    """Return the mean FaceNet embedding of each face, scaled to length 1, float32 (N, D)."""
    import keras

    from dfd.train.networks.backbones import build_model

    model, _ = build_model("inception_resnet_v1", "casia-webface", _INPUT, dropout=0.0, seed=0)
    network = keras.Model(model.input, model.get_layer("dropout").output)
    number = crops["face"].to_numpy()
    total: Any = np.zeros((number.max() + 1, network.output_shape[-1]), np.float32)
    decoded = iterate_crops(faces, crops)
    while batch := list(islice(decoded, _BATCH)):
        images = np.stack([cv2.resize(image, (_INPUT, _INPUT)) for _, image in batch])
        vectors = np.asarray(network.predict_on_batch(images))
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        np.add.at(total, number[[row for row, _ in batch]], vectors)
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True), np.float32)
