"""Where the stages keep their files, from the project's root; ``dvc.yaml`` names the same."""

from pathlib import Path

VIDEOS = Path("data/videos")
INDEX = Path("data/videos.csv")
SPLIT = Path("data/split.csv")
SPLIT_SUMMARY = Path("metrics/split.json")
FACES = Path("data/faces")
FACES_STORE = Path(".cache/faces")  # what is already extracted, kept beside the stage's output
REGISTRATION = Path("metrics/registration.json")


def detector_dir(candidate: str) -> Path:
    """Return the detector directory of a candidate."""
    return Path("models") / candidate


def metrics_dir(candidate: str) -> Path:
    """Return the folder of a candidate's metrics."""
    return Path("metrics") / candidate


def plots_dir(candidate: str) -> Path:
    """Return the folder of a candidate's plots."""
    return Path("plots") / candidate
