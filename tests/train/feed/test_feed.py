from itertools import islice

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dfd.compress import jpeg
from dfd.params.training import CandidateParams
from dfd.train.feed.crops import Crops
from dfd.train.feed.feed import Feed
from dfd.train.feed.tone import UNCHANGED


def altering(params: CandidateParams, **changes: object) -> CandidateParams:
    return params.model_copy(update={"augment": True, "sampling": "paired", **changes})


def test_batches_are_full_and_of_the_network_s_size(crops, params) -> None:
    some = crops(5, seed=0)
    feed = Feed(some, params.model_copy(update={"input_size": 48}), 1)
    batches = list(feed)
    assert len(feed) == len(batches) == 2  # 30 crops, 16 a batch
    for (pixels, tones), targets in batches:
        assert pixels.shape == (16, 48, 48, 3)
        assert pixels.dtype == np.uint8
        assert tones.shape == (16, 7)
        np.testing.assert_array_equal(targets.sum(axis=0), [8, 8])


def test_targets_belong_to_their_crops(crops, params) -> None:
    some = crops(6, seed=0)
    (pixels, tones), targets = Feed(some, params, 1).batch(0)
    for crop, target in zip(pixels, targets, strict=True):
        (row,) = np.flatnonzero((some.images == crop).all(axis=(1, 2, 3)))
        assert target.argmax() == some.labels[row]
    np.testing.assert_array_equal(tones, np.tile(UNCHANGED, (16, 1)))  # nothing is altered


def test_a_batch_depends_on_seed_epoch_and_number_alone(crops, params) -> None:
    some, changed = crops(8, seed=0), altering(params, self_blended=0.5)
    threaded = list(Feed(some, changed, 2))
    alone = Feed(some, changed, 2)
    for step in reversed(range(len(alone))):
        (pixels, tones), targets = alone.batch(step)
        np.testing.assert_array_equal(threaded[step][0][0], pixels)
        np.testing.assert_array_equal(threaded[step][0][1], tones)
        np.testing.assert_array_equal(threaded[step][1], targets)
    other = Feed(some, changed, 3).batch(0)[0][0]
    assert not np.array_equal(other, threaded[0][0][0])


def test_a_pseudo_fake_follows_its_real_crop_and_is_altered_alike(crops, params) -> None:
    some = crops(8, seed=0)
    blended = params.model_copy(update={"self_blended": 1.0})
    (pixels, _), targets = Feed(some, blended, 1).batch(0)
    np.testing.assert_array_equal(targets.argmax(axis=1), [0, 1] * 8)
    for real, fake in zip(pixels[::2], pixels[1::2], strict=True):
        differs = np.abs(real.astype(int) - fake).max(axis=2)
        # The blend stays in the face, and both were compressed alike.
        assert differs[:8, :8].mean() < differs[20:44, 20:44].mean() + 2
        assert differs[:8, :8].mean() < 6
    assert any((real != fake).any() for real, fake in zip(pixels[::2], pixels[1::2], strict=True))
    (_, tones), _ = Feed(some, altering(params, self_blended=1.0), 1).batch(0)
    np.testing.assert_array_equal(tones[::2], tones[1::2])
    assert len({tuple(tone) for tone in tones}) > 2


def test_the_grid_of_the_stored_jpeg_tells_nothing(crops, params) -> None:
    """Blending takes it from a face; so it must be gone from the faces of REAL crops, too."""
    some = crops(40, seed=0, per_video=5, fakes=0)
    stored = Crops(jpeg(some.images, 75), some.rows, some.landmarks, some.table)
    feed = Feed(stored, params.model_copy(update={"self_blended": 1.0}), 1)
    batches = [feed.batch(step) for step in range(len(feed))]
    fake = np.concatenate([targets[:, 1] for _, targets in batches])
    aligned = []
    for crop in np.concatenate([pixels for (pixels, _), _ in batches]):
        blocks = crop.astype(np.float32).mean(axis=2)[16:56, 16:56].reshape(5, 8, 5, 8)
        waves = np.array([cv2.dct(blocks[i, :, j]) for i in range(5) for j in range(5)])
        aligned.append(waves[:, 4:, 4:].var())  # what JPEG leaves out where its blocks lie so
    assert 0.4 < roc_auc_score(fake, aligned) < 0.6


def test_a_fake_stands_beside_its_source(crops, params) -> None:
    some = crops(8, seed=0)
    fakes = some.table["label"] == "FAKE"
    some.table["source"] = some.table["source"].mask(
        fakes, "v" + some.table["group"].map(lambda group: str(int(group[1:]) + 4))
    )
    paired = params.model_copy(update={"sampling": "paired"})
    (pixels, _), _ = Feed(some, paired, 1).batch(0)
    videos = []
    for crop in pixels:
        (row,) = np.flatnonzero((some.images == crop).all(axis=(1, 2, 3)))
        videos.append((some.table["video"][row], some.table["time_s"][row]))
    for (real, at), (fake, when) in zip(videos[::2], videos[1::2], strict=True):
        assert int(real[1:]) == int(fake[1:]) + 4
        assert at == when


def test_the_crops_themselves_stay_as_they_are(crops, params) -> None:
    some = crops(4, seed=0)
    before = some.images.copy()
    list(Feed(some, altering(params, self_blended=0.5), 1))
    np.testing.assert_array_equal(some.images, before)


def test_an_error_while_a_batch_is_made_reaches_the_reader(crops, params) -> None:
    some = crops(4, seed=0)
    broken = Crops(some.images[:10], some.rows, some.landmarks, some.table)
    with pytest.raises(IndexError):
        list(Feed(broken, params, 1))


def test_a_reader_that_stops_early_leaves_no_thread_at_work(crops, params) -> None:
    feed = Feed(crops(40, seed=0), params, 1)
    assert len(list(islice(feed, 2))) == 2
    assert feed.waited > 0
