"""``dfd faces``: pictures of an extraction, and a check of its output."""

import os
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from dfd.errors import FacesError
from flows.paths import FACES

app = typer.Typer(
    no_args_is_help=True, help="Draw how faces are extracted, or check extracted faces."
)

_LISTED, _LONGEST = 20, 1000  # problems, and characters of each


@app.command()
def sheet(
    videos: Annotated[list[Path], typer.Argument(help="Videos to draw.")],
    out: Annotated[Path, typer.Option(help="Picture to write: a name ending in .png or .jpg.")],
    params: Annotated[
        Path, typer.Option(help="File with the sections faces and workers to use.")
    ] = Path("params.yaml"),
) -> None:
    """Draw how faces are extracted from videos: boxes, landmarks, scores and the kept crops."""
    import cv2

    from dfd.errors import VideoGivenUp
    from dfd.faces.sheet import contact_sheet, failed_sheet, video_sheet
    from dfd.files import readable, replacing, why_unreadable
    from dfd.isolation import WorkerPool, for_each
    from dfd.params.faces import FacesParams
    from dfd.params.section import load_section
    from dfd.params.workers import WorkerParams
    from dfd.video.stills import frame_files
    from dfd.words import counted
    from flows.progress import ProgressBar
    from tasks.workers import limits_of

    crop = load_section(FacesParams, params).crop
    limits = limits_of(load_section(WorkerParams, params))
    for path in videos:
        if (path.is_dir() and not frame_files(path)) or not os.path.lexists(path):
            raise FacesError(f"{readable(path)}: is not a file; name videos")
        if out.exists() and path.exists() and out.samefile(path):
            raise FacesError(f"{readable(out)}: is one of the videos; choose another name")

    def draw(pool: WorkerPool, path: Path) -> Any:
        if why := why_unreadable(path):
            raise VideoGivenUp("unreadable", why)
        return pool.run(video_sheet, path, crop)

    with ProgressBar("videos", len(videos)) as bar:
        blocks = [
            failed_sheet(path, block.reason, block.detail)
            if isinstance(block, VideoGivenUp)
            else block
            for path, block in for_each(draw, videos, limits, bar.advance)
        ]
    try:
        with replacing(out) as temporary:
            if not cv2.imwrite(str(temporary), contact_sheet(blocks)):
                raise OSError(0, "no space left, or too large a picture")
    except (OSError, cv2.error) as error:
        reason = getattr(error, "strerror", None) or "not a name ending in .png or .jpg"
        raise FacesError(f"{out}: cannot be written ({reason}); choose another name") from error
    print(f"{out}: {counted(len(videos), 'video')}")


@app.command()
def check(
    folder: Annotated[
        Path, typer.Argument(help="Output of the stage faces or of dfd extract.")
    ] = FACES,
    deep: Annotated[bool, typer.Option("--deep", help="Also read and decode every crop.")] = False,
) -> None:
    """Check that the shards hold the crops of the manifest; with --deep, decode every crop."""
    from dfd.files import readable

    if not folder.is_dir():
        raise FacesError(f"{readable(folder)}: is no folder; name the output of an extraction")
    from dfd.faces.check import check_faces
    from dfd.faces.reader import read_crops_table, read_manifest
    from dfd.words import counted, displayed
    from flows.progress import ProgressBar

    videos, crops = len(read_manifest(folder)), len(read_crops_table(folder))
    with ProgressBar("crops", crops if deep else 0) as bar:
        problems = list(check_faces(folder, deep, lambda: bar.advance(failed=0)))
    for problem in islice(problems, _LISTED):
        print(displayed(problem, _LONGEST))
    if len(problems) > _LISTED:
        print(f"and {len(problems) - _LISTED} more")
    if problems:
        remedy = "dvc repro faces" if folder == FACES else "dfd extract"
        raise FacesError(f"{folder}: {counted(len(problems), 'problem')}; run `{remedy}` again")
    how = "every crop decoded" if deep else "names only; --deep decodes every crop"
    many = f"{counted(videos, 'video')}, {crops:,} crops"
    print(f"{folder}: {many}: all right ({how})")
