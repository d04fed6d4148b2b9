"""FFIW-10K: scenes with several people, some of whose faces are forged.

Zhou et al., *Face Forensics in the Wild* (2021), arXiv:2103.16076, and
https://github.com/tfzhou/FFIW.
"""

from pathlib import Path

from dfd.dataset.layouts.videos import LabelledVideo, video_id, videos_below

_PARTS = {"train": "train", "val": "validation", "test": "test"}


def recognise(folder: Path) -> bool:
    """Return whether ``source`` and ``target`` each hold a folder of a part."""
    return all(
        any((folder / side / part).is_dir() for part in _PARTS) for side in ("source", "target")
    )


def read(folder: Path) -> list[LabelledVideo]:
    """Read ``source/<part>`` (REAL) and ``target/<part>`` (FAKE); ``target_mask`` is not read.

    The part is ``train``, ``val`` or ``test``. The test part is a separate download, whose folders
    must be moved beside the others. A forgery is taken to be made from the source of the same part
    and file name, and the two become one group. The data set does not state who is in a video.

    Args:
        folder: The folder that holds ``source`` and ``target``.

    Raises:
        DatasetError: A file is a link whose target does not exist.
    """
    reals = {video_id(path, folder): path for path in videos_below(folder / "source")}
    fakes = {video_id(path, folder): path for path in videos_below(folder / "target")}
    return [
        *(LabelledVideo(path, video, "REAL", part=_part(video)) for video, path in reals.items()),
        *(
            LabelledVideo(path, video, "FAKE", source=_twin(video, reals), part=_part(video))
            for video, path in fakes.items()
        ),
    ]


def _part(video: str) -> str | None:
    return _PARTS.get(video.split("/")[1])


def _twin(video: str, reals: dict[str, Path]) -> str | None:
    twin = video.replace("target/", "source/", 1)
    return twin if twin in reals else None
