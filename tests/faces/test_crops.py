import cv2
import numpy as np
import pytest

from dfd.faces.crops import sharpness, square_crop


def gradient(height: int = 200, width: int = 300) -> np.ndarray:
    """Blue tells the column, green the row, so that a crop tells where it was cut."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width) * 255 // width
    image[..., 1] = (np.arange(height) * 255 // height)[:, None]
    return image


def test_the_crop_is_a_square_round_the_box_with_its_margin() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[60:140, 100:140] = 255  # the longer side is 80, so the square's is 1.5 times that
    crop = square_crop(image, (100, 60, 140, 140), margin=0.25, size=60)
    rows, columns = np.nonzero(crop[..., 0] > 128)
    assert crop.shape == (60, 60, 3)
    assert crop.dtype == np.uint8
    assert (rows.min(), rows.max() + 1) == (10, 50)
    assert (columns.min(), columns.max() + 1) == (20, 40)


@pytest.mark.parametrize("size", [30, 100, 250])
def test_a_round_thing_stays_round(size: int) -> None:
    image = cv2.circle(np.zeros((200, 300, 3), np.uint8), (150, 100), 40, (255, 255, 255), -1)
    crop = square_crop(image, (110, 70, 190, 130), margin=0.2, size=size)
    rows, columns = np.nonzero(crop[..., 0] > 128)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=1)


@pytest.mark.parametrize("box", [(-20, -20, 40, 40), (280, 180, 300, 200), (0, 0, 300, 200)])
def test_beyond_the_frame_its_border_goes_on(box: tuple[float, float, float, float]) -> None:
    image = np.full((200, 300, 3), 77, np.uint8)
    assert (square_crop(image, box, margin=0.5, size=64) == 77).all()


def test_a_face_at_the_border_stays_in_the_centre() -> None:
    image = gradient()
    crop = square_crop(image, (0, 80, 60, 140), margin=0.5, size=120)
    assert np.abs(crop[60, 60, :2].astype(int) - image[110, 30, :2]).max() <= 3
    assert (crop[60, :25, 0] == 0).all()


def test_the_frame_is_not_changed() -> None:
    image = gradient()
    before = image.copy()
    square_crop(image, (250, 150, 300, 200), margin=0.5, size=32)
    assert (image == before).all()


def test_blur_lowers_sharpness() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    assert sharpness(noise) > sharpness(cv2.GaussianBlur(noise, (0, 0), 1.5)) > 0
    assert sharpness(np.full((64, 64, 3), 90, np.uint8)) == 0
