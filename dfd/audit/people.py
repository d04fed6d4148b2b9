"""The audit's check for people who are in more than one part.

A detector that was trained on a person's real face recognises a forgery of it by the face alone.
Faces are compared by FaceNet (Schroff et al., 2015, arXiv:1503.03832), trained on CASIA-WebFace.
The check is skipped where its weights are not in the cache: nothing is downloaded for it.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from dfd.audit.findings import Finding, Outcome
from dfd.faces.reader import CROPS, iterate_crops, read_crops_table
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


def check_people(table: pd.DataFrame, faces: Path) -> Outcome:
    """Find faces in different groups and parts that are likely of one person.

    Args:
        table: One row per video, with the columns ``video``, ``group`` and ``part``.
        faces: The output folder of the stage ``faces``.

    Raises:
        FacesError: The crops are damaged.
    """
    if not (faces / CROPS).is_file():
        return _omitted(f"there are no crops in {faces}; run `dvc repro faces`")
    # Imported here: Keras takes seconds to import, and the stage `split` does not need it.
    from dfd.train.networks.casia_webface import casia_webface_kept

    if not casia_webface_kept():
        return _omitted(
            "FaceNet's weights are not kept here; training inception_resnet_v1 brings them"
        )
    crops = read_crops_table(faces).merge(table[["video", "group", "part"]], on="video")
    if crops.empty:
        return _omitted(f"the crops in {faces} are of other videos; run `dvc repro faces`")
    rank = crops.groupby(["video", "track"]).cumcount()
    size = crops.groupby(["video", "track"])["video"].transform("size")
    crops = crops[rank % -(-size // _CROPS) == 0].reset_index(drop=True)
    crops["face"] = crops.groupby(["video", "track"]).ngroup()
    people = crops.drop_duplicates("face").sort_values("face", ignore_index=True)
    pairs = list(_alike(_embedded(faces, crops), people))
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


def _omitted(reason: str) -> Outcome:
    return Outcome("people", None, omitted=reason)


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
