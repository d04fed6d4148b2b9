import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf

from dfd.detector.keras_file import weights_sha256
from dfd.errors import TrainError
from dfd.params.training import CandidateParams
from dfd.scoring.aggregate import video_scores
from dfd.scoring.decision import THRESHOLD
from dfd.scoring.fitting import fit_decision
from dfd.train.feed.crops import Crops
from dfd.train.loop import batchnorm
from dfd.train.loop.checkpoint import Checkpoint, State
from dfd.train.loop.history import EpochRecord
from dfd.train.loop.result import TrainingResult
from dfd.train.loop.validation import fake_scores
from tests.train.loop.test_checkpoint import RECORD
from tests.train.runs import part_of, run

ALTERED = {"augment": True, "sampling": "paired", "self_blended": 0.5}


@dataclass(frozen=True)
class Whole:
    """A run that was not broken off.

    Attributes:
        crops: The training and the validation crops.
        params: Its parameters.
        records: What it reported.
        result: What it returned.
        killed: Its checkpoint as a kill in its last epoch would have left it.
        ended: Its checkpoint as it has left it.
    """

    crops: tuple[Crops, Crops]
    params: CandidateParams
    records: list[EpochRecord]
    result: TrainingResult
    killed: Path
    ended: Path


def whole(train: Crops, validation: Crops, params: CandidateParams, folder: Path) -> Whole:
    path, killed = folder / "state.npz", folder / "killed.npz"
    records: list[EpochRecord] = []

    def on_step(step: int, of: int) -> None:
        if step == of and path.exists():
            shutil.copy(path, killed)

    result = run(train, validation, params, path, records.append, on_step)
    return Whole((train, validation), params, records, result, killed, path)


@pytest.fixture(scope="module")
def from_random(crops, params, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    altered = params.model_copy(update=ALTERED)
    folder = tmp_path_factory.mktemp("fit")
    return whole(crops(24, seed=1, fakes=0.7), crops(10, seed=2), altered, folder)


@pytest.fixture(scope="module")
def fitted(from_random: Whole) -> TrainingResult:
    return from_random.result


@pytest.fixture(scope="module")
def weights_file(fitted: TrainingResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mesonet.weights.h5"
    fitted.model.get_layer("backbone").save_weights(path)
    return path


@pytest.fixture(scope="module")
def from_file(crops, params, weights_file: Path, tmp_path_factory) -> Whole:
    # Unaltered crops: compression blurs these faces, and blur is what their label is.
    upper = {"weights": str(weights_file), "epochs": 2, "finetune_from": "meso_conv4"}
    altered = params.model_copy(update=upper)
    return whole(crops(8, seed=1), crops(6, seed=2), altered, tmp_path_factory.mktemp("fit"))


def test_mesonet_learns_what_a_person_sees(fitted: TrainingResult) -> None:
    assert fitted.videos.auc is not None
    assert fitted.videos.auc > 0.95
    assert fitted.videos.balanced_accuracy > 0.9
    assert fitted.frames.auc is not None
    assert fitted.frames.auc > 0.9


def test_every_epoch_is_reported_once_and_kept(from_random: Whole) -> None:
    records, fitted = from_random.records, from_random.result
    crops_an_epoch = 9 * from_random.params.batch_size
    assert tuple(records) == fitted.history
    assert [record.epoch for record in records] == list(range(1, len(records) + 1))
    assert {record.phase for record in records} == {"full"}  # random weights: no frozen phase
    assert records[0].learning_rate > records[-1].learning_rate
    for record in records:
        assert record.images_per_second * record.seconds >= crops_an_epoch
        assert 0 <= record.waiting < 1
        assert 100 < record.memory_mb < psutil.virtual_memory().total / 2**20


def test_the_best_epoch_by_validation_is_kept(fitted: TrainingResult, crops) -> None:
    best = min(fitted.history, key=lambda record: record.val_loss)  # ten validation groups
    assert (fitted.criterion, fitted.best_epoch) == ("loss", best.epoch)
    assert fitted.videos.auc == best.val_video_auc
    assert fitted.frames.auc == best.val_frame_auc


def test_with_thirty_validation_groups_the_auc_chooses_the_epoch(crops, params, tmp_path) -> None:
    short = params.model_copy(update={"epochs": 1})
    result = run(crops(8, seed=1), crops(30, seed=2, per_video=2), short, tmp_path / "state.npz")
    assert (result.criterion, result.best_epoch) == ("auc", 1)


def test_the_decision_is_what_the_validation_videos_ask_for(
    fitted: TrainingResult, crops, params
) -> None:
    validation = crops(10, seed=2)
    scores = fake_scores(fitted.model, validation.images)
    videos = video_scores(validation.table.assign(score=scores))
    found = fitted.decision
    wanted = fit_decision(
        *(videos["label"], videos["score"], videos["group"]),
        target_error=params.target_error,
        crops=videos["deciding_crops"],
    )
    assert found.calibration.bias == pytest.approx(wanted.calibration.bias, abs=1e-3)
    assert found.promise.target_error == params.target_error
    assert (found.width, found.promise.missing) == (wanted.width, wanted.promise.missing)
    probabilities = found.calibration.apply(videos["score"])
    called = np.where(probabilities >= THRESHOLD, "FAKE", "REAL")
    assert (called == videos["label"]).mean() == pytest.approx(fitted.videos.accuracy)


def test_pretrained_weights_train_the_head_first_and_leave_batchnorm(
    from_file: Whole, fitted: TrainingResult
) -> None:
    again = from_file.result
    assert [record.phase for record in again.history] == ["head", "full", "full"]
    assert again.weights == "mesonet.weights.h5"
    norm = again.model.get_layer("backbone").get_layer("meso_block1_norm")
    before = fitted.model.get_layer("backbone").get_layer("meso_block1_norm")
    np.testing.assert_array_equal(norm.moving_mean, before.moving_mean)
    np.testing.assert_array_equal(norm.gamma, before.gamma)
    assert again.history[0].val_frame_auc > 0.9  # features that already tell them apart


def test_fine_tuning_starts_from_the_named_layer(
    from_file: Whole, fitted: TrainingResult, crops, params, tmp_path
) -> None:
    before, after = (one.model.get_layer("backbone") for one in (fitted, from_file.result))
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


@pytest.mark.parametrize("start", ["from_random", "from_file"])
def test_a_run_broken_off_ends_as_if_it_had_not_been(
    start: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    whole: Whole = request.getfixturevalue(start)
    path = Path(shutil.copy(whole.killed, tmp_path))
    records: list[EpochRecord] = []
    steps: list[int] = []

    def on_step(step: int, of: int) -> None:
        steps.append(step)

    parts = run(*whole.crops, whole.params, path, records.append, on_step)
    assert steps == list(range(1, steps[-1] + 1)), "the last epoch alone"
    assert records[:-1] == whole.records[:-1], "they are reported again"
    assert weights_sha256(parts.model) == weights_sha256(whole.result.model)
    assert parts.videos == whole.result.videos
    assert [r.loss for r in parts.history] == [r.loss for r in whole.result.history]


@pytest.mark.parametrize("start", ["from_random", "from_file"])
def test_a_run_that_has_ended_keeps_what_its_result_takes_and_no_more(
    start: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    whole: Whole = request.getfixturevalue(start)
    path = Path(shutil.copy(whole.ended, tmp_path))
    state = Checkpoint.of(path, whole.params, *whole.crops).load()
    assert state.history == whole.result.history
    assert (state.network, state.optimizer) == ([], [])
    steps: list[int] = []
    again = run(*whole.crops, whole.params, path, on_step=lambda step, of: steps.append(step))
    assert not steps, "nothing is trained again"
    assert weights_sha256(again.model) == weights_sha256(whole.result.model)
    assert (again.decision, again.videos) == (whole.result.decision, whole.result.videos)


class Stopped(Exception):
    """Ends a run where a kill would."""


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["none", "a file"])
def test_a_run_may_be_broken_off_often(
    crops, params, weights_file: Path, tmp_path, weights: str
) -> None:
    source = "none" if weights == "none" else str(weights_file)
    full = params.model_copy(update={"weights": source, "epochs": 3, **ALTERED})
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


def too_much_of_tensorflow() -> None:
    raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: np.empty(2**60, np.uint8),
        too_much_of_tensorflow,
        # Its allocator waits ten seconds for memory.
        pytest.param(lambda: keras.ops.zeros((2**20, 2**21)), marks=pytest.mark.slow),
    ],
)
def test_too_little_memory_names_a_smaller_batch(
    allocate: Callable[[], object], crops, params, tmp_path
) -> None:
    large = params.model_copy(update={"batch_size": 512})
    train, validation, path = crops(4, seed=1), crops(4, seed=2), tmp_path / "state.npz"
    Checkpoint.of(path, large, train, validation).save(State((RECORD,), [], [], [], []))
    with pytest.raises(TrainError, match="out of memory with batch_size 512; try batch_size 256"):
        run(train, validation, large, path, on_epoch=lambda record: allocate())
