"""Videos sorted into folders named ``REAL`` and ``FAKE``."""

from pathlib import Path, PurePosixPath

from dfd.dataset.layouts.videos import LabelledVideo, video_id, videos_below
from dfd.errors import DatasetError
from dfd.labels import LABELS


def recognise(folder: Path) -> bool:
    """Return whether there is a folder named ``REAL`` or ``FAKE`` at any depth below this one."""
    return any(path.is_dir() for label in LABELS for path in folder.rglob(label))


def read(folder: Path) -> list[LabelledVideo]:
    """Read videos under folders named ``REAL`` and ``FAKE``, at any depth.

    The folder directly below ``FAKE`` names the forgery method. Where exactly one REAL video has
    the file name of a fake, it is taken to be the source of the fake, so that both get the same
    part of a split.

    Args:
        folder: The folder of the data set.

    Raises:
        DatasetError: A video lies below no such folder or below both, or is a broken link.
    """
    files: list[tuple[Path, PurePosixPath, str]] = []
    for path in videos_below(folder):
        video = PurePosixPath(video_id(path, folder))
        labels = [part for part in video.parent.parts if part in LABELS]
        if len(set(labels)) != 1:
            raise DatasetError(
                f"{path}: must lie below either a folder named REAL or one named FAKE; move it, or "
                "set dataset.layout in params.yaml"
            )
        files.append((path, video, labels[0]))
    reals: dict[str, list[str]] = {}
    for _, video, label in files:
        if label == "REAL":
            reals.setdefault(video.stem, []).append(video.as_posix())

    def source(video: PurePosixPath, label: str) -> str | None:
        twins = reals.get(video.stem, []) if label == "FAKE" else []
        return twins[0] if len(twins) == 1 else None

    def method(video: PurePosixPath, label: str) -> str | None:
        below = video.parent.parts[video.parent.parts.index(label) + 1 :]
        return below[0] if label == "FAKE" and below else None

    return [
        LabelledVideo(
            path, video.as_posix(), label, source(video, label), None, method(video, label)
        )
        for path, video, label in files
    ]
