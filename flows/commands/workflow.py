"""``dfd use``, ``dfd run`` and ``dfd pipeline``: the workflow of the project in this folder."""

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfd.errors import DatasetError, ParamsError

if TYPE_CHECKING:
    from dfd.params.data import DatasetParams

_EVERY_NIGHT = "0 2 * * *"


def use(
    videos: Annotated[Path, typer.Argument(help="Folder of labelled videos.")],
    layout: Annotated[
        str | None,
        typer.Option(
            help="Layout of the data set, as in docs/datasets.md. Without it, the layout is "
            "recognised from the folder."
        ),
    ] = None,
) -> None:
    """Write a folder of labelled videos into params.yaml as the data set of the workflow."""
    section, labels, parts, detector = use_videos(videos, layout, Path("params.yaml"))
    print(f"params.yaml: dataset.videos is {section.videos} (layout {section.layout})")
    if detector:
        print(f"params.yaml: faces.detector is now {detector}")
    print(f"{labels['REAL']} REAL and {labels['FAKE']} FAKE videos")
    if parts:
        counts = ", ".join(f"{part} {count}" for part, count in sorted(parts.items()))
        print(f"official split: {counts} (split.protocol: official follows it)")


def run(
    stage: Annotated[
        str,
        typer.Argument(
            help="Stage of dvc.yaml: dataset, split, faces, train, evaluate, robustness or "
            "register."
        ),
    ],
    candidate: Annotated[
        str | None,
        typer.Argument(
            help="Candidate of params.yaml. The stages train, evaluate and robustness need one."
        ),
    ] = None,
) -> None:
    """Run one stage now, even if nothing has changed.

    DVC does not record the result: `dvc repro` runs what has changed, and records it.
    """
    from dfd.params.training import candidate_names
    from flows.stage import check_arguments, run_alone, run_flow

    arguments = [] if candidate is None else [candidate]
    check_arguments(stage, arguments)
    for name in arguments:
        if name not in (known := candidate_names()):
            raise ParamsError(f"params.yaml: no candidate {name!r}; there are {', '.join(known)}")
    run_flow(run_alone, getattr(import_module(f"flows.{stage}"), stage), arguments)


def pipeline(
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CANDIDATE",
            help="Candidate to leave out. Repeat the option to leave out several.",
        ),
    ] = None,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="Stay, and run the workflow on a schedule or from the Prefect page."
        ),
    ] = False,
    cron: Annotated[
        str | None,
        typer.Option(
            help=f"Schedule for --serve: minute, hour, day, month, weekday. [default: "
            f"{_EVERY_NIGHT}]"
        ),
    ] = None,
) -> None:
    """Run every stage of the workflow in order with DVC; Prefect shows and records the run.

    A stage whose inputs have not changed does not run again.
    """
    if cron and not serve:
        raise ParamsError("--cron: is a schedule for --serve; add --serve, or leave out --cron")
    from flows.pipeline import flow
    from flows.stage import run_flow

    flow.check_candidates(without or [])  # before a server is started
    if serve:
        flow.check_schedule(cron or _EVERY_NIGHT)
        run_flow(flow.serve, cron or _EVERY_NIGHT, without or [])
        return
    from flows.commands.summary import print_summary
    from flows.pipeline.terminal import new_log, stderr_in

    log = new_log()
    try:
        with stderr_in(log):
            run_flow(flow.pipeline, without or [], log)
        print()
        print_summary()
    finally:
        print(f"Log        {log}")


def use_videos(
    videos: Path, layout: str | None, params: Path
) -> tuple["DatasetParams", Counter[str], Counter[str], str | None]:
    """Write a folder of videos into the section ``dataset`` of a file.

    ``faces.detector`` becomes ``none`` for a data set of ready-made crops, and the default again
    for the next one that is not. All else stays.

    Args:
        videos: Folder of labelled videos.
        layout: Layout of the data set; None to recognise it from the folder.
        params: The file, ``params.yaml``.

    Returns:
        The new section, the number of videos by label and by official part, and the face detector
        where it had to be changed.

    Raises:
        DatasetError: The folder, the layout or its labels cannot be used; the file is then as it
            was.
        ParamsError: The file cannot be read.
    """
    # Imported here: `dfd --help` needs none of these.
    from ruamel.yaml import YAML

    from dfd.dataset.layouts import LAYOUTS, read_layout, recognise_layout
    from dfd.faces.detectors import DEFAULT, READY_MADE
    from dfd.files import replacing
    from dfd.params.data import DatasetParams
    from dfd.params.section import read_params

    read_params(params)  # its errors say in one line what is wrong with the file
    if layout and layout not in LAYOUTS:
        raise DatasetError(f"--layout: no layout {layout!r}; there are {', '.join(LAYOUTS)}")
    layout = layout or recognise_layout(videos)
    section = DatasetParams(videos=videos.as_posix(), layout=layout, name=videos.resolve().name)
    labelled = read_layout(videos, layout)
    labels = Counter(video.label for video in labelled)
    parts = Counter(video.part for video in labelled if video.part)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100
    # ruamel.yaml leaves null out otherwise, in keys that this command does not change.
    yaml.representer.add_representer(
        type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    content = yaml.load(params)
    content["dataset"].update(section.model_dump())
    detector = None
    if LAYOUTS[layout].ready_made != (content["faces"]["detector"] == READY_MADE):
        detector = READY_MADE if LAYOUTS[layout].ready_made else DEFAULT
        content["faces"]["detector"] = detector
    with replacing(params) as temporary:
        yaml.dump(content, temporary)
    return section, labels, parts, detector
