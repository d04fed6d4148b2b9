import numpy as np
import pytest

from dfd.errors import TrainError
from dfd.train.feed import Batches, Crops, balanced_weights


def numbered(n: int) -> np.ndarray:
    """Images that carry their index as their value."""
    return np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, 8, 8, 3)).copy()


def batches(epoch: int = 1, alter: bool = False, n: int = 10) -> Batches:
    labels = (np.arange(n) % 5 == 0).astype(np.int64)
    return Batches(numbered(n), labels, batch_size=4, seed=5, epoch=epoch, alter=alter)


def test_every_crop_is_seen_each_epoch_in_full_batches() -> None:
    epoch = batches()
    seen = [epoch[i][0][:, 0, 0, 0] for i in range(len(epoch))]
    assert [len(batch) for batch in seen] == [4, 4, 4]
    assert set(np.concatenate(seen).tolist()) == set(range(10))


def test_targets_and_weights_belong_to_their_crops() -> None:
    pixels, targets, weights = batches()[1]
    for pixel, target, weight in zip(pixels, targets, weights, strict=True):
        fake = pixel[0, 0, 0] % 5 == 0
        assert target.tolist() == ([0, 1] if fake else [1, 0])
        assert weight == pytest.approx(10 / (2 * 2) if fake else 10 / (2 * 8))


def test_both_classes_weigh_the_same() -> None:
    labels = np.array([0, 0, 0, 0, 0, 1])
    weights = balanced_weights(labels)
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
    assert weights.mean() == pytest.approx(1)


def test_a_batch_depends_on_seed_epoch_and_number_alone() -> None:
    forwards, backwards = batches(alter=True), batches(alter=True)
    later = [backwards[i][0] for i in (2, 1, 0)][::-1]
    for i in range(3):
        np.testing.assert_array_equal(forwards[i][0], later[i])
    assert not np.array_equal(batches(epoch=2)[0][0], batches(epoch=1)[0][0])


def test_altering_leaves_the_store_untouched() -> None:
    images = numbered(10)
    feed = Batches(images, np.arange(10) % 2, batch_size=10, seed=1, epoch=1, alter=True)
    feed[0]
    np.testing.assert_array_equal(images, numbered(10))


def test_a_part_without_a_class_is_named(crops) -> None:
    only_real = crops(videos=2, seed=0, fakes=0)
    with pytest.raises(TrainError, match=r"^validation part: no FAKE crops; add FAKE videos"):
        only_real.check("validation")


def test_a_part_without_crops_is_named(crops) -> None:
    some = crops(videos=2, seed=0)
    with pytest.raises(TrainError, match=r"^train part: no crops"):
        Crops(some.images[:0], some.table[:0]).check("train")


def test_rows_and_images_must_match(crops) -> None:
    some = crops(videos=2, seed=0)
    with pytest.raises(TrainError, match="12 images but 11 rows"):
        Crops(some.images, some.table[:-1]).check("train")


def test_the_hash_follows_rows_and_pixels(crops) -> None:
    some = crops(videos=2, seed=0)
    assert crops(videos=2, seed=0).sha256() == some.sha256()
    changed = some.images.copy()
    changed[0, 0, 0, 0] ^= 1
    assert Crops(changed, some.table).sha256() != some.sha256()
    assert Crops(some.images, some.table.assign(group="g")).sha256() != some.sha256()
