from pathlib import Path

import pytest

from dfd.dataset.layouts import read_layout
from dfd.errors import DatasetError
from tests.dataset.layouts.trees import plant


def table(folder: Path, *lines: str) -> Path:
    plant(folder, "REAL/a.jpg", "FAKE/b.jpg", "c.png")
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_the_table_says_what_each_crop_is_and_other_columns_do_not_matter(tmp_path: Path) -> None:
    table(
        tmp_path,
        "width,file,label,source,note",
        "155,REAL/a.jpg,REAL,,",
        '90,FAKE/b.jpg,FAKE,REAL/a.jpg,"a, b"',
    )
    (tmp_path / "other.csv").write_text("name,value\n")
    fake, real = read_layout(tmp_path, "crops")
    assert (real.video, real.label, real.source) == ("REAL/a.jpg", "REAL", None)
    assert (fake.video, fake.label, fake.source) == ("FAKE/b.jpg", "FAKE", "REAL/a.jpg")
    assert fake.path == tmp_path / "FAKE" / "b.jpg"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("gone.jpg,REAL,", r"line 3: 'gone\.jpg' is no file below"),
        ("../outside.jpg,REAL,", r"line 3: '\.\./outside\.jpg' is no file below"),
        ("c.png,maybe,", "line 3: the label is 'maybe'"),
        ("REAL/a.jpg,REAL,", r"line 3: 'REAL/a\.jpg' is in the table twice"),
        ("c.png", "line 3: the label is ''"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, line: str, problem: str) -> None:
    plant(tmp_path, "outside.jpg")
    folder = table(tmp_path / "set", "file,label,source", "REAL/a.jpg,REAL,", line)
    with pytest.raises(DatasetError, match=problem) as caught:
        read_layout(folder, "crops")
    assert "\n" not in str(caught.value)


def test_two_tables_are_one_too_many(tmp_path: Path) -> None:
    table(tmp_path, "file,label,source", "REAL/a.jpg,REAL,")
    (tmp_path / "more.csv").write_text("file,label,source\n")
    with pytest.raises(DatasetError, match=r"must hold one \.csv file .* but has 2"):
        read_layout(tmp_path, "crops")
