"""Pointing the workflow at another folder of videos."""

from collections import Counter
from pathlib import Path

from ruamel.yaml import YAML

from dfd.dataset.layouts import read_layout, recognise_layout
from dfd.files import replacing
from dfd.params.data import DatasetParams
from dfd.params.section import read_params


def use_videos(
    videos: Path, layout: str | None, params: Path
) -> tuple[DatasetParams, Counter[str], Counter[str]]:
    """Write ``videos`` into the section ``dataset`` of ``params``, comments and all else kept.

    Args:
        videos: Folder of labelled videos.
        layout: How their labels are written; None for what the folder looks like.
        params: The file, ``params.yaml``.

    Returns:
        What was written, and the number of videos of each label and of each official part.

    Raises:
        DatasetError: The folder or its labels cannot be used; ``params`` is then as it was.
        ParamsError: ``params`` cannot be read.
    """
    read_params(params)  # says in one line what is wrong with the file
    layout = layout or recognise_layout(videos)
    section = DatasetParams(videos=videos.as_posix(), layout=layout, name=videos.resolve().name)
    found = read_layout(videos, layout)
    labels = Counter(video.label for video in found)
    parts = Counter(video.part for video in found if video.part)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100
    content = yaml.load(params)
    content["dataset"].update(section.model_dump())
    with replacing(params) as temporary:
        yaml.dump(content, temporary)
    return section, labels, parts
