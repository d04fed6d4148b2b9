"""DeeperForensics-1.0, together with the videos of FaceForensics++ that it was made from.

Jiang et al., *DeeperForensics-1.0: A Large-Scale Dataset for Real-World Face Forgery Detection*
(2020), arXiv:2001.03024, and https://github.com/EndlessSora/DeeperForensics-1.0.
"""

import re
from pathlib import Path, PurePosixPath

from dfd.dataset.layouts.faceforensics import target_id, target_videos
from dfd.dataset.layouts.lists import official_lists, parts_by_name, read_lines
from dfd.dataset.layouts.videos import LabelledVideo, video_id, videos_below
from dfd.errors import DatasetError

_COMPRESSION = "c23"  # of the target videos, as the authors of the data set advise
_LISTS = {"train.txt": "train", "val.txt": "validation", "test.txt": "test"}
_SWAP = re.compile(r"(\d{3})_([MW]\d{3})")


def recognise(folder: Path) -> bool:
    """Return whether the folder holds ``manipulated_videos``."""
    return (folder / "manipulated_videos").is_dir()


def read(folder: Path) -> list[LabelledVideo]:
    """Read ``manipulated_videos/<variant>/AAA_MXXX.mp4`` and the target videos.

    A forgery is the ``youtube`` video ``AAA`` of FaceForensics++ with the face of actor ``MXXX``.
    The target videos are the REAL ones. They are not part of the download: the folder
    ``original_sequences/youtube/c23`` of FaceForensics++ must be copied into this one. The
    ``source_videos`` of the actors are not read, since the authors state that they are not meant as
    REAL videos. A group is an actor with all forgeries that show the actor's face, and their target
    videos.

    ``lists/splits/train.txt``, ``val.txt`` and ``test.txt`` name the forgeries of each part; a
    target video has the part of its forgery. Without the lists no video has a part.

    Args:
        folder: The folder that holds ``manipulated_videos`` and ``original_sequences``.

    Raises:
        DatasetError: The target videos are missing, a file name is of another form, or the lists
            are incomplete or name absent videos.
    """
    targets = target_videos(folder, _COMPRESSION)
    if not targets:
        raise DatasetError(
            f"{folder / target_id('000', _COMPRESSION)}: is missing, and all others like it; copy "
            "the folder original_sequences of FaceForensics++ (c23) there: its youtube videos are "
            "the REAL ones"
        )
    forgeries = videos_below(folder / "manipulated_videos")
    parts = _official_parts(folder, {path.stem for path in forgeries})
    target_parts = {name[:3]: part for name, part in parts.items()}
    return [
        *(
            LabelledVideo(path, video_id(path, folder), "REAL", part=target_parts.get(path.stem))
            for path in targets
        ),
        *(_forgery(path, folder, parts.get(path.stem)) for path in forgeries),
    ]


def _forgery(path: Path, folder: Path, part: str | None) -> LabelledVideo:
    name = _SWAP.fullmatch(path.stem)
    if not name:
        raise DatasetError(f"{path}: is not named like 000_M101.mp4; rename it or take it away")
    source = target_id(name[1], _COMPRESSION)
    method = path.parent.name
    return LabelledVideo(path, video_id(path, folder), "FAKE", source, name[2], method, part=part)


def _official_parts(folder: Path, forgeries: set[str]) -> dict[str, str]:
    lists = official_lists([folder / "lists" / "splits"], _LISTS)
    return parts_by_name(
        ((path, _LISTS[name], _read_names(path)) for name, path in lists.items()), forgeries
    )


def _read_names(path: Path) -> list[str]:
    return [PurePosixPath(line).stem for line in read_lines(path)]
