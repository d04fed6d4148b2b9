from pathlib import Path

import pytest

from dfd.dataset.layouts import read_layout
from dfd.errors import DatasetError
from tests.dataset.layouts.trees import plant


def table(folder: Path, *lines: str) -> Path:
    plant(folder, "a.mp4", "b.mp4", "more/c, d.mp4")
    (folder / "videos.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_every_column_is_read(tmp_path: Path) -> None:
    table(
        tmp_path,
        "label,path,source,method,donor,group,part",
        "REAL,./a.mp4,,,,anna,train",
        "FAKE,b.mp4,more/../a.mp4,swap,gone.mp4,,test",
        'FAKE,"more/c, d.mp4",,,,,',
    )
    a, b, c = read_layout(tmp_path, "csv")
    assert (a.video, a.label, a.person, a.part, a.source) == (
        "a.mp4",
        "REAL",
        "anna",
        "train",
        None,
    )
    assert (b.source, b.donor, b.method, b.part) == ("a.mp4", "gone.mp4", "swap", "test")
    assert (c.video, c.person, c.part) == ("more/c, d.mp4", None, None)


def test_a_file_outside_keeps_its_path_and_gets_an_id_that_stays_inside(tmp_path: Path) -> None:
    plant(tmp_path, "other/x.mp4")
    absolute = (tmp_path / "other" / "x.mp4").as_posix()
    table(tmp_path / "set", "path,label,source", "../other/x.mp4,REAL,", f"b.mp4,FAKE,{absolute}")
    fake, real = read_layout(tmp_path / "set", "csv")
    assert real.path.samefile(absolute)
    assert real.video == f"outside{absolute}"
    assert ".." not in real.video
    assert fake.source == real.video


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["path", "a.mp4"], r"has no column 'label'"),
        (["video,label", "a.mp4,REAL"], r"has no column 'path'"),
        ([""], r"has no column 'path'"),
        (["path,label,colour", "a.mp4,REAL,red"], r"column 'colour' is unknown"),
        (["path,label,label", "a.mp4,REAL,REAL"], r"column 'label' is there twice"),
        (["path,label", "a.mp4,real"], r"line 2: the label is 'real'"),
        (["path,label,part", "a.mp4,REAL,val"], r"line 2: the part is 'val'"),
        (["path,label", "a.mp4,REAL", "gone.mp4,FAKE"], r"line 3: 'gone\.mp4' is neither a file"),
        (["path,label", ",REAL"], r"line 2: '' is neither a file"),
        (["path,label", "more,REAL"], r"line 2: 'more' is neither a file"),
        (["path,label", "a.mp4,REAL", "", "./a.mp4,FAKE"], r"line 4: .* is in line 2 already"),
        (["path,label", "a.mp4"], r"line 2: 1 cells under 2 columns"),
        (["path,label", '"a.mp4,REAL'], r"no CSV"),
        (["path,label", "a\0.mp4,REAL"], r"line 2"),
    ],
)
def test_a_wrong_table_is_refused_by_line(tmp_path: Path, lines: list[str], said: str) -> None:
    table(tmp_path, *lines)
    with pytest.raises(DatasetError, match=said) as caught:
        read_layout(tmp_path, "csv")
    assert str(tmp_path / "videos.csv") in str(caught.value)


def test_a_table_of_no_rows_or_none_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"videos\.csv: does not exist"):
        read_layout(tmp_path, "csv")
    table(tmp_path, "path,label")
    with pytest.raises(DatasetError, match="no video in it"):
        read_layout(tmp_path, "csv")


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    table(tmp_path)
    (tmp_path / "videos.csv").write_bytes("path,label\r\na.mp4,REAL\r\n".encode("utf-8-sig"))
    assert [video.video for video in read_layout(tmp_path, "csv")] == ["a.mp4"]
