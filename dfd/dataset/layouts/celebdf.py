"""Celeb-DF, versions 1 and 2, and Celeb-DF++, which is called version 3 too.

Li et al., *Celeb-DF: A Large-scale Challenging Dataset for DeepFake Forensics* (2020),
arXiv:1909.12962, and https://github.com/yuezunli/celeb-deepfakeforensics. Li et al., *Celeb-DF++: A
Large-scale Challenging Video DeepFake Benchmark for Generalizable Forensics* (2025), and
https://github.com/OUC-VAS/Celeb-DF-PP.
"""

import re
from pathlib import Path, PurePosixPath

from dfd.dataset.layouts.lists import read_lines, require_present
from dfd.dataset.layouts.videos import FRAMES, VIDEOS, LabelledVideo, video_id, videos_below
from dfd.errors import DatasetError

TEST_LIST = "List_of_testing_videos.txt"
_FOLDERS = {"Celeb-real": "REAL", "YouTube-real": "REAL", "Celeb-synthesis": "FAKE"}
_CELEBRITY = re.compile(r"(id\d+)_(\d+)")
_SWAP = re.compile(r"(id\d+)_id\d+_(\d+)")
_OF_CELEBRITY = re.compile(r"(id\d+)_.+")
_LINE = re.compile(r"([01])\s+(\S.*)")


def recognise(folder: Path) -> bool:
    """Return whether the folder holds ``Celeb-real`` and ``Celeb-synthesis``."""
    return all((folder / name).is_dir() for name in ("Celeb-real", "Celeb-synthesis"))


def read(folder: Path) -> list[LabelledVideo]:
    """Read ``Celeb-real``, ``YouTube-real`` and ``Celeb-synthesis``.

    ``idA_idB_NNNN.mp4`` is ``Celeb-real/idA_NNNN.mp4`` with the face of celebrity B put in. All
    videos of one celebrity A, real and forged, become one group. Donors do not join groups: nearly
    all celebrities are donors of each other, so all would become a single group. Under the split
    protocol ``group``, the scene, the body and the head in a test video are therefore unknown from
    training, but the face that was put in may be known.

    In Celeb-DF++, the forgeries of a method lie in ``Celeb-synthesis/<scenario>/<method>``. Of
    those that are not named as above, the celebrity is known and the source is not. Where
    DeepfakeBench has made ``frames`` of the videos, the folders of frames are read.

    Videos that ``List_of_testing_videos.txt`` names have the part ``test``, all others ``train``;
    there is no official validation part. Without the list no video has a part.

    Args:
        folder: The folder that holds the three folders.

    Raises:
        DatasetError: A file name is of another form, or the list is wrong or names absent videos.
    """
    files = {
        video_id(path, folder): (path, label)
        for name, label in _FOLDERS.items()
        for path in _videos(folder / name)
    }
    test = _read_test_list(
        folder / TEST_LIST, {_listed(video): label for video, (_, label) in files.items()}
    )
    return [
        _labelled(path, video, label, _part(video, test)) for video, (path, label) in files.items()
    ]


def _videos(folder: Path) -> list[Path]:
    """Return the folders of frames where there are any, else the video files."""
    found = videos_below(folder)
    return [path for path in found if FRAMES.folder in path.parts[:-1]] or found


def _listed(video: str) -> str:
    """Return how the authors' list names a video."""
    path = PurePosixPath(video)
    parts = [part for part in path.parts if part != FRAMES.folder]
    return "/".join(parts) + ("" if path.suffix else VIDEOS.suffix)


def _part(video: str, test: set[str] | None) -> str | None:
    if test is None:
        return None
    return "test" if _listed(video) in test else "train"


def _labelled(path: Path, video: str, label: str, part: str | None) -> LabelledVideo:
    if video.startswith("YouTube-real/"):
        return LabelledVideo(path, video, label, part=part)
    method = _method(video) if label == "FAKE" else None
    name = (_SWAP if label == "FAKE" else _CELEBRITY).fullmatch(path.stem)
    if not name and method and (other := _OF_CELEBRITY.fullmatch(path.stem)):
        return LabelledVideo(path, video, label, method=method, person=other[1], part=part)
    if not name:
        expected = "id0_id1_0000.mp4" if label == "FAKE" else "id0_0000.mp4"
        raise DatasetError(f"{path}: is not named like {expected}; rename it or take it away")
    source = None
    if label == "FAKE":
        kept = f"{FRAMES.folder}/" if FRAMES.folder in PurePosixPath(video).parts else ""
        source = f"Celeb-real/{kept}{name[1]}_{name[2]}{path.suffix}"
    return LabelledVideo(path, video, label, source, method=method, person=name[1], part=part)


def _method(video: str) -> str | None:
    """Return the folder of a forgery below its scenario; None in versions 1 and 2."""
    folders = [part for part in PurePosixPath(video).parts[1:-1] if part != FRAMES.folder]
    return folders[-1] if folders else None


def _read_test_list(path: Path, labels: dict[str, str]) -> set[str] | None:
    if not path.is_file():
        return None
    listed: dict[str, str] = {}
    for line in read_lines(path):
        entry = _LINE.fullmatch(line)
        if not entry:
            raise DatasetError(
                f"{path}: the line {line!r} is not like '1 YouTube-real/00170.mp4'; fetch the list "
                "again"
            )
        listed[entry[2]] = "REAL" if entry[1] == "1" else "FAKE"
    require_present(path, listed, labels)
    for video, label in listed.items():
        if labels[video] != label:
            raise DatasetError(
                f"{path}: calls {video!r} {label}, its folder says {labels[video]}; fetch the list "
                "again"
            )
    return set(listed)
