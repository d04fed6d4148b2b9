import shutil
from pathlib import Path

import pytest

from dfd.errors import DatasetError
from dfd.params.data import DatasetParams
from dfd.params.section import load_section
from flows.commands.workflow import use_videos
from tests.data import ROOT
from tests.dataset.layouts.trees import plant


@pytest.fixture
def params(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml"))


def test_the_folder_tells_the_layout_and_its_official_parts(tmp_path: Path, params: Path) -> None:
    clips = tmp_path / "FFIW10K"
    plant(clips, "source/train/a.mp4", "target/train/a.mp4", "target/val/b.mp4")
    section, labels, parts = use_videos(clips, None, params)
    assert section == DatasetParams(videos=clips.as_posix(), layout="ffiw", name="FFIW10K")
    assert load_section(DatasetParams, params) == section
    given = (ROOT / "params.yaml").read_text().splitlines()
    differing = [
        new for old, new in zip(given, params.read_text().splitlines(), strict=True) if old != new
    ]
    keys = {line.split(":")[0].strip() for line in differing}
    assert keys <= {"videos", "layout", "name"}, "another line of the file has changed"
    assert labels == {"REAL": 1, "FAKE": 2}
    assert parts == {"train": 2, "validation": 1}


def test_a_layout_can_be_chosen_where_the_folder_has_several(tmp_path: Path, params: Path) -> None:
    for compression in ("c23", "c40"):
        plant(tmp_path / "ff", f"manipulated_sequences/Deepfakes/{compression}/videos/000_003.mp4")
    before = params.read_text()
    with pytest.raises(DatasetError, match="choose one with --layout"):
        use_videos(tmp_path / "ff", None, params)
    with pytest.raises(DatasetError, match="no layout 'c40'"):
        use_videos(tmp_path / "ff", "c40", params)
    assert params.read_text() == before
    assert use_videos(tmp_path / "ff", "faceforensics-c40", params)[0].layout == "faceforensics-c40"
