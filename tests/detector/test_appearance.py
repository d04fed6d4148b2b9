import cv2
import numpy as np
import pytest

from dfd.detector.appearance import STATISTICS, image_statistics, names


def test_image_statistics_see_what_their_names_say() -> None:
    image = np.random.default_rng(0).integers(60, 200, (64, 64, 3), dtype=np.uint8)
    plain = dict(zip(names(STATISTICS), image_statistics(image), strict=True))
    blurred = dict(zip(names(STATISTICS), image_statistics(cv2.blur(image, (5, 5))), strict=True))
    darker = dict(zip(names(STATISTICS), image_statistics(image // 2), strict=True))
    red = dict(zip(names(STATISTICS), image_statistics(image * np.uint8([1, 0, 0])), strict=True))
    assert blurred["noise"] < plain["noise"]
    assert blurred["finest_detail"] < plain["finest_detail"]
    assert blurred["log_sharpness"] < plain["log_sharpness"]
    assert darker["brightness"] == pytest.approx(plain["brightness"] / 2, rel=0.02)
    assert darker["contrast"] < plain["contrast"]
    assert red["mean_green_red"] > plain["mean_green_red"] + 20
