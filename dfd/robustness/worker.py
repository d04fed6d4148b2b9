"""What a worker process of the robustness stage does: one video's faces after a perturbation."""

from pathlib import Path

from dfd.errors import VideoError, VideoGivenUp
from dfd.faces.store import store_key
from dfd.faces.worker import extract_into
from dfd.files import hash_json
from dfd.params.faces import CropParams
from dfd.robustness.perturbations import ON_VIDEO

# Raise when a perturbation of videos would give another result.
_CODE_VERSION = 1


def perturbed_key(sha256: str, params: CropParams, name: str, level: float) -> str:
    """Return the name, in the store, of a video's faces after a perturbation.

    Args:
        sha256: Hash of the untouched video's content.
        params: What the crops depend on.
        name: A key of ``ON_VIDEO``.
        level: One of its levels.
    """
    return hash_json([store_key(sha256, params), name, level, _CODE_VERSION])


def extract_perturbed(
    store: Path, key: str, path: Path, clip: Path, name: str, level: float, params: CropParams
) -> None:
    """Perturb a video, extract its faces and keep the result under its key.

    Args:
        store: Where results are kept.
        key: As from ``perturbed_key``.
        path: The untouched video.
        clip: Where the perturbed one is written; whoever asks for it removes it.
        name: A key of ``ON_VIDEO``.
        level: One of its levels.
        params: How faces are found and cropped.

    Raises:
        VideoGivenUp: The video cannot be perturbed, or memory ran out; nothing is kept.
        WeightsError: The face detector cannot be loaded.
        FacesError: The store cannot be written.
    """
    try:
        ON_VIDEO[name].function(path, clip, level)
    except VideoError as error:
        raise VideoGivenUp("unreadable", str(error).removeprefix(f"{path}: ")) from error
    extract_into(store, key, clip, params)
