"""Pointing the workflow at another folder of videos."""

from collections import Counter
from pathlib import Path

from ruamel.yaml import YAML

from dfd.dataset.layouts import read_layout
from dfd.files import replacing
from dfd.params import DatasetParams, Layout, read_params


def use_videos(videos: Path, params: Path) -> tuple[DatasetParams, Counter[str]]:
    """Write ``videos`` into the section ``dataset`` of ``params``, comments and all else kept.

    The layout is ``dfdc`` where a ``metadata.json`` lies in the folder or below, else ``folder``.
    Returns what was written and the number of videos of each label.

    Raises:
        DatasetError: The folder or its labels cannot be used; ``params`` is then as it was.
        ParamsError: ``params`` cannot be read.
    """
    read_params(params)  # says in one line what is wrong with the file
    layout: Layout = "dfdc" if next(videos.rglob("metadata.json"), None) else "folder"
    section = DatasetParams(videos=videos.as_posix(), layout=layout, name=videos.resolve().name)
    labels = Counter(video.label for video in read_layout(videos, section.layout))
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100
    content = yaml.load(params)
    content["dataset"].update(section.model_dump())
    with replacing(params) as temporary:
        yaml.dump(content, temporary)
    return section, labels
