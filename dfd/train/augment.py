"""Random alterations of a training crop, kept mild: swaps betray themselves in fine detail.

Half of the crops keep their geometry untouched, because every interpolation smooths, and at most
one degradation is applied, to about a third of them.
"""

import cv2
import numpy as np
import numpy.typing as npt

Crop = npt.NDArray[np.uint8]


def augment(crop: Crop, rng: np.random.Generator) -> Crop:
    """Return an altered copy of a crop.

    In order: mirror (half of the time), a small rotation, shift and scale (half), brightness,
    contrast, colour and gamma (half), and one of JPEG compression, down-and-up scaling, blur or
    noise (a third).

    Args:
        crop: uint8 (S, S, 3) RGB; left unchanged.
        rng: Where every draw comes from; the same state gives the same result.

    Returns:
        uint8 (S, S, 3) RGB.
    """
    image = crop
    if rng.random() < 0.5:
        image = image[:, ::-1]
    if rng.random() < 0.5:
        image = _move(image, rng)
    if rng.random() < 0.5:
        image = _tone(image, rng)
    degrade = rng.choice(5, p=[0.66, 0.14, 0.07, 0.06, 0.07])
    if degrade == 1:
        image = _jpeg(image, int(rng.integers(50, 96)))
    elif degrade == 2:
        image = _down_up(image, rng.uniform(0.5, 0.9))
    elif degrade == 3:
        image = _blur(image, rng.uniform(0.3, 1.0))
    elif degrade == 4:
        noise = rng.normal(0, rng.uniform(1, 5), image.shape)
        image = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    return np.array(image, dtype=np.uint8, order="C")


def _move(image: Crop, rng: np.random.Generator) -> Crop:
    """Rotate by up to 8°, scale by up to 7 % and shift by up to 5 % of the side."""
    side = image.shape[0]
    centre = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), rng.uniform(-8, 8), rng.uniform(0.93, 1.07))
    matrix[:, 2] += rng.uniform(-0.05, 0.05, size=2) * side
    moved = cv2.warpAffine(
        np.ascontiguousarray(image),
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return moved.astype(np.uint8, copy=False)


def _tone(image: Crop, rng: np.random.Generator) -> Crop:
    """Change gamma, contrast, brightness and the balance of the channels by one table each."""
    levels = (np.arange(256) / 255) ** rng.uniform(0.8, 1.25)
    levels = (levels - 0.5) * rng.uniform(0.8, 1.2) + 0.5 + rng.uniform(-0.08, 0.08)
    gains = rng.uniform(0.95, 1.05, size=3)
    table = np.clip(np.rint(255 * levels[:, None] * gains), 0, 255).astype(np.uint8)
    return np.stack([table[:, c][image[..., c]] for c in range(3)], axis=-1)


def _jpeg(image: Crop, quality: int) -> Crop:
    # OpenCV takes the channels as BGR; a wrong order would lose colour where no camera does.
    _, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was encoded a line above
    return decoded[..., ::-1].astype(np.uint8, copy=False)


def _down_up(image: Crop, factor: float) -> Crop:
    side = image.shape[0]
    small = max(8, round(side * factor))
    shrunk = cv2.resize(np.ascontiguousarray(image), (small, small), interpolation=cv2.INTER_AREA)
    grown = cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_LINEAR)
    return grown.astype(np.uint8, copy=False)


def _blur(image: Crop, sigma: float) -> Crop:
    blurred = cv2.GaussianBlur(np.ascontiguousarray(image), (0, 0), sigma)
    return blurred.astype(np.uint8, copy=False)
