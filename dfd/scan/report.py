"""The report of a scan: an HTML page that needs no other file and no network, and its PDF."""

import os
import re
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

import cv2
import numpy as np

from dfd.arrays import Images
from dfd.detector.card import load_card
from dfd.errors import ScanError
from dfd.extras import install_command
from dfd.faces.record import Crop
from dfd.files import readable, replacing, write_text
from dfd.pages import environment
from dfd.scan.heatmap import HeatMaps, heat_maps, overlaid
from dfd.scan.record import VerdictRecord
from dfd.scan.scanning import Scan, pixels
from dfd.scan.timeline import HEIGHT, WIDTH, timeline
from dfd.scan.words import chance_of, clock, explanation, headline, limits
from dfd.scoring.decision import THRESHOLD
from dfd.words import LEAK, SYNTHETIC, displayed, if_fake

_SUSPICIOUS = 6  # crops shown with their heat map
_THUMBNAILS = 8  # of each person
_SIDE = 224  # pixels of a shown crop
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PDF_LIMIT_S = 60


@dataclass(frozen=True)
class Shown:
    """A crop as the page shows it.

    Attributes:
        track: The number of its track, from 0.
        time: Where in the video it is, such as ``0:01.7``.
        score: Its score, 0..1.
        image: The crop as a JPEG in base64.
        heat: The crop under its heat map as a JPEG in base64; None where no map was made.
    """

    track: int
    time: str
    score: float
    image: str
    heat: str | None = None


def write_report(scan: Scan, detector: Path, folder: Path) -> Path:
    """Write the report of a scan as an HTML page, and as a PDF if Chromium or Chrome is installed.

    Args:
        scan: The scan.
        detector: Directory of the detector that judged the video. If another detector has been
            put there since, the page has no heat maps.
        folder: Where to write the files; the folder is made if it does not exist.

    Returns:
        The path of the page. The PDF has the same name with the ending ``.pdf``.

    Raises:
        ScanError: The folder cannot be written.
        DetectorError: The detector cannot be loaded.
    """
    heat = None
    if (worst := suspicious(scan)) and load_card(detector) == scan.card:
        heat = heat_maps(detector, np.stack([pixels(crop) for crop in worst]))
    page = report_page(scan, heat)
    path = folder / f"{report_name(scan)}.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, page)
        _write_pdf(path)
    except OSError as error:
        raise ScanError(
            f"{readable(folder)}: reports cannot be written ({error.strerror}); choose another "
            "folder"
        ) from error
    return path


def report_name(scan: Scan) -> str:
    """Return a file name for a report, without its ending.

    The name is valid on every file system. After the name of the video it holds the first digits
    of the SHA-256, so that only files of equal content share a report; for a file that could not
    be read, it holds a checksum of the path.
    """
    file = scan.record.file
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", file.name).strip(".-")[:60] or "video"
    identity = file.sha256[:12] or f"{crc32((file.path or file.name).encode()):08x}"
    return f"{clean}-{identity}"


def suspicious(scan: Scan) -> list[Crop]:
    """Return the crops with the highest scores, at most six, the highest first.

    There is none for a video outside the detector's domain, whose crops get no score.
    """
    scores = _scores(scan)
    scored = [crop for crop in scan.crops if (crop.track, crop.frame) in scores]
    ranked = sorted(scored, key=lambda crop: -scores[crop.track, crop.frame])
    return ranked[:_SUSPICIOUS]


def report_page(scan: Scan, heat: HeatMaps | None) -> str:
    """Return the report of a scan as one HTML document.

    Args:
        scan: The scan.
        heat: Heat maps of the crops ``suspicious(scan)``, in their order; None where there is no
            crop, or where the detector that judged has been replaced since.
    """
    record, card, scores = scan.record, scan.card, _scores(scan)

    def shown(crop: Crop, heat: str | None = None) -> Shown:
        score = scores[crop.track, crop.frame]
        return Shown(crop.track, clock(crop.time_s), score, _base64(pixels(crop)), heat)

    worst = suspicious(scan)
    overlays = (
        [_base64(overlaid(pixels(c), m)) for c, m in zip(worst, heat.maps, strict=True)]
        if heat
        else [None] * len(worst)
    )
    drawn = timeline(record, THRESHOLD, card.decision.band()) if record.tracks else None
    template = environment("dfd.scan").get_template("report.html")
    return template.render(
        record=record,
        card=card,
        name=displayed(record.file.name, 120),
        headline=headline(record),
        explanation=explanation(record),
        chance=None if record.probability is None else chance_of(record.probability),
        supposed=if_fake(record.prior),
        band=card.decision.band(record.prior),
        limits=limits(record, card),
        leak=LEAK if card.leaky else None,
        synthetic=SYNTHETIC if card.domain.synthetic else None,
        timeline=drawn,
        width=WIDTH,
        height=HEIGHT,
        people={
            track.track: [shown(crop) for crop in _spread(scan.crops, track.track)]
            for track in record.tracks
        },
        suspicious=[shown(crop, overlay) for crop, overlay in zip(worst, overlays, strict=True)],
        method=heat.method if heat else "",
        finer=heat.finer if heat else "",
        reader=None if find_spec("c2pa") else install_command("provenance"),
    )


def index_page(reports: Sequence[tuple[VerdictRecord, str]]) -> str:
    """Return an HTML document with a row for each scan that links the scan's report.

    Args:
        reports: The record of each scan, and the address of its report relative to the page.
    """
    return (
        environment("dfd.scan")
        .get_template("index.html")
        .render(rows=reports, supposed=if_fake(reports[0][0].prior))
    )


def _scores(scan: Scan) -> dict[tuple[int, int], float]:
    """Return the score of each crop by its track and frame."""
    return {
        (track.track, frame.frame): frame.score
        for track in scan.record.tracks
        for frame in track.frames
    }


def _spread(crops: tuple[Crop, ...], track: int) -> list[Crop]:
    """Return at most ``_THUMBNAILS`` crops of a track, spread evenly over its time."""
    of_track = [crop for crop in crops if crop.track == track]
    places = np.linspace(0, len(of_track) - 1, min(_THUMBNAILS, len(of_track))).round().astype(int)
    return [of_track[place] for place in places]


def _base64(image: Images) -> str:
    """Return an RGB image as a JPEG in base64, with sides of ``_SIDE`` pixels."""
    how = cv2.INTER_AREA if len(image) > _SIDE else cv2.INTER_CUBIC
    scaled = cv2.resize(image, (_SIDE, _SIDE), interpolation=how)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(scaled, cv2.COLOR_RGB2BGR), quality)
    return b64encode(encoded.tobytes()).decode("ascii")


def _write_pdf(page: Path) -> None:
    """Write the PDF of a page by printing it in a browser, if one is installed and can print."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        return
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as scratch:
        printed = Path(scratch) / "page.pdf"
        command = [
            *(browser, "--headless", "--disable-gpu", "--disable-background-networking", *root),
            *("--no-pdf-header-footer", f"--user-data-dir={scratch}/profile"),
            *(f"--print-to-pdf={printed}", page.resolve().as_uri()),
        ]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, capture_output=True, timeout=_PDF_LIMIT_S, check=False)
        if printed.exists():
            with replacing(page.with_suffix(".pdf")) as target:
                shutil.copyfile(printed, target)
