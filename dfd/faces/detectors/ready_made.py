"""Ready-made crops: frames that show one face each, cut out by whoever made the data set."""

from dataclasses import dataclass

import cv2
import numpy as np

from dfd.arrays import Image
from dfd.faces.detectors.retinaface_mobilenet import RetinaFaceMobileNet, load_mobilenet
from dfd.faces.face import Face
from dfd.params.faces import CropParams

# Where the landmarks of a face lie on average, as shares of a crop with a margin of 0.1.
_LANDMARKS = ((0.365, 0.415), (0.635, 0.415), (0.5, 0.577), (0.392, 0.72), (0.608, 0.72))
_AROUND = 0.2  # of the longer side, added on each side: a face detector misses faces that fill all


@dataclass(frozen=True)
class ReadyMade:
    """A face detector that takes the whole image for the crop of one face.

    Attributes:
        finder: The face detector that looks for the landmarks.
        margin: Share of the face's longer side that the crops already have on each side.
    """

    finder: RetinaFaceMobileNet
    margin: float

    def __call__(self, image: Image) -> list[Face]:
        """Return the face whose crop is the largest square in the middle of an image.

        Args:
            image: uint8 (H, W, 3) BGR.
        """
        height, width = image.shape[:2]
        half = min(height, width) / 2 / (1 + 2 * self.margin)
        box = (width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half)
        return [Face(box, self._landmarks(image), score=1.0)]

    def _landmarks(self, image: Image) -> tuple[tuple[float, float], ...]:
        """Return the landmarks of the largest face, or average ones where none is found."""
        height, width = image.shape[:2]
        edge = round(_AROUND * max(height, width))
        wide = cv2.copyMakeBorder(image, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        faces = self.finder(np.asarray(wide, np.uint8))
        if not faces:
            return tuple((x * width, y * height) for x, y in _LANDMARKS)
        largest = max(faces, key=lambda face: face.area)
        return tuple((x - edge, y - edge) for x, y in largest.landmarks)


def load_ready_made(params: CropParams) -> ReadyMade:
    """Return the face detector for crops that were made with the margin of ``params``.

    Raises:
        WeightsError: The weights of the face detector cannot be fetched, verified or loaded.
    """
    return ReadyMade(load_mobilenet(params), params.margin)
