from pathlib import Path

import pandas as pd
import pytest
from prefect.logging import disable_run_logger

from dfd.dataset.table import COLUMNS
from dfd.errors import SplitError
from dfd.params.data import SplitParams
from tasks.split import split_videos
from tests.dataset.projects import FRACTIONS


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of 24 clips, each its own group, of two labels."""
    names = [f"{number:02}.mp4" for number in range(24)]
    table = pd.DataFrame({"video": names, "group": names, "label": ["REAL", "FAKE"] * 12})
    table = table.assign(synthetic=False).reindex(columns=COLUMNS)
    table.to_csv(tmp_path / "videos.csv", index=False)
    return tmp_path / "videos.csv"


def test_without_faces_people_are_compared_only_where_it_is_asked(index: Path) -> None:
    params = SplitParams(protocol="group", seed=7, fractions=FRACTIONS, people="auto")
    split, faces = index.parent / "split.csv", index.parent / "faces"
    with disable_run_logger():
        assert split_videos.fn(index, params, faces, split)["leaky"] is False
        wanted = params.model_copy(update={"people": True})
        with pytest.raises(SplitError, match=r"split\.people: there are no crops"):
            split_videos.fn(index, wanted, faces, split)
