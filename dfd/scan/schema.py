"""The JSON schema of the verdict record, ``verdict.schema.json``.

``python -m dfd.scan.schema`` writes it anew after ``dfd/scan/record.py`` has changed.
"""

import json
from pathlib import Path
from typing import Any

from dfd.files import write_text
from dfd.scan.reasons import REASONS
from dfd.scan.record import VerdictRecord

PATH = Path(__file__).with_name("verdict.schema.json")


def verdict_schema() -> str:
    """Return the schema, JSON Schema 2020-12, of the records that are written.

    Fields it does not know are allowed, since later records of the same version may have more.
    """
    schema = VerdictRecord.model_json_schema(mode="serialization")
    schema["$defs"]["Reason"]["properties"]["code"] |= {
        "examples": list(REASONS),
        "description": " ".join(
            f"{kind.code} ({'no verdict' if kind.decisive else 'caution'}): {kind.sentence}"
            for kind in REASONS.values()
        ),
    }
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(_open(schema), indent=2) + "\n"


def _open(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _open(value) for key, value in part.items() if key != "additionalProperties"}
    return [_open(one) for one in part] if isinstance(part, list) else part


if __name__ == "__main__":
    write_text(PATH, verdict_schema())
