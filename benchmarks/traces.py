"""What eight plain figures of a crop tell of the pseudo-fakes that training makes.

A forest of decision trees sees the energy of a face in eight bands of detail, or in eight
diagonals of the 8×8 blocks in which JPEG stored the crop. Whatever it tells from that a network
learns first, and it is no trait of any forgery.
"""

import tarfile
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from benchmarks.workplace import ROOT
from dfd.arrays import Image
from dfd.faces.detectors.retinaface_mobilenet import load_mobilenet
from dfd.params.faces import FacesParams
from dfd.params.section import load_section
from dfd.params.training import load_candidate
from dfd.train.feed.crops import Crops
from dfd.train.feed.feed import Feed

Figures = dict[str, float]

_CROPS = 3000  # of one video each; a third of them is kept from the forest
_DIAGONALS = (2, 4, 6, 8, 9, 10, 11, 12)


def traces(folder: Path) -> Figures:
    """Measure the AUC of the forest on crops of real people that it has not seen.

    The crops lie beside the project (``../shared``) and are not part of it; without them there are
    no figures.
    """
    archive = ROOT.parent / "shared" / "dfdc" / "faces" / "real.tar"
    return traces_in(real_crops(archive, _CROPS)) if archive.exists() else {}


def traces_in(crops: Crops) -> Figures:
    """Return the AUC, 0..1, of each kind of figures.

    Args:
        crops: REAL crops, each of a video of its own.
    """
    cv2.setNumThreads(1)
    changes = {"sampling": "balanced", "self_blended": 1.0, "augment": False}
    params = load_candidate("mesonet", ROOT / "params.yaml")
    params = params.model_copy(update={**changes, "input_size": crops.images.shape[1]})
    feed = Feed(crops, params, 0)
    batches = [feed.batch(step) for step in range(len(feed))]
    fake = np.concatenate([targets[:, 1] for _, targets in batches])
    learnt = len(fake) // 3 // 2 * 4  # whole pairs
    measured = {}
    for name, energies in (("bands", band_energies), ("grid", grid_energies)):
        figures = np.log([energies(crop) for (pixels, _), _ in batches for crop in pixels])
        forest = RandomForestClassifier(300, min_samples_leaf=5, random_state=0)
        forest.fit(figures[:learnt], fake[:learnt])
        scores = forest.predict_proba(figures[learnt:])[:, 1]
        measured[f"traces.auc_of_{name}"] = float(roc_auc_score(fake[learnt:], scores))
    return measured


def band_energies(crop: Image) -> list[float]:
    """Return the mean power of a face in eight rings of its spectrum, from coarse to fine."""
    face = _face(crop)
    window = np.hanning(len(face))
    power = np.abs(np.fft.fftshift(np.fft.fft2(face * np.outer(window, window)))) ** 2
    centre = len(face) // 2
    y, x = np.indices(face.shape) - centre
    radius = np.hypot(y, x)
    ends = np.linspace(centre / 7, centre, 9)
    return [
        float(power[(radius >= low) & (radius < high)].mean() + 1) for low, high in pairwise(ends)
    ]


def grid_energies(crop: Image) -> list[float]:
    """Return the variance of a face's coefficients in the blocks of a JPEG that begins at 0, 0."""
    face = _face(crop)
    count = len(face) // 8
    blocks = face.reshape(count, 8, count, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    waves = np.array([cv2.dct(block) for block in blocks])
    diagonal = np.add.outer(np.arange(8), np.arange(8))
    return [float(waves[:, diagonal == number].var() + 0.01) for number in _DIAGONALS]


def _face(crop: Image) -> npt.NDArray[np.float32]:
    """Return the inner half of a crop in grey; it begins and ends with a block."""
    edge = len(crop) // 32 * 8
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)[edge:-edge, edge:-edge]


def real_crops(archive: Path, count: int) -> Crops:
    """Return the first crops of an archive in which a face is found, with their landmarks.

    Args:
        archive: A tar file of square face crops of one size, as JPEG files.
        count: Greatest number of crops.
    """
    detector = load_mobilenet(load_section(FacesParams, ROOT / "params.yaml").crop)
    images: list[Image] = []
    landmarks: list[tuple[tuple[float, float], ...]] = []
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member)
            if content is None or len(images) == count:
                continue
            crop = cv2.imdecode(np.frombuffer(content.read(), np.uint8), cv2.IMREAD_COLOR)
            if crop is not None and (faces := detector(np.asarray(crop, np.uint8))):
                images.append(np.asarray(crop[..., ::-1], np.uint8))
                landmarks.append(faces[0].landmarks)
    videos = [f"{number}" for number in range(len(images))]
    table = pd.DataFrame({"video": videos, "group": videos, "label": "REAL"})
    points = np.array(landmarks, np.float32)
    return Crops(np.stack(images), np.arange(len(images)), points, table)
