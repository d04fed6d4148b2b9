"""``python -m benchmarks [NAME…]``: run benchmarks and keep results in ``results.json``."""

import sys
import tempfile
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.results import keep

BOUNDS = {
    "faces.cpu_ratio_to_decode": "≤ 1.35",
    "faces.speedup_over_mtcnn_every_frame": "≥ 40",
    "faces.parallel_efficiency": "≥ 0.85",
    "faces.orchestration_share": "≤ 0.05",
    "faces.time_per_video_2000_over_100": "0.85 … 1.15",
    "faces.worker_peak_mb_on_10_min": "≤ 900",
    "faces.one_more_after_400_s": "≤ 20",
    "faces.one_more_changed_shards": "1",
    "copies.minutes_of_100000_videos": "≤ 10",
    "copies.peak_mb": "≤ 4096",
    "scan.cpu_ratio_to_decode": "≤ 2.2",
    "scan.cold_s_beyond_decode": "≤ 2.5",
    "train.feed_ratio": "≥ 0.97",
    "train.head_s_of_50_epochs": "≤ 10",
    "train.memory_mb_of_100000_crops": "≤ 4096",
    "train.onnx_difference": "≤ 1e-4",
    "train.onnx_speedup_over_keras": "≥ 1",
    **dict.fromkeys(("promise.broken_at_0.05", "promise.broken_at_0.10"), "≤ 0.12"),
    "promise.broken_at_0.20": "≤ 0.12",
    **dict.fromkeys(("traces.auc_of_bands", "traces.auc_of_grid"), "≤ 0.66"),
    "gate.equal": "≤ 0.05",
    "gate.worse": "≤ 0.02",
    "gate.twenty_in_turn": "≤ 0.1",
}
# The module of each benchmark. It is imported only when the benchmark runs, because importing the
# training code takes seconds.
MODULES = {
    **dict.fromkeys(("cost", "memory", "parallel", "scale", "orchestration", "mtcnn"), "faces"),
    "scan": "scan",
    **dict.fromkeys(("feed", "head", "store", "export"), "train"),
    "copies": "copies",
    "faults": "faults",
    "promise": "promise",
    "gate": "gate",
    "traces": "traces",
}
_ON_REQUEST = ("faults", "promise", "gate", "traces")  # these measure no speed, and take minutes


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all of speed; the results of the others stay as they are."""
    figures = keep({})
    for name in names or [name for name in MODULES if name not in _ON_REQUEST]:
        print(f"measuring {name} …", file=sys.stderr)
        measure = getattr(import_module(f"benchmarks.{MODULES[name]}"), name)
        with tempfile.TemporaryDirectory() as folder:
            figures = keep(measure(Path(folder)))
    table = Table("result", "measured", "target", box=None)
    for key, value in figures.items():
        table.add_row(key, f"{value:g}", BOUNDS.get(key, ""))
    Console(width=100).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
