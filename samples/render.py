"""Render the embedded sample: synthetic talking heads and face swaps between them.

Twelve pairs of identities are filmed, one REAL clip each. Each identity is then the target of two
FAKE clips with its partner's face, one per blending method. Real and fake frames come from the same
noisy camera and go through the same encoder, and no file name reveals a label.

Run from the root of the repository; the same command gives the same bytes on the same machine::

    python -m samples.render --out samples/videos
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from samples.head import make_head, perform
from samples.identity import make_identity, seeded
from samples.mesh import Mesh, cache_folder, fetch_wheel, load_mesh
from samples.paint import Canvas, make_canvas, paint
from samples.scene import HEIGHT, WIDTH, Stage, film, make_backdrop
from samples.swap import Alignment, Method, make_alignment, swap, track

Floats = NDArray[np.floating[Any]]
Image = NDArray[Any]
Record = dict[str, str | None]

PAIRS = 12
FRAMES = 60
RATE = 25
ENCODER = {"crf": "21.5", "preset": "slow", "threads": "1", "x264-params": "asm=avx2"}
METHODS: tuple[Method, ...] = get_args(Method)
SHEET_ROWS = 4
SHEET_FRAME = 30
THUMBNAIL = (160, 120)


@dataclass(frozen=True)
class Clip:
    """A filmed clip before encoding.

    Attributes:
        name: File name.
        frames: `FRAMES` frames, (HEIGHT, WIDTH, 3) uint8, blue, green, red.
        landmarks: (FRAMES, L, 2) tracked landmarks.
    """

    name: str
    frames: list[Image]
    landmarks: Floats


def main(arguments: Sequence[str] | None = None) -> None:
    """Render every clip, `metadata.json` beside them, and the contact sheet above them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("samples/videos"), help="folder for the clips"
    )
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    mesh = load_mesh(fetch_wheel(cache_folder()))
    canvas, alignment = make_canvas(mesh), make_alignment(mesh)
    metadata: dict[str, Record] = {}
    for pair in range(PAIRS):
        metadata |= render_pair(pair, mesh, canvas, alignment, options.out)
        print(f"pair {pair + 1} of {PAIRS}: {len(metadata)} clips")
    text = json.dumps(dict(sorted(metadata.items())), indent=1)
    (options.out / "metadata.json").write_text(text + "\n")
    cv2.imwrite(str(options.out.parent / "contact_sheet.png"), contact_sheet(options.out, metadata))


def render_pair(
    pair: int, mesh: Mesh, canvas: Canvas, alignment: Alignment, out: Path
) -> dict[str, Record]:
    """Film both members of a pair, forge each with the other's face, and write the six clips.

    Returns:
        The clips' entries for `metadata.json`.
    """
    real = [film_identity(pair, member, mesh, canvas, alignment) for member in (0, 1)]
    records: dict[str, Record] = {}
    for target, donor in (real, real[::-1]):
        write_video(out / target.name, target.frames)
        records[target.name] = {"label": "REAL", "split": "train", "original": None}
        for method in METHODS:
            name = clip_name(target.name, method)
            write_video(out / name, forge(target, donor, alignment, method))
            records[name] = {
                "label": "FAKE",
                "split": "train",
                "original": target.name,
                "method": method,
                "donor": donor.name,
            }
    return records


def film_identity(pair: int, member: int, mesh: Mesh, canvas: Canvas, alignment: Alignment) -> Clip:
    """Film one member of a pair."""
    identity = make_identity(pair, member)
    texture, backdrop = paint(canvas, identity), make_backdrop(identity.name)
    stage = Stage(mesh, identity, make_head(mesh, identity), texture, backdrop)
    performance = perform(identity.name, FRAMES, RATE)
    shots = [film(stage, performance, frame, alignment.vertices) for frame in range(FRAMES)]
    landmarks = track(np.stack([points for _, points in shots]), identity.name)
    return Clip(clip_name(identity.name), [frame for frame, _ in shots], landmarks)


def forge(target: Clip, donor: Clip, alignment: Alignment, method: Method) -> list[Image]:
    """Put the donor's face into every frame of the target, the donor's clip running in step."""
    shots = zip(target.frames, target.landmarks, donor.frames, donor.landmarks, strict=True)
    return [swap(*shot, alignment, method) for shot in shots]


def clip_name(*words: str) -> str:
    """Return a file name of ten random letters, which does not reveal the label.

    The words seed the letters, so the same words always give the same name.
    """
    letters = seeded("clip", *words).integers(0, 26, 10)
    return "".join(chr(ord("a") + letter) for letter in letters) + ".mp4"


def write_video(path: Path, frames: Sequence[Image]) -> None:
    """Encode as H.264 in MP4; one thread and no dates, so that the bytes repeat.

    x264 keeps to AVX2: its AVX-512 code was seen to encode the same frames differently each time.
    """
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, RATE)
        stream.options = ENCODER
        for frame in frames:
            planes = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())


def contact_sheet(folder: Path, metadata: dict[str, Record]) -> Image:
    """One row for each of a few targets: real, donor and both fakes, decoded from the clips."""
    fakes = {
        (r["original"], r["method"]): name for name, r in metadata.items() if r["label"] == "FAKE"
    }
    donors = {r["original"]: r["donor"] for r in metadata.values() if r["label"] == "FAKE"}
    rows = []
    for target in list(donors)[:: max(1, len(donors) // SHEET_ROWS)][:SHEET_ROWS]:
        cells = [("REAL", target), ("donor", donors[target])]
        cells += [(f"FAKE {method}", fakes[target, method]) for method in METHODS]
        rows.append(np.hstack([_thumbnail(folder / str(name), caption) for caption, name in cells]))
    return np.vstack(rows)


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
