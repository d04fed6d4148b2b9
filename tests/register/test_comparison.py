import pandas as pd
import pytest

from dfd.register.comparison import comparable

Side = tuple[pd.DataFrame, pd.DataFrame]


def side(parts: dict[str, str], score: float) -> Side:
    """Return predictions and videos; content and group are the name's letter and number."""
    videos = pd.DataFrame(
        [(name, f"sha {name}", f"g{name[1]}", part) for name, part in parts.items()],
        columns=["video", "sha256", "group", "part"],
    )
    test = videos[videos["part"] == "test"]
    return test[["video", "group"]].assign(actual="FAKE", score=score), videos


def never(ids: list[str]) -> pd.Series:
    raise AssertionError(ids)


def test_on_the_same_test_part_the_known_scores_are_compared() -> None:
    parts = {"a1": "train", "a2": "test", "b2": "test"}
    table = comparable(side(parts, 0.7), side(parts, 0.4), never)
    assert table["video"].tolist() == ["a2", "b2"]
    assert set(table["challenger"]) == {0.7}
    assert set(table["champion"]) == {0.4}


def test_a_champion_that_knows_a_video_s_group_is_not_judged_on_it() -> None:
    ours = side({"a1": "test", "b1": "test", "a2": "test", "a3": "test"}, 0.7)
    theirs = side({"a1": "train", "a2": "validation", "a4": "test"}, 0.4)
    asked: list[str] = []

    def rescore(ids: list[str]) -> pd.Series:
        asked.extend(ids)
        return pd.Series(0.2, index=pd.Index(ids))

    table = comparable(ours, theirs, rescore)
    assert asked == ["a3"], "b1 is in the group of a1"
    assert table[["video", "champion"]].to_numpy().tolist() == [["a3", 0.2]]


def test_on_the_same_test_part_groups_the_champion_was_trained_on_do_not_count() -> None:
    """A group may have grown since the champion's split: b1 joined a2 and a1."""
    ours = side({"a2": "test", "b2": "test", "c2": "test"}, 0.7)
    joined = ours[1].assign(group=["x", "x", "y"])
    added = pd.DataFrame([("b1", "sha b1", "x", "train")], columns=joined.columns)
    theirs = side({"a2": "test", "b2": "test", "c2": "test", "b1": "train"}, 0.4)
    predictions = ours[0].assign(group=["x", "x", "y"])
    table = comparable((predictions, pd.concat([joined, added])), theirs, never)
    assert table["video"].tolist() == ["c2"]


def test_a_video_is_known_by_content_whatever_it_is_called() -> None:
    predictions, videos = side({"a1": "test"}, 0.7)
    renamed = videos.assign(video="other"), predictions.assign(video="other")
    table = comparable((renamed[1], renamed[0]), side({"a1": "test"}, 0.4), never)
    assert table["champion"].tolist() == [0.4]
    trained = side({"a1": "train", "b2": "test"}, 0.4)
    assert comparable((renamed[1], renamed[0]), trained, never).empty


def test_a_video_the_champion_finds_no_face_in_is_left_out() -> None:
    ours, theirs = side({"a1": "test", "a2": "test"}, 0.7), side({"a3": "test"}, 0.4)
    table = comparable(ours, theirs, lambda ids: pd.Series([0.3], index=pd.Index(ids[:1])))
    assert table["video"].tolist() == ["a1"]
    assert table["champion"].tolist() == pytest.approx([0.3])
