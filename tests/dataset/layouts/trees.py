"""Trees of empty files that are named like the videos of a data set."""

from pathlib import Path


def plant(folder: Path, *names: str) -> None:
    """Make empty files below ``folder``."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
