import json
from pathlib import Path

import pandas as pd
import pytest

from dfd.dataset.groups import group_videos
from dfd.dataset.split import (
    PARTS,
    assign_parts,
    make_split,
    read_split,
    summarise,
)
from dfd.errors import SplitError
from dfd.files import write_table
from dfd.params import SplitFractions, SplitParams
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
