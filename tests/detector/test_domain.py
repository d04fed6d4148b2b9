import numpy as np
import pandas as pd
import pytest

from dfd.detector.appearance import STATISTICS, names
from dfd.detector.domain import Domain, domain_of, fit_appearance, outside_domain


def test_the_domain_is_that_of_the_videos_trained_on() -> None:
    videos = pd.DataFrame(
        [
            ("r1", "REAL", None, "dfdc"),
            ("f1", "FAKE", "swap", "dfdc"),
            ("f2", "FAKE", None, "celebdf"),
            ("f3", "FAKE", "reenact", "unseen"),
        ],
        columns=["video", "label", "method", "dataset"],
    ).assign(synthetic=[True, True, False, True])
    crops = pd.DataFrame({"video": ["r1", "f1", "f2"] * 100}).assign(
        x1=10.0, y1=20.0, x2=50.0, y2=np.linspace(60.0, 220.0, 300), sharpness=np.arange(300.0)
    )
    domain = domain_of(crops, videos)
    assert domain.datasets == ("celebdf", "dfdc")
    assert domain.methods == ("swap",)
    assert (domain.real_videos, domain.fake_videos) == (1, 2)
    assert domain.face_size == (48.0, 192.0), "5th to 95th percentile of the longer side"
    assert domain.sharpness[0] == 15.0
    assert domain.sharpness[1] == 284.0
    assert not domain.synthetic, "one of the people is real"


@pytest.mark.parametrize(
    ("stated", "synthetic"), [([True, True, False], True), ([True, False, True], False)]
)
def test_a_detector_is_synthetic_where_all_it_learnt_from_is(
    stated: list[bool], synthetic: bool
) -> None:
    videos = pd.DataFrame({"video": ["r1", "f1", "unused"], "synthetic": stated})
    videos = videos.assign(label="REAL", method=None, dataset="sample")
    crops = pd.DataFrame({"video": ["r1", "f1"]}).assign(x1=0, y1=0, x2=9, y2=9, sharpness=1)
    assert domain_of(crops, videos).synthetic == synthetic


def drawn(groups: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    """Return the statistics of crops: each group has three videos, and each video four crops."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), 12)
    video = np.repeat(np.arange(3 * groups), 4)
    columns = {}
    for statistic in STATISTICS:
        of_group, of_video = rng.normal(size=groups), rng.normal(size=3 * groups)
        value = of_group[group] + 0.3 * of_video[video] + 0.1 * rng.normal(size=len(group))
        columns[statistic.name] = statistic.spread * (value + shift)
    return pd.DataFrame(columns).assign(
        video=[f"{seed}-{number}" for number in video], group=[f"{seed}-{n}" for n in group]
    )


def test_the_limit_keeps_95_of_100_unseen_groups() -> None:
    kept = []
    for seed in range(20):
        appearance = fit_appearance(drawn(20, seed), drawn(10, 1000 + seed))
        unseen = drawn(40, 2000 + seed).groupby("video")[names(STATISTICS)].mean().to_numpy()
        kept.append(np.mean([appearance.distance(v) <= appearance.limit for v in unseen]))
    assert 0.9 < np.mean(kept) < 0.99


def test_videos_of_another_kind_are_outside_and_the_words_say_why() -> None:
    appearance = fit_appearance(drawn(20, 1), drawn(10, 2))
    columns = {"datasets": ("a",), "methods": (), "real_videos": 1, "fake_videos": 1}
    domain = Domain(**columns, face_size=(1, 2), sharpness=(1, 2), appearance=appearance)
    assert len(outside_domain(domain, drawn(10, 3, shift=4.0))) == 30
    assert len(outside_domain(domain, drawn(40, 4))) < 18, "at most 15 %"
    mean = np.array(appearance.mean)
    sharp_and_dark = mean.copy()
    sharp_and_dark[[0, 2]] += [9.0, -90.0]
    assert set(appearance.differences(sharp_and_dark)) == {"sharper", "darker"}
    assert appearance.differences(mean) == ()
    unknown = domain.model_copy(update={"appearance": None})
    assert len(outside_domain(unknown, drawn(1, 5))) == 3


def test_the_order_of_crops_and_a_single_group_do_not_matter() -> None:
    train, validation = drawn(5, 1), drawn(2, 2)
    shuffled = train.sample(frac=1, random_state=0)
    assert fit_appearance(shuffled, validation).limit == pytest.approx(
        fit_appearance(train, validation).limit
    )
    assert np.isfinite(fit_appearance(drawn(1, 1), drawn(1, 2)).limit)
