from collections.abc import Callable

import keras
import numpy as np
import psutil
import pytest

from dfd.detector.keras_file import weights_sha256
from dfd.errors import TrainError
from dfd.scoring.aggregate import video_scores
from dfd.scoring.decision import fit_decision
from dfd.train.loop import batchnorm
from dfd.train.loop import fit as fit_module
from dfd.train.loop.history import EpochRecord
from dfd.train.loop.result import TrainingResult
from dfd.train.loop.validation import fake_scores
from tests.train.runs import part_of, run


@pytest.fixture(scope="module")
def records() -> list[EpochRecord]:
    return []


@pytest.fixture(scope="module")
def fitted(crops, params, records, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    path = tmp_path_factory.mktemp("fit") / "state.npz"
    return run(crops(24, seed=1, fakes=0.7), crops(10, seed=2), params, path, records.append)


def test_mesonet_learns_what_a_person_sees(fitted: TrainingResult) -> None:
    assert fitted.videos.auc is not None
    assert fitted.videos.auc > 0.95
    assert fitted.videos.balanced_accuracy > 0.9
    assert fitted.frames.auc is not None
    assert fitted.frames.auc > 0.9


def test_every_epoch_is_reported_once_and_kept(fitted: TrainingResult, records) -> None:
    assert tuple(records) == fitted.history
    assert [record.epoch for record in records] == list(range(1, len(records) + 1))
    assert {record.phase for record in records} == {"full"}  # random weights: no frozen phase
    assert records[0].learning_rate > records[-1].learning_rate
    for record in records:
        assert record.images_per_second > 0
        assert 0 <= record.waiting < 1
        assert 100 < record.memory_mb < psutil.virtual_memory().total / 2**20


def test_the_best_epoch_by_validation_is_kept(fitted: TrainingResult, crops) -> None:
    best = max(fitted.history, key=lambda record: (record.val_video_auc, -record.val_loss))
    assert fitted.videos.auc == best.val_video_auc
    assert fitted.frames.auc == best.val_frame_auc


def test_the_decision_is_what_the_validation_videos_ask_for(
    fitted: TrainingResult, crops, params
) -> None:
    validation = crops(10, seed=2)
    scores = fake_scores(fitted.model, validation.images)
    videos = video_scores(validation.table.assign(score=scores))
    wanted = fit_decision(videos["label"], videos["score"], params.target_error)
    assert fitted.decision.threshold == pytest.approx(wanted.threshold, abs=1e-3)
    probabilities = fitted.decision.calibration.apply(videos["score"])
    called = np.where(probabilities >= fitted.decision.threshold, "FAKE", "REAL")
    assert (called == videos["label"]).mean() == pytest.approx(fitted.videos.accuracy)


def test_pretrained_weights_train_the_head_first_and_leave_batchnorm(
    crops, params, fitted: TrainingResult, tmp_path
) -> None:
    path = tmp_path / "mesonet.weights.h5"
    backbone = fitted.model.get_layer("backbone")
    backbone.save_weights(path)
    started = params.model_copy(update={"weights": str(path), "epochs": 1, "ema_decay": 0})
    seen: list[str | int] = []
    again = run(
        *(crops(8, seed=1), crops(6, seed=2), started, tmp_path / "state.npz"),
        on_epoch=lambda record: seen.append(record.phase),
        on_step=lambda step, steps: seen.append(step),
    )
    steps = list(range(1, seen.index("head") + 1))
    assert seen == [*steps, "head", *steps, "full"], "steps of the features, then of the training"
    assert [record.phase for record in again.history] == ["head", "full"]
    assert again.weights == "mesonet.weights.h5"
    norm = again.model.get_layer("backbone").get_layer("meso_block1_norm")
    before = backbone.get_layer("meso_block1_norm")
    np.testing.assert_array_equal(norm.moving_mean, before.moving_mean)
    np.testing.assert_array_equal(norm.gamma, before.gamma)
    assert again.history[0].val_frame_auc > 0.9  # features that already tell them apart


def test_fine_tuning_starts_from_the_named_layer(
    crops, params, fitted: TrainingResult, tmp_path
) -> None:
    path = tmp_path / "mesonet.weights.h5"
    before = fitted.model.get_layer("backbone")
    before.save_weights(path)
    upper = {"weights": str(path), "epochs": 1, "head_epochs": 0, "finetune_from": "meso_conv4"}
    again = run(crops(8, seed=1), crops(6, seed=2), params.model_copy(update=upper), tmp_path / "s")
    after = again.model.get_layer("backbone")
    for name, frozen in (("meso_conv3", True), ("meso_conv4", False), ("meso_hidden", False)):
        kernel, other = (model.get_layer(name).get_weights()[0] for model in (before, after))
        assert np.array_equal(kernel, other) == frozen
    wrong = params.model_copy(update={"finetune_from": "meso_conf4"})
    with pytest.raises(TrainError, match=r"mesonet has no layer 'meso_conf4'; .* meso_conv4"):
        run(crops(4, seed=1), crops(4, seed=2), wrong, tmp_path / "state.npz")


def test_early_stopping_counts_epochs_without_a_better_one(crops, params, tmp_path) -> None:
    hopeless = params.model_copy(update={"learning_rate": 1e-12, "epochs": 9, "patience": 2})
    history: list[EpochRecord] = []
    run(crops(4, seed=1), crops(4, seed=2), hopeless, tmp_path / "state.npz", history.append)
    assert len(history) < 9


class Stopped(Exception):
    """Ends a run where a kill would."""


@pytest.mark.parametrize("weights", ["none", "a file"])
def test_a_run_broken_off_ends_as_if_it_had_not_been(
    crops, params, fitted: TrainingResult, tmp_path, weights: str
) -> None:
    path = tmp_path / "mesonet.weights.h5"
    fitted.model.get_layer("backbone").save_weights(path)
    full = params.model_copy(
        update={
            "weights": "none" if weights == "none" else str(path),
            **{"epochs": 3, "augment": True, "sampling": "paired", "self_blended": 0.5},
        }
    )
    train, validation = crops(12, seed=1, fakes=0.7), crops(6, seed=2)
    whole = run(train, validation, full, tmp_path / "whole.npz")
    steps = 0

    def stop(after: int) -> None:
        nonlocal steps
        steps = 0

        def on_step(step: int, of: int) -> None:
            nonlocal steps
            steps += 1
            if steps == after:
                raise Stopped

        with pytest.raises(Stopped):
            run(train, validation, full, tmp_path / "parts.npz", on_step=on_step)

    stop(after=2)  # in the first epoch
    stop(after=8)  # in the second
    stop(after=1)  # at once again
    parts = run(train, validation, full, tmp_path / "parts.npz")
    assert weights_sha256(parts.model) == weights_sha256(whole.model)
    assert parts.videos == whole.videos
    assert [r.loss for r in parts.history] == [r.loss for r in whole.history]
    other = full.model_copy(update={"seed": 4})  # another run does not go on from this one's state
    seen: list[int] = []
    run(train, validation, other, tmp_path / "parts.npz", lambda record: seen.append(record.epoch))
    assert seen[0] == 1


def test_real_crops_alone_suffice_where_all_fakes_are_made(crops, params, tmp_path) -> None:
    some = crops(16, seed=1)
    real = part_of(some, np.flatnonzero(some.labels == 0))
    made = params.model_copy(update={"self_blended": 1.0, "epochs": 1})
    assert run(real, crops(6, seed=2), made, tmp_path / "state.npz").history[0].accuracy > 0.4


def test_a_loss_that_is_no_number_stops_the_run(crops, params, tmp_path) -> None:
    wild = params.model_copy(update={"learning_rate": 1e38, "clip_norm": 1e30})
    with pytest.raises(TrainError, match=r"epoch \d are not numbers \(loss nan\); lower"):
        run(crops(8, seed=1), crops(4, seed=2), wild, tmp_path / "state.npz")


def test_statistics_that_do_not_fit_the_weights_stop_the_run(
    crops, params, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = batchnorm.reestimate

    def lagging(model, batches):
        kept = [np.array(weight) for weight in model.weights]
        outputs = measured(model, batches)
        model.set_weights(kept)  # as if the moving averages had been waited for
        return outputs

    monkeypatch.setattr(batchnorm, "reestimate", lagging)
    with pytest.raises(TrainError, match=r"while training but 0\.\d\d afterwards"):
        run(crops(24, seed=1), crops(4, seed=2), params, tmp_path / "state.npz")


def test_parts_that_cannot_be_used_are_named_before_anything_is_built(
    crops, params, tmp_path
) -> None:
    good, real = crops(4, seed=1), crops(2, seed=1, fakes=0)
    with pytest.raises(TrainError, match=r"^train part: no FAKE crops"):
        run(real, good, params, tmp_path / "state.npz")
    with pytest.raises(TrainError, match=r"^validation part: no crops"):
        run(good, part_of(good, []), params, tmp_path / "state.npz")


@pytest.mark.parametrize(
    "allocate", [lambda: np.empty(2**60, np.uint8), lambda: keras.ops.zeros((2**20, 2**21))]
)
def test_too_little_memory_names_a_smaller_batch(allocate: Callable[[], object]) -> None:
    message = "out of memory with batch_size 512; try batch_size 256"
    with pytest.raises(TrainError, match=message), fit_module._out_of_memory_as_error(512):
        allocate()
