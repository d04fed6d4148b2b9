import json
from collections.abc import Callable

import jsonschema
import pytest

from dfd.scan.scanning import Scan
from dfd.scan.schema import PATH, verdict_schema
from tests.data import SAMPLE

CLIP = min(SAMPLE.glob("*.mp4"))


def test_the_schema_is_that_of_the_record() -> None:
    assert PATH.read_text() == verdict_schema(), "run `python -m dfd.scan.schema`"


def test_records_follow_the_schema_and_later_fields_may_join(
    judge: Callable[..., Scan], tmp_path
) -> None:
    schema = json.loads(PATH.read_text())
    (tmp_path / "text.mp4").write_text("no video")
    for path in (CLIP, tmp_path / "text.mp4"):
        record = json.loads(judge(path, "models/small").record.model_dump_json())
        jsonschema.validate(record, schema)
        jsonschema.validate({**record, "later": 1}, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**record, "verdict": "PROBABLY"}, schema)
