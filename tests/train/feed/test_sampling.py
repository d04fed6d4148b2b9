import numpy as np
import pandas as pd
import pytest

from dfd.train.feed.sampling import ABSENT, Draw, draw_epoch, find_sources

LABELS = np.array([0] * 10 + [1] * 40)


def draw(
    sampling: str, share: float = 0.0, sources: np.ndarray | None = None, seed: int = 1
) -> Draw:
    rng = np.random.default_rng(seed)
    return draw_epoch(LABELS, sources, 8, sampling, share, rng)  # type: ignore[arg-type]


def test_plain_goes_once_through_all_crops_in_full_batches() -> None:
    one = draw("plain")
    rows = np.where(one.real == ABSENT, one.fake, one.real)
    assert rows.shape == (7, 8)
    assert sorted(rows.ravel()[:50]) == list(range(50))
    assert (LABELS[one.real[one.real != ABSENT]] == 0).all()
    assert (LABELS[one.fake[one.fake != ABSENT]] == 1).all()


def test_balanced_batches_hold_as_many_of_each_and_waste_none() -> None:
    one = draw("balanced")
    assert one.real.shape == one.fake.shape == (7, 4)
    assert (LABELS[one.real] == 0).all()
    assert (LABELS[one.fake] == 1).all()
    assert len(set(one.fake.ravel())) == 28  # of 40: none twice before all were seen
    assert set(np.bincount(one.real.ravel(), minlength=50)[:10]) == {2, 3}


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_self_blended_is_the_share_of_the_fakes(share: float) -> None:
    one = draw("paired", share)
    assert one.blended.mean() == pytest.approx(share, abs=0.02)
    np.testing.assert_array_equal(one.fake == ABSENT, one.blended)
    assert (LABELS[one.real] == 0).all()


def test_every_real_crop_feeds_the_pseudo_fakes() -> None:
    one = draw("paired", 1.0)
    assert set(one.real.ravel()) == set(range(10))


def test_a_part_without_fakes_will_do_where_all_are_made() -> None:
    one = draw_epoch(np.zeros(9, int), None, 4, "paired", 1.0, np.random.default_rng())
    assert one.blended.all()
    assert set(one.real.ravel()) <= set(range(9))


def test_paired_puts_a_fake_beside_its_source() -> None:
    sources = np.where(LABELS == 1, np.arange(50) % 10, ABSENT)
    one = draw("paired", 0.5, sources)
    labelled = ~one.blended
    np.testing.assert_array_equal(one.real[labelled], one.fake[labelled] % 10)
    apart = draw("balanced", 0.5)
    assert (apart.real[~apart.blended] != apart.fake[~apart.blended] % 10).any()


def test_the_order_follows_from_the_generator() -> None:
    np.testing.assert_array_equal(draw("paired", 0.5).real, draw("paired", 0.5).real)
    assert not np.array_equal(draw("paired", 0.5).real, draw("paired", 0.5, seed=2).real)


def table(*rows: tuple[str, str, str | None, float, float]) -> pd.DataFrame:
    crops = pd.DataFrame(list(rows), columns=["video", "label", "source", "time_s", "x1"])
    return crops.assign(y1=0.0, x2=crops["x1"] + 50, y2=50.0)


def test_the_source_is_found_at_the_nearest_moment_and_place() -> None:
    crops = table(
        ("real", "REAL", None, 0.0, 10.0),
        ("real", "REAL", None, 0.0, 300.0),  # another person of the same moment
        ("real", "REAL", None, 4.0, 10.0),
        ("other", "REAL", None, 0.1, 10.0),
        ("fake", "FAKE", "real", 0.2, 14.0),
        ("fake", "FAKE", "real", 0.2, 296.0),
        ("fake", "FAKE", "real", 3.8, 12.0),
    )
    assert find_sources(crops).tolist() == [ABSENT] * 4 + [0, 1, 2]


def test_a_source_that_is_unknown_absent_or_fake_is_none() -> None:
    crops = table(
        ("a", "FAKE", "gone", 0.0, 0.0),
        ("b", "FAKE", None, 0.0, 0.0),
        ("c", "FAKE", "a", 0.0, 0.0),
        ("d", "REAL", "a", 0.0, 0.0),
    )
    assert (find_sources(crops) == ABSENT).all()
