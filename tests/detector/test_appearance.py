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


def test_the_patterns_tell_edges_from_specks_and_flat_areas() -> None:
    flat = np.full((64, 64, 3), 90, np.uint8)
    halves, dots = flat.copy(), flat.copy()
    halves[:, 32:] = 160
    dots[4::8, 4::8] = 160
    columns = names(STATISTICS)
    shares = {
        name: dict(zip(columns, np.exp(image_statistics(image)) - 0.002, strict=True))
        for name, image in {"flat": flat, "halves": halves, "dots": dots}.items()
    }
    assert shares["flat"]["flat_areas"] == pytest.approx(1)
    assert shares["dots"]["bright_specks"] == pytest.approx(64 / 62**2, rel=1e-6)
    assert shares["halves"]["clean_edges"] == pytest.approx(62 / 62**2, rel=1e-6)
    assert shares["halves"]["bright_specks"] == pytest.approx(0)
