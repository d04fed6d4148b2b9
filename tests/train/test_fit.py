from dataclasses import fields

import numpy as np
import pytest

from dfd.detector import fake_scores
from dfd.errors import TrainError
from dfd.evaluate.metrics import video_scores
from dfd.train.feed import Crops
from dfd.train.fit import EpochRecord, Fitted, fit


@pytest.fixture(scope="module")
def records() -> list[EpochRecord]:
    return []


@pytest.fixture(scope="module")
def fitted(crops, params, records) -> Fitted:
    return fit(crops(24, seed=1, fakes=0.7), crops(10, seed=2), params, records.append)


def test_mesonet_learns_what_a_person_sees(fitted: Fitted) -> None:
    assert fitted.videos.auc is not None
    assert fitted.videos.auc > 0.95
    assert fitted.videos.balanced_accuracy > 0.9
    assert fitted.frames.auc is not None
    assert fitted.frames.auc > 0.9


def test_every_epoch_is_reported_once_and_kept(fitted: Fitted, records) -> None:
    assert tuple(records) == fitted.history
    assert [record.epoch for record in records] == list(range(1, len(records) + 1))
    assert {record.phase for record in records} == {"full"}  # random weights: no frozen phase
    assert records[0].learning_rate > records[-1].learning_rate
    assert "seconds" not in fitted.curves().columns
    assert len(fitted.curves().columns) == len(fields(EpochRecord)) - 1


def test_the_best_epoch_by_validation_is_kept(fitted: Fitted, crops) -> None:
    best = max(fitted.history, key=lambda record: (record.val_video_auc, -record.val_loss))
    assert fitted.videos.auc == best.val_video_auc
    assert fitted.frames.auc == best.val_frame_auc


def test_the_threshold_is_the_validation_videos_best(fitted: Fitted, crops) -> None:
    validation = crops(10, seed=2)
    scores = fake_scores(fitted.model, validation.images)
    videos = video_scores(validation.table.assign(score=scores))
    called = np.where(videos["score"] >= fitted.threshold, "FAKE", "REAL")
    assert (called == videos["label"]).mean() == pytest.approx(fitted.videos.accuracy)


def test_pretrained_weights_train_the_head_first_and_leave_batchnorm(
    crops, params, fitted: Fitted, tmp_path
) -> None:
    path = tmp_path / "mesonet.weights.h5"
    backbone = fitted.model.get_layer("backbone")
    backbone.save_weights(path)
    again = fit(
        crops(8, seed=1),
        crops(6, seed=2),
        params.model_copy(update={"weights": str(path), "epochs": 1}),
        lambda record: None,
    )
    assert [record.phase for record in again.history] == ["head", "full"]
    assert again.weights == "mesonet.weights.h5"
    norm = again.model.get_layer("backbone").get_layer("meso_block1_norm")
    before = backbone.get_layer("meso_block1_norm")
    np.testing.assert_array_equal(norm.moving_mean, before.moving_mean)
    np.testing.assert_array_equal(norm.gamma, before.gamma)
    assert again.history[0].val_frame_auc > 0.9  # features that already tell them apart


def test_early_stopping_counts_epochs_without_a_better_one(crops, params) -> None:
    hopeless = params.model_copy(update={"learning_rate": 1e-12, "epochs": 9, "patience": 2})
    history: list[EpochRecord] = []
    fit(crops(4, seed=1), crops(4, seed=2), hopeless, history.append)
    assert len(history) < 9


def test_a_loss_that_is_no_number_stops_the_run(crops, params) -> None:
    wild = params.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(TrainError, match=r"epoch \d are not numbers \(loss nan\); lower"):
        fit(crops(8, seed=1), crops(4, seed=2), wild, lambda record: None)


def test_parts_that_cannot_be_used_are_named_before_anything_is_built(crops, params) -> None:
    good, real = crops(4, seed=1), crops(2, seed=1, fakes=0)
    empty = Crops(good.images[:0], good.table[:0])
    with pytest.raises(TrainError, match=r"^train part: no FAKE crops"):
        fit(real, good, params, lambda record: None)
    with pytest.raises(TrainError, match=r"^validation part: no crops"):
        fit(good, empty, params, lambda record: None)
