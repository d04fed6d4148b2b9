"""The JSON schema of the verdict record, ``verdict.schema.json``.

Run ``python -m dfd.scan.schema`` to write the file again after a change of ``dfd/scan/record.py``
or ``dfd/scan/reasons.py``.
"""

import json
from pathlib import Path
from typing import Any

from dfd.files import write_text
from dfd.scan.reasons import REASONS
from dfd.scan.record import VerdictRecord

PATH = Path(__file__).with_name("verdict.schema.json")


def verdict_schema() -> str:
    """Return the schema (JSON Schema 2020-12) of verdict records, as the text of a JSON file.

    The schema allows unknown fields, because later records of the same version may have more.

    Example:
        >>> json.loads(verdict_schema())["properties"]["verdict"]["enum"]
        ['REAL', 'FAKE', 'INCONCLUSIVE']
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
    return json.dumps(_allowing_more(schema), indent=2) + "\n"


def _allowing_more(part: Any) -> Any:
    """Return a part of a schema without the keys that forbid unknown fields."""
    if isinstance(part, dict):
        return {
            key: _allowing_more(value)
            for key, value in part.items()
            if key != "additionalProperties"
        }
    return [_allowing_more(item) for item in part] if isinstance(part, list) else part


if __name__ == "__main__":
    write_text(PATH, verdict_schema())
