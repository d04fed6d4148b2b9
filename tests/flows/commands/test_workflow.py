import shutil
from pathlib import Path

import pytest

from dfd.errors import DatasetError
from dfd.params.data import DatasetParams
from dfd.params.faces import FacesParams
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
    section, labels, parts, detector = use_videos(clips, None, params)
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
    assert detector is None


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


def test_ready_made_crops_need_no_face_detector_and_the_next_videos_do(
    tmp_path: Path, params: Path
) -> None:
    plant(tmp_path / "crops", "REAL/a.jpg", "FAKE/b.jpg")
    (tmp_path / "crops" / "faces.csv").write_text(
        "file,label,source\nREAL/a.jpg,REAL,\nFAKE/b.jpg,FAKE,REAL/a.jpg\n"
    )
    section, labels, _, detector = use_videos(tmp_path / "crops", None, params)
    assert (section.layout, labels, detector) == ("crops", {"REAL": 1, "FAKE": 1}, "none")
    assert load_section(FacesParams, params).detector == "none"
    assert use_videos(tmp_path / "crops", None, params)[3] is None
    plant(tmp_path / "videos", "REAL/a.mp4", "FAKE/a.mp4")
    assert use_videos(tmp_path / "videos", None, params)[3] == "retinaface-mobilenet"
    assert load_section(FacesParams, params).detector == "retinaface-mobilenet"
