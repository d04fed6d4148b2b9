"""Render the embedded sample: synthetic talking heads and forgeries of them.

Each group is one filmed person, a second one who only lends a face, and three clips: the REAL one
and two FAKE ones by different methods. Real and fake frames come from the same noisy camera, all
clips of a group go through the same encoder, and no file name reveals a label.

Run from the root of the repository; the same command gives the same bytes on the same machine::

    python -m samples.render --out samples/videos
"""

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from samples.forge import METHODS, Recording
from samples.head import make_head, perform
from samples.identity import make_identity, seeded
from samples.mesh import Mesh, cache_folder, fetch_wheel, load_mesh
from samples.paint import Canvas, make_canvas, paint
from samples.scene import HEIGHT, WIDTH, Stage, film, make_backdrop
from samples.swap import Alignment, make_alignment, track

Image = NDArray[Any]
Record = dict[str, str | bool | None]

GROUPS = 72
FRAMES = 25
RATE = 25
ENCODER = {"preset": "slow", "threads": "1", "x264-params": "asm=avx2"}
CRFS = (19, 21, 22, 24, 26)
"""How strongly the clips of a group are compressed, in turn."""
METHOD_PAIRS = tuple(combinations(METHODS, 2))
"""The two methods of a group; groups of both sexes have each pair equally often."""
SHEET_ROWS = 6
SHEET_FRAME = 12
THUMBNAIL = (200, 168)


def main(arguments: Sequence[str] | None = None) -> None:
    """Render every clip, `metadata.json` beside them, and the contact sheet above them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("samples/videos"), help="folder for the clips"
    )
    parser.add_argument("--groups", type=int, default=GROUPS, help="render only the first ones")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    fetch_wheel(cache_folder())
    metadata: dict[str, Record] = {}
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        jobs = [pool.submit(render_group, group, options.out) for group in range(options.groups)]
        for group, job in enumerate(jobs):
            metadata |= job.result()
            print(f"group {group + 1} of {options.groups}: {len(metadata)} clips", flush=True)
    text = json.dumps(dict(sorted(metadata.items())), indent=1)
    (options.out / "metadata.json").write_text(text + "\n")
    cv2.imwrite(str(options.out.parent / "contact_sheet.png"), contact_sheet(options.out, metadata))


@dataclass(frozen=True)
class Studio:
    """What all recordings share."""

    mesh: Mesh
    canvas: Canvas
    alignment: Alignment


@cache
def open_studio() -> Studio:
    """Load the mesh; once per process."""
    cv2.setNumThreads(1)
    mesh = load_mesh(fetch_wheel(cache_folder()))
    return Studio(mesh, make_canvas(mesh), make_alignment(mesh))


def render_group(group: int, out: Path) -> dict[str, Record]:
    """Film both people of a group, forge one with the other's face, and write the three clips.

    Returns:
        The clips' entries for `metadata.json`, the REAL one first.
    """
    studio = open_studio()
    target, donor = (film_identity(group, member, studio) for member in (0, 1))
    crf = CRFS[group % len(CRFS)]
    real = clip_name(target.name)
    write_video(out / real, target.frames, crf)
    records: dict[str, Record] = {
        real: {"label": "REAL", "split": "train", "original": None, "synthetic": True}
    }
    for method in METHOD_PAIRS[group // 2 % len(METHOD_PAIRS)]:
        name = clip_name(target.name, method)
        forged = METHODS[method].forge(target, donor, studio.alignment)
        write_video(out / name, forged, crf)
        records[name] = {
            "label": "FAKE",
            "split": "train",
            "original": real,
            "method": method,
            "donor": donor.name if METHODS[method].takes_donor else None,
            "synthetic": True,
        }
    return records


def film_identity(group: int, member: int, studio: Studio) -> Recording:
    """Film one of the two people of a group."""
    mesh, identity = studio.mesh, make_identity(group, member)
    texture, backdrop = paint(studio.canvas, identity), make_backdrop(identity.name)
    stage = Stage(mesh, identity, make_head(mesh, identity), texture, backdrop)
    performance = perform(identity.name, FRAMES, RATE)
    vertices = studio.alignment.vertices
    shots = [film(stage, performance, frame, vertices) for frame in range(FRAMES)]
    landmarks = track(np.stack([points for _, points in shots]), identity.name)
    return Recording(identity.name, [frame for frame, _ in shots], landmarks)


def clip_name(*words: str) -> str:
    """Return a file name of ten random letters, which does not reveal the label.

    The words seed the letters, so the same words always give the same name.
    """
    letters = seeded("clip", *words).integers(0, 26, 10)
    return "".join(chr(ord("a") + letter) for letter in letters) + ".mp4"


def write_video(path: Path, frames: Sequence[Image], crf: int) -> None:
    """Encode as H.264 in MP4; one thread and no dates, so that the bytes repeat.

    x264 keeps to AVX2: its AVX-512 code was seen to encode the same frames differently each time.
    """
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, RATE)
        stream.options = ENCODER | {"crf": str(crf)}
        for frame in frames:
            planes = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())


def contact_sheet(folder: Path, metadata: dict[str, Record]) -> Image:
    """One row for each of a few groups: the REAL clip and its two forgeries, decoded."""
    groups: dict[str, list[tuple[str, str]]] = {
        name: [("REAL", name)] for name, record in metadata.items() if record["label"] == "REAL"
    }
    for name, record in metadata.items():
        if record["label"] == "FAKE":
            groups[str(record["original"])].append((f"FAKE {record['method']}", name))
    chosen = list(groups.values())[:: len(groups) // SHEET_ROWS + 1]
    rows = [
        np.hstack([_thumbnail(folder / name, caption) for caption, name in row]) for row in chosen
    ]
    half = -(-len(rows) // 2)
    columns = [np.vstack(rows[:half]), np.vstack(rows[half:] + rows[: 2 * half - len(rows)])]
    return np.hstack(columns)


def _thumbnail(path: Path, caption: str) -> Image:
    """A captioned frame from the middle of a clip."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    small = cv2.resize(frames[SHEET_FRAME], THUMBNAIL, interpolation=cv2.INTER_AREA)
    bar = np.full((18, THUMBNAIL[0], 3), 24, np.uint8)
    cv2.putText(
        bar, f"{caption}  {path.stem}", (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (225, 225, 225), 1
    )
    return np.vstack([bar, small])


if __name__ == "__main__":
    main()
