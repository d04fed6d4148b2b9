"""The cost of a scan: compared with decoding alone, and of the whole command."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import cv2

from benchmarks.clips import write_clip
from benchmarks.detectors import save_untrained
from benchmarks.faces import Figures, cpu_and_wall, decode
from benchmarks.workplace import ROOT
from dfd.params.faces import FacesParams
from dfd.params.section import load_section
from dfd.scan.worker import NamedDetector, scan_file
from dfd.video.frames import read_frames, sample_indices
from dfd.video.packets import list_packets

_FRAMES = 32
_CANDIDATE = "inception_resnet_v2"


def scan(folder: Path) -> Figures:
    """Scan 10 seconds of 1080p video at 32 frames, with InceptionResNetV2 at 128×128.

    The weights are random. The CPU time of the scan (decoding, faces and classification, with the
    networks already loaded) is divided by the CPU time of decoding the whole clip, and by that of
    decoding only what extraction needs, which skips frames that no sampled frame depends on. The
    cold time is the wall-clock time of the command ``dfd scan`` with the start of its process. All
    results are medians of 7 rounds; each round measures everything once.
    """
    cv2.setNumThreads(1)
    crop = load_section(FacesParams, ROOT / "params.yaml").crop
    directory = save_untrained(
        folder / "detector",
        _CANDIDATE,
        crop=crop.model_copy(update={"frames_per_video": _FRAMES}),
    )
    clip = write_clip(folder / "clip.mp4")
    detector = NamedDetector(directory, "bench")
    record = scan_file(clip, detector).record
    assert record.coverage.judged == _FRAMES
    rounds = [
        (
            cpu_and_wall(lambda: scan_file(clip, detector)),
            cpu_and_wall(lambda: _sampled(clip)),
            cpu_and_wall(lambda: decode(clip)),
            _command(clip, directory),
        )
        for _ in range(7)
    ]
    return {
        "scan.cpu_ratio_to_decode": median(ours[0] / full[0] for ours, _, full, _ in rounds),
        "scan.cpu_ratio_to_sampled_decode": median(
            ours[0] / needed[0] for ours, needed, *_ in rounds
        ),
        "scan.cpu_s_per_clip": median(ours[0] for ours, *_ in rounds),
        "scan.decode_cpu_s_per_clip": median(needed[0] for _, needed, *_ in rounds),
        "scan.cold_s_beyond_decode": median(cold - needed[1] for _, needed, _, cold in rounds),
        "scan.cold_s": median(cold for *_, cold in rounds),
    }


def _sampled(clip: Path) -> int:
    """Decode only the frames that extraction decodes."""
    packets = list_packets(clip)
    indices = sample_indices(packets.frames, _FRAMES)
    return sum(1 for _ in read_frames(clip, packets, indices))


def _command(clip: Path, directory: Path) -> float:
    """Return the wall-clock seconds of ``dfd scan``, from the start of its process to its end."""
    command = [
        sys.executable,
        "-m",
        "flows.commands",
        "scan",
        str(clip),
        "--model",
        str(directory),
    ]
    begun = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
