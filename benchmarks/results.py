"""The newest result of every benchmark, in ``benchmarks/results.json``."""

import json
from collections.abc import Mapping
from pathlib import Path

from dfd.files import write_json

_RESULTS = Path(__file__).parent / "results.json"


def keep(measured: Mapping[str, float]) -> dict[str, float]:
    """Write results over the earlier ones of the same names, and return all results."""
    kept = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {}
    kept |= {key: round(value, 4) for key, value in measured.items()}
    figures = dict(sorted(kept.items()))
    write_json(_RESULTS, figures)
    return figures
