import json
from pathlib import Path

import pandas as pd
import pytest

from dfd.dataset.groups import group_videos
from dfd.errors import SplitError
from dfd.files import write_table
from dfd.labels import PARTS
from dfd.params.data import SplitFractions, SplitParams
from dfd.split.protocols import make_split
from dfd.split.table import assign_parts, leaks, read_split, summarise
from tests.data import DFDC_LABELS

FRACTIONS = SplitFractions(train=0.6, validation=0.2, test=0.2)


def params(protocol: str = "group", seed: int = 1) -> SplitParams:
    return SplitParams(protocol=protocol, seed=seed, fractions=FRACTIONS)  # type: ignore[arg-type]


def videos(groups: int = 20, fakes: int = 3) -> pd.DataFrame:
    rows = [
        (f"{group:02}-{n}", f"{group:02}-0" if n else None, f"g{group:02}", "FAKE" if n else "REAL")
        for group in range(groups)
        for n in range(fakes + 1)
    ]
    return pd.DataFrame(rows, columns=["video", "source", "group", "label"])


def test_no_group_crosses_and_both_classes_follow_the_fractions() -> None:
    split = make_split(videos(), params())
    assert (split.groupby("group")["part"].nunique() == 1).all()
    shares = pd.crosstab(split["part"], split["label"], normalize="columns")
    for part in PARTS:
        for label in ("REAL", "FAKE"):
            wanted = getattr(FRACTIONS, part)
            assert shares.loc[part, label] == pytest.approx(wanted, abs=0.051)


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    first = make_split(videos(), params(seed=1))
    assert first.equals(make_split(videos().sample(frac=1, random_state=5), params(seed=1)))
    assert not first.equals(make_split(videos(), params(seed=2)))


def test_groups_of_uneven_size_keep_the_rare_class_everywhere() -> None:
    table = pd.concat(
        [
            videos(6, 1),
            videos(40, 2).query("label == 'FAKE'").assign(group=lambda t: "x" + t["group"]),
        ]
    )
    table["video"] = [str(number) for number in range(len(table))]
    counts = pd.crosstab(*(make_split(table, params())[c] for c in ("part", "label")))
    assert (counts > 0).all(axis=None)


def test_a_part_without_one_class_is_refused_by_name() -> None:
    with pytest.raises(
        SplitError, match=r"part 'test' would hold no REAL video .*split\.fractions"
    ):
        make_split(videos(groups=2), params())


def test_summary_counts_and_a_crossing_group_is_an_error() -> None:
    split = make_split(videos(), params())
    summary = summarise(split, params())
    assert summary["groups_crossing"] == 0
    assert not summary["leaky"]
    assert sum(part["videos"] for part in summary["parts"].values()) == 80
    assert sum(part["groups"] for part in summary["parts"].values()) == 20
    split.loc[split["group"] == "g03", "part"] = [*PARTS, "train"]
    with pytest.raises(SplitError, match="'g03' lies in more than one part"):
        summarise(split, params())


def test_protocol_frame_is_marked_and_puts_every_video_on_all_sides() -> None:
    leaky = params("frame")
    split = make_split(videos(4), leaky)
    assert summarise(split, leaky)["leaky"]
    crops = pd.DataFrame(
        [(video, frame) for video in split["video"] for frame in range(200)],
        columns=["video", "frame"],
    )
    joined = assign_parts(crops, split, leaky)
    assert (joined.groupby("video")["part"].nunique() == 3).all()
    shares = joined["part"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.6, abs=0.03)
    assert joined.equals(assign_parts(crops, split, leaky))


def official(*parts: str | None) -> pd.DataFrame:
    """Return ten groups for each of ``parts``."""
    table = videos(10 * len(parts))
    return table.assign(part=table["group"].map(lambda group: parts[int(group[1:]) // 10]))


def test_official_parts_are_followed() -> None:
    table = official(*PARTS)
    split = make_split(table.sample(frac=1, random_state=3), params("official"))
    assert split["part"].tolist() == table["part"].tolist()
    summary = summarise(split, params("official"))
    assert (summary["leaky"], summary["groups_crossing"]) == (False, 0)


def test_a_validation_part_the_data_set_lacks_is_dealt_by_group_from_training() -> None:
    table = official("train", "train", "train", "train", "test")
    split = make_split(table, params("official"))
    assert split["part"].eq("test").tolist() == table["part"].eq("test").tolist()
    training = split[split["part"] != "test"]
    assert (training.groupby("group")["part"].nunique() == 1).all()
    assert training["part"].eq("validation").mean() == pytest.approx(0.25)  # 0.2 of 0.6 + 0.2
    assert not leaks(split)


def test_groups_that_the_official_split_lets_cross_are_counted_and_mark_it() -> None:
    table = official("train", "train", "train", "train", "test")
    known = table["group"].isin(["g03", "g17"]) & table["video"].str.endswith("-3")
    table["part"] = table["part"].mask(known, "test")
    split = make_split(table, params("official"))
    assert leaks(split)
    summary = summarise(split, params("official"))
    assert (summary["protocol"], summary["leaky"], summary["groups_crossing"]) == (
        "official",
        True,
        2,
    )
    crops = pd.DataFrame({"video": ["03-0", "03-3"], "frame": [1, 1]})
    parts = assign_parts(crops, split, params("official"))["part"].tolist()
    assert parts[0] in ("train", "validation")
    assert parts[1] == "test"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((None, None, None), r"no official part for 120 of 120 .*'00-0'.*split\.protocol: group"),
        (("train", None, "test"), r"no official part for 40 of 120 videos, the first is '10-0'"),
        (("train", "validation", "train"), r"'test' would hold no REAL .*split\.protocol: group"),
        (("test", "test", "test"), r"'train' would hold no REAL"),
    ],
)
def test_an_official_split_that_is_not_one_is_refused(
    parts: tuple[str | None, ...], said: str
) -> None:
    with pytest.raises(SplitError, match=said):
        make_split(official(*parts), params("official"))


def test_crops_take_the_part_of_their_video(tmp_path: Path) -> None:
    split = make_split(videos(), params())
    write_table(tmp_path / "split.csv", split)
    read = read_split(tmp_path / "split.csv")
    crops = pd.DataFrame({"video": ["03-0", "03-2", "07-1"], "frame": [1, 2, 3]})
    joined = assign_parts(crops, read, params())
    assert joined["label"].tolist() == ["REAL", "FAKE", "FAKE"]
    assert joined["source"].fillna("").tolist() == ["", "03-0", "07-0"]
    assert joined["part"].iloc[0] == joined["part"].iloc[1]
    with pytest.raises(SplitError, match="'new' has crops but no part"):
        assign_parts(pd.DataFrame({"video": ["new"], "frame": [0]}), read, params())


@pytest.mark.skipif(not DFDC_LABELS.is_file(), reason="the DFDC labels are not here")
def test_the_real_dfdc_labels_split_into_valid_parts() -> None:
    labels = json.loads(DFDC_LABELS.read_text())
    table = pd.DataFrame({"video": list(labels), "label": [v["label"] for v in labels.values()]})
    links = [(name, v["original"]) for name, v in labels.items() if v["original"]]
    table["group"] = group_videos(table["video"].tolist(), links)
    table["source"] = table["video"].map(dict(links))
    summary = summarise(make_split(table, params()), params())
    assert summary["majority_accuracy"] == pytest.approx(0.8075)
    for part in PARTS:
        counts = summary["parts"][part]
        assert counts["videos"] == pytest.approx(400 * getattr(FRACTIONS, part), abs=4)
        assert counts["REAL"] == pytest.approx(77 * getattr(FRACTIONS, part), abs=4)
