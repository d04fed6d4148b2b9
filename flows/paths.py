"""Where the stages keep their files, from the project's root; ``dvc.yaml`` names the same."""

from pathlib import Path

VIDEOS = Path("data/videos")
INDEX = Path("data/videos.csv")
SPLIT = Path("data/split.csv")
SPLIT_SUMMARY = Path("metrics/split.json")
SPLIT_PAGE = Path("metrics/split.html")
FACES = Path("data/faces")
FACES_STORE = Path(".cache/faces")  # what is already extracted, kept beside the stage's output
PERTURBED_STORE = Path(".cache/robustness")  # likewise, of perturbed videos
PACKED = Path("data/packed")  # the crops as pixels, for training
CROSSED = Path(".cache/crossed")  # faces cropped as a detector of other parameters wants them
CHECKPOINTS = Path(".cache/train")  # what a training run that is killed goes on from
CHAMPION = Path("models/champion")  # the registry's, not a stage's: .dvcignore names it
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
