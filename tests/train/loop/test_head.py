import numpy as np
import pytest

from dfd.train.feed.feed import Feed
from dfd.train.loop.head import backbone_of, features_of_crops, features_of_feeds, train_head
from dfd.train.loop.validation import fake_scores
from dfd.train.networks.backbones import build_model


@pytest.fixture(scope="module")
def detector():
    return build_model("mesonet", "none", 64, 0.2, seed=1)[0]


def test_features_follow_every_view_of_the_crops(detector, crops, params) -> None:
    some = crops(4, seed=0)
    backbone = backbone_of(detector)
    feeds = [Feed(some, params, view) for view in range(2)]
    steps: list[tuple[int, int]] = []
    features = features_of_feeds(backbone, feeds, lambda step, of: steps.append((step, of)))
    assert features.values.shape == (2 * len(feeds[0]) * 16, 16)
    assert steps == [(step, 2 * len(feeds[0])) for step in range(1, 2 * len(feeds[0]) + 1)]
    (pixels, tones), targets = feeds[1].batch(0)
    half = len(features.values) // 2
    np.testing.assert_array_equal(features.targets[half : half + 16], targets)
    np.testing.assert_allclose(
        features.values[half : half + 16], backbone.predict_on_batch((pixels, tones)), atol=1e-5
    )


def test_features_of_plain_crops_are_what_the_head_sees(detector, crops) -> None:
    some = crops(5, seed=0)  # 30 crops: no multiple of the batch
    features = features_of_crops(backbone_of(detector), some.chunks(64), 16)
    assert features.shape == (30, 16)
    logits = features @ np.array(detector.get_layer("probabilities").kernel)
    scores = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    np.testing.assert_allclose(scores, fake_scores(detector, some.images), atol=1e-4)


def test_the_head_learns_and_the_backbone_stays(crops, params) -> None:
    detector = build_model("mesonet", "none", 64, 0.0, seed=1)[0]
    before = detector.get_layer("backbone").get_weights()
    train, validation = crops(24, seed=0), crops(10, seed=1)
    longer = params.model_copy(update={"head_epochs": 30, "head_learning_rate": 0.05})
    features = features_of_feeds(backbone_of(detector), [Feed(train, longer, 0)])
    unseen = features_of_crops(backbone_of(detector), validation.chunks(64), 16)
    epochs: list[dict[str, float]] = []
    scores: list[np.ndarray] = []

    def on_epoch(seen: dict[str, float], of_validation: np.ndarray) -> bool:
        epochs.append(seen)
        scores.append(of_validation)
        return len(epochs) < 20

    train_head(detector, features, unseen, longer, on_epoch)
    assert len(epochs) == 20  # it was told to stop
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    assert epochs[-1]["inference_accuracy"] > 0.7
    np.testing.assert_allclose(scores[-1], fake_scores(detector, validation.images), atol=1e-4)
    for weight, kept in zip(before, detector.get_layer("backbone").get_weights(), strict=True):
        np.testing.assert_array_equal(weight, kept)
