import pandas as pd

from dfd.audit.labels import check_groups, check_identical_files, check_labels


def table(*rows: tuple[str, str, str | None, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["video", "label", "source", "group", "sha256", "part"])


SOUND = table(
    ("a", "REAL", None, "a", "1", "train"),
    ("b", "FAKE", "a", "a", "2", "train"),
    ("c", "REAL", None, "c", "3", "test"),
    ("d", "FAKE", "gone", "d", "4", "test"),
)


def test_a_sound_table_passes() -> None:
    for check in (check_groups, check_identical_files, check_labels):
        assert check(SOUND).findings == ()


def test_a_group_in_two_parts_is_a_leak_that_names_its_videos() -> None:
    (found,) = check_groups(SOUND.assign(part=["train", "test", "test", "test"])).findings
    assert (found.kind, found.severity, found.videos) == ("group_crosses", "leak", ("a", "b"))
    assert "a (train), b (test)" in found.text


def test_a_source_in_another_part_is_a_leak_though_the_groups_say_otherwise() -> None:
    apart = SOUND.assign(part=["train", "test", "test", "test"], group=["a", "b", "c", "d"])
    (found,) = check_groups(apart).findings
    assert (found.kind, found.severity, found.videos) == ("source_crosses", "leak", ("b", "a"))


def test_a_file_in_two_parts_is_a_leak() -> None:
    (found,) = check_identical_files(SOUND.assign(sha256=["1", "2", "1", "4"])).findings
    assert (found.kind, found.severity, found.videos) == ("identical_files", "leak", ("a", "c"))


def test_contradicting_labels_are_warnings() -> None:
    twice = check_labels(SOUND.assign(sha256=["1", "1", "3", "4"])).findings
    own = check_labels(SOUND.assign(source=[None, "b", None, "gone"])).findings
    fake = check_labels(SOUND.assign(source=[None, "a", None, "b"])).findings
    assert [(found.kind, found.videos) for found in (*twice, *own, *fake)] == [
        ("two_labels", ("a", "b")),
        ("own_source", ("b",)),
        ("fake_source", ("b", "d")),
    ]
    assert {found.severity for found in (*twice, *own, *fake)} == {"warning"}


def test_many_videos_are_counted_rather_than_named() -> None:
    rows = [(f"v{n}", "REAL", None, "g", str(n), "test" if n else "train") for n in range(9)]
    (found,) = check_groups(table(*rows)).findings
    assert found.text.endswith("v3 (test) and 5 more.")
    assert len(found.videos) == 9
