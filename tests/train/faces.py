"""Crops with the grain of a photograph and five landmarks in their places."""

import cv2
import numpy as np

# Of an average crop whose sides are 1, in the order of dfd.faces.detector.LANDMARKS.
PLACES = np.array([(0.36, 0.42), (0.63, 0.42), (0.5, 0.57), (0.4, 0.72), (0.6, 0.72)])
SIDES = (32, 128, 129, 380)


def face_crop(side: int = 128, seed: int = 0) -> np.ndarray:
    """Return soft colours, some edges, and grain: uint8 (side, side, 3) RGB."""
    rng = np.random.default_rng(seed)
    light = rng.integers(70, 180, (5, 5, 3), dtype=np.uint8)
    image = cv2.resize(light, (side, side), interpolation=cv2.INTER_CUBIC).astype(float)
    for x, y in PLACES * side:
        cv2.ellipse(image, (round(x), round(y)), (side // 12, side // 24), 0, 0, 360, (60, 40, 40))
    grain = rng.normal(0, 6, (side, side, 3))
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def landmarks(side: int = 128) -> np.ndarray:
    return PLACES * side


def unusable_landmarks(side: int = 128) -> dict[str, np.ndarray]:
    x, y = PLACES.T * side
    return {
        "one point": np.full((5, 2), side / 2),
        "one line": np.stack([np.full(5, side / 2), y], axis=1),
        "outside": PLACES * side + 10 * side,
        "huge": PLACES * 1e9,
        "profile": np.stack([side / 2 + 0.02 * (x - side / 2), y], axis=1),
        "not finite": np.full((5, 2), np.nan),
    }
