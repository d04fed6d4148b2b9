import cv2
import numpy as np
import pandas as pd
import pytest

from dfd.faces.crops import crop_landmarks, sharpness, square_around
from dfd.faces.face import LANDMARKS


@pytest.mark.parametrize(
    ("box", "margin", "square"),
    [
        # The longer side is 80, so the square's is 1.5 times that.
        ((100, 60, 140, 140), 0.25, (60, 40, 120)),
        ((60, 100, 140, 140), 0.25, (40, 60, 120)),
        ((10, 10, 50, 50), 0.0, (10, 10, 40)),
        ((-20, -20, 40, 40), 0.5, (-50, -50, 120)),  # over the border: it stays in the centre
        ((5.2, 7.9, 5.4, 8.0), 0.0, (5, 7, 1)),  # never empty
    ],
)
def test_the_square_is_round_the_box_with_its_margin(
    box: tuple[float, float, float, float], margin: float, square: tuple[int, int, int]
) -> None:
    assert square_around(box, margin) == square


def test_the_square_is_in_whole_pixels_as_near_as_they_come() -> None:
    rng = np.random.default_rng(0)
    for x, y, width, height in rng.uniform(1, 200, (200, 4)):
        left, top, side = square_around((x, y, x + width, y + height), 0.2)
        assert all(isinstance(value, int) for value in (left, top, side))
        assert side == pytest.approx(1.4 * max(width, height), abs=0.5)
        assert left + side / 2 == pytest.approx(x + width / 2, abs=0.51)
        assert top + side / 2 == pytest.approx(y + height / 2, abs=0.51)


def test_blur_lowers_sharpness() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    assert sharpness(noise) > sharpness(cv2.GaussianBlur(noise, (0, 0), 1.5)) > 0
    assert sharpness(np.full((64, 64, 3), 90, np.uint8)) == 0


def test_landmarks_lie_in_the_crop_where_they_lay_in_the_face() -> None:
    row: dict[str, float] = {"x1": 100, "y1": 60, "x2": 140, "y2": 140}  # its square: 60, 40, 120
    for number, name in enumerate(LANDMARKS):
        row |= {f"{name}_x": 60 + 12 * number, f"{name}_y": 40 + 30 * number}
    points = crop_landmarks(pd.DataFrame([row, row]), margin=0.25, crop_size=240)
    assert points.shape == (2, 5, 2)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points[1], [(24 * n, 60 * n) for n in range(5)])


def test_no_crops_have_no_landmarks() -> None:
    columns = ["x1", "y1", "x2", "y2", *(f"{name}_{axis}" for name in LANDMARKS for axis in "xy")]
    assert crop_landmarks(pd.DataFrame(columns=columns), 0.1, 128).shape == (0, 5, 2)
