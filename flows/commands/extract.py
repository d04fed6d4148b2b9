"""``dfd extract``: extracts faces from any video files."""

import os
from pathlib import Path

from dfd.errors import FacesError
from dfd.faces.reader import read_manifest
from dfd.files import readable
from dfd.isolation import Limits
from dfd.params.faces import FacesParams
from dfd.words import counted
from flows.commands.videos import find_videos
from flows.extraction import extract_videos


def extract_paths(paths: list[Path], out: Path, params: FacesParams, limits: Limits) -> None:
    """Extract the faces of files, and of the videos in folders, and print the videos without any.

    Raises:
        VideoError: A path does not exist, or there is no video.
        FacesError: ``out`` cannot be written.
        WeightsError: The face detector cannot be loaded.
    """
    files = sorted({path.absolute() for path in find_videos(paths)})
    base = os.path.commonpath([path.parent for path in files])
    videos: dict[str, Path] = {}
    for path in files:
        name = readable(path.relative_to(base))
        if videos.setdefault(name, path) != path:
            raise FacesError(f"two files would both be called {name!r}; rename one of them")
    extract_videos(videos, out, params, limits)
    _report(out)


def _report(out: Path) -> None:
    manifest = read_manifest(out)
    without = manifest[manifest["reason"].notna()]
    for row in without.itertuples():
        print(f"{row.video!r}: no crop, {row.reason} ({row.detail})")
    videos = counted(len(manifest), "video")
    print(f"{out}: {manifest['crops'].sum()} crops of {videos}, {len(without)} without any")
