"""The cost of the stage ``faces``: compared with decoding, with MTCNN on every frame, and at scale.

Every public function that takes a folder is one benchmark and returns its results by name.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import av
import cv2

from benchmarks.clips import SAMPLE, repeat, write_clip
from benchmarks.workplace import ROOT, Workplace, workplace
from dfd.faces import worker
from dfd.faces.detectors import load_face_detector
from dfd.faces.extract import extract_faces
from dfd.isolation import Limits, WorkerPool
from dfd.params.faces import CropParams, FacesParams
from dfd.params.section import load_section

Figures = dict[str, float]
_FRAMES = 32


def _params() -> CropParams:
    crop = load_section(FacesParams, ROOT / "params.yaml").crop
    return crop.model_copy(update={"frames_per_video": _FRAMES})


def cpu_and_wall(call: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU seconds and the wall-clock seconds that a call takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - cpu, time.perf_counter() - wall


def decode(clip: Path) -> int:
    """Decode every frame of a clip on one thread."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        return sum(1 for _ in container.decode(stream))


def cost(folder: Path) -> Figures:
    """CPU time of extraction divided by that of decoding the clip, on one thread; 7 pairs."""
    cv2.setNumThreads(1)
    clip, params = write_clip(folder / "clip.mp4"), _params()
    detector = load_face_detector(params)
    faces = extract_faces(clip, params, detector)
    assert faces.kept == faces.asked == _FRAMES
    pairs = [
        (
            cpu_and_wall(lambda: extract_faces(clip, params, detector))[0],
            cpu_and_wall(lambda: decode(clip))[0],
        )
        for _ in range(7)
    ]
    return {
        "faces.cpu_ratio_to_decode": median(ours / decode for ours, decode in pairs),
        "faces.cpu_s_per_clip": median(ours for ours, _ in pairs),
        "faces.decode_cpu_s_per_clip": median(decode for _, decode in pairs),
    }


def mtcnn(folder: Path) -> Figures:
    """Wall-clock time of the package mtcnn on every frame divided by that of this extraction."""
    try:
        from mtcnn import MTCNN
    except ImportError:
        print("mtcnn is not installed: pip install -e '.[bench]'")
        return {}
    clip, params = write_clip(folder / "clip.mp4"), _params()
    detector, usual = load_face_detector(params), MTCNN()

    def every_frame() -> int:
        found = 0
        with av.open(str(clip)) as container:
            for frame in container.decode(video=0):
                found += bool(usual.detect_faces(frame.to_ndarray(format="rgb24")))
        return found

    extract_faces(clip, params, detector)
    ours = median(cpu_and_wall(lambda: extract_faces(clip, params, detector))[1] for _ in range(5))
    theirs = cpu_and_wall(every_frame)
    return {
        "faces.speedup_over_mtcnn_every_frame": theirs[1] / ours,
        "faces.mtcnn_every_frame_wall_s": theirs[1],
        "faces.wall_s_per_clip": ours,
    }


def _extract_all(pool: WorkerPool, workers: int, clips: list[Path], store: Path) -> float:
    """Return the seconds that the pool takes for the clips once its processes are ready."""
    params = _params()
    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(lambda _: pool.run(worker.prepare, params), range(4 * workers)))
        begun = time.perf_counter()
        keys = range(len(clips))
        jobs = [(store, f"{key}", clip, params) for key, clip in zip(keys, clips, strict=True)]
        list(threads.map(lambda job: pool.run(worker.extract_into, *job), jobs))
        return time.perf_counter() - begun


def peak_mb() -> float:
    """Return the peak resident memory of this process in MB (Linux only).

    ``getrusage`` would count the parent's up to the moment the process was started.
    """
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def parallel(folder: Path) -> Figures:
    """Time of one worker divided by twice that of two workers, 24 clips; median of three pairs."""
    clips = [write_clip(folder / "clip.mp4")] * 24
    ratios = []
    for _ in range(3):
        walls = []
        for workers in (1, 2):
            with WorkerPool(workers, Limits(600, 2048)) as pool:
                walls.append(_extract_all(pool, workers, clips, folder / "store"))
        ratios.append(walls[0] / (2 * walls[1]))
    return {"faces.parallel_efficiency": median(ratios)}


def memory(folder: Path) -> Figures:
    """Peak resident memory of a worker on 10 seconds and on 10 minutes of 1080p video."""
    short = write_clip(folder / "clip.mp4")
    long = repeat(short, folder / "long.mp4", 60)
    figures = {}
    for name, clip in (("10_s", short), ("10_min", long)):
        with WorkerPool(1, Limits(600, 2048)) as pool:
            begun = time.perf_counter()
            pool.run(worker.extract_into, folder / "store", name, clip, _params())
            figures[f"faces.worker_s_on_{name}"] = time.perf_counter() - begun
            figures[f"faces.worker_peak_mb_on_{name}"] = pool.run(peak_mb)
    return figures


def orchestration(folder: Path) -> Figures:
    """Share of the wall-clock time that goes to orchestration, with 400 clips; and one clip more.

    Orchestration is the time in which the workers are idle, before the first video and after the
    last one, and the CPU time of the flow and the Prefect server. The share is not measured as the
    difference of a run with Prefect and one without: two runs that are minutes apart differ by more
    than that. Afterwards the stage runs again with one clip more.
    """
    clip = write_clip(folder / "clip.mp4")
    with workplace(folder) as place:
        place.set_params(frames_per_video=_FRAMES)
        place.set_videos([clip], 400)
        stage = place.run()
        before = _shards(place)
        place.set_videos([clip], 401)
        one_more = place.run()
        after = _shards(place)
    processors = os.cpu_count() or 1
    per_video = processors * (stage["last_s"] - stage["first_s"]) / 399
    idle = stage["wall_s"] - (stage["last_s"] - stage["first_s"]) - per_video
    busy = (stage["cpu_s"] + stage["server_cpu_s"]) / processors
    return {
        "faces.orchestration_share": (idle + busy) / stage["wall_s"],
        "faces.prefect_cpu_ms_per_video": 1000 * busy * processors / 400,
        "faces.videos_per_s_at_400": 400 / stage["wall_s"],
        "faces.one_more_after_400_s": one_more["wall_s"],
        "faces.one_more_changed_shards": sum(before[name] != after[name] for name in before),
    }


def _shards(place: Workplace) -> dict[str, bytes]:
    shards = (place.folder / "data" / "faces").glob("*.tar")
    return {path.name: path.read_bytes() for path in shards}


def scale(folder: Path) -> Figures:
    """Time per video and peak memory of the flow, with 2,000 and with 100 short clips."""
    clips = sorted(SAMPLE.glob("*.mp4"))
    per_video, peaks = {}, {}
    with workplace(folder) as place:
        place.set_params()
        for count in (100, 2000):
            place.clear(".cache", "data/faces")
            place.set_videos(clips, count)
            stage = place.run()
            per_video[count] = (stage["wall_s"] - stage["first_s"]) / (count - 1)
            peaks[count] = stage["peak_mb"]
    return {
        "faces.time_per_video_2000_over_100": per_video[2000] / per_video[100],
        "faces.flow_peak_mb_at_100": peaks[100],
        "faces.flow_peak_mb_at_2000": peaks[2000],
    }
