"""Videos sorted into folders named ``REAL`` and ``FAKE``."""

from pathlib import Path, PurePosixPath

from dfd.dataset.layouts.files import video_id, videos_below
from dfd.dataset.layouts.labelled import LabelledVideo
from dfd.errors import DatasetError
from dfd.labels import LABELS


def recognise(folder: Path) -> bool:
    """Return whether a folder named ``REAL`` or ``FAKE`` lies below ``folder``."""
    return any(path.is_dir() for label in LABELS for path in folder.rglob(label))


def read(folder: Path) -> list[LabelledVideo]:
    """Read videos under folders named ``REAL`` and ``FAKE``, at any depth.

    The folder just below ``FAKE`` is the method. A FAKE whose file name is that of exactly one REAL
    video is taken to be made from it, so that the two stay on one side of a split.
    """
    found: list[tuple[Path, PurePosixPath, str]] = []
    for path in videos_below(folder):
        video = PurePosixPath(video_id(path, folder))
        labels = [part for part in video.parent.parts if part in LABELS]
        if len(set(labels)) != 1:
            raise DatasetError(
                f"{path}: must lie below either a folder named REAL or one named FAKE; move it, or "
                "set dataset.layout in params.yaml"
            )
        found.append((path, video, labels[0]))
    reals: dict[str, list[str]] = {}
    for _, video, label in found:
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
        for path, video, label in found
    ]
