from pathlib import Path

import pytest
from prefect.logging import disable_run_logger

from dfd.errors import TrainError
from dfd.params.training import load_candidate
from tasks.train import train_detector
from tests.data import ROOT


@pytest.mark.parametrize(
    ("key", "name"), [("backbone", "mesonett"), ("finetune_from", "meso_conf4")]
)
def test_a_wrong_name_is_an_error_before_the_crops_are_opened(
    key: str, name: str, tmp_path: Path
) -> None:
    params = load_candidate("mesonet", ROOT / "params.yaml").model_copy(update={key: name})
    absent = tmp_path / "absent"  # reading anything from here would raise another error
    with (
        disable_run_logger(),
        pytest.raises(TrainError, match=rf"^candidates\.mesonet\.{key}: .*'{name}'"),
    ):
        train_detector.fn(
            candidate="mesonet",
            params=params,
            crop=None,
            split_params=None,
            **dict.fromkeys(
                ("faces", "split", "store", "checkpoint", "detector", "metrics", "history"), absent
            ),
            on_step=lambda name, step, steps: None,
        )
    assert not absent.exists()
