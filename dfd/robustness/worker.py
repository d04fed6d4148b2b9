"""The work of a worker process of the robustness stage: perturb a video, extract its faces."""

from pathlib import Path

from dfd.errors import VideoError, VideoGivenUp
from dfd.faces.store import store_key
from dfd.faces.worker import extract_into
from dfd.files import hash_json
from dfd.params.faces import CropParams
from dfd.robustness.perturbations import ON_VIDEO

# Raise this number when a change of the code changes the result of a perturbation in ``ON_VIDEO``.
_CODE_VERSION = 1


def perturbed_key(sha256: str, params: CropParams, name: str, level: float) -> str:
    """Return the key under which the store keeps the faces of a perturbed video.

    Args:
        sha256: SHA-256 of the unperturbed video file.
        params: How faces are found and cropped.
        name: Name of the perturbation, a key of ``ON_VIDEO``.
        level: A level of that perturbation.
    """
    return hash_json([store_key(sha256, params), name, level, _CODE_VERSION])


def extract_perturbed(
    store: Path, key: str, path: Path, clip: Path, name: str, level: float, params: CropParams
) -> None:
    """Perturb a video, extract its faces and keep them in the store.

    Args:
        store: Folder in which extracted faces are kept.
        key: Key of the faces in the store (``perturbed_key``).
        path: The unperturbed video.
        clip: Where to write the perturbed video; the caller removes the file.
        name: Name of the perturbation, a key of ``ON_VIDEO``.
        level: A level of that perturbation.
        params: How faces are found and cropped.

    Raises:
        VideoGivenUp: The video cannot be perturbed, or memory ran out; nothing is stored.
        WeightsError: The face detector cannot be loaded.
        FacesError: The store cannot be written.
    """
    try:
        ON_VIDEO[name].function(path, clip, level)
    except VideoError as error:
        raise VideoGivenUp("unreadable", str(error).removeprefix(f"{path}: ")) from error
    extract_into(store, key, clip, params)
