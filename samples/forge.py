"""The methods of forging, each from a recording of the target and one of the donor.

===========  ====================================================================================
poisson      the donor's face, its gradients blended in
feather      the donor's face, cross-faded at the edge
generator    the donor's face as from a network of small output, blurred and sharpened
lipsync      the target's own mouth from another moment, as if other words had been spoken
===========  ====================================================================================
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samples.swap import Alignment, Look, move_mouth, swap

Floats = NDArray[np.floating[Any]]
Image = NDArray[Any]


@dataclass(frozen=True)
class Recording:
    """A filmed clip before encoding.

    Attributes:
        name: Name of the person.
        frames: F frames, (height, width, 3) uint8, blue, green, red.
        landmarks: (F, L, 2) tracked landmarks.
    """

    name: str
    frames: list[Image]
    landmarks: Floats


@dataclass(frozen=True)
class Method:
    """A method of forging.

    Attributes:
        forge: Returns the forged frames, from target, donor and alignment.
        takes_donor: Whether the donor's face is put in.
    """

    forge: Callable[[Recording, Recording, Alignment], list[Image]]
    takes_donor: bool


def _swap_faces(
    target: Recording, donor: Recording, alignment: Alignment, look: Look
) -> list[Image]:
    """Put the donor's face into every frame of the target, the donor's clip running in step."""
    shots = zip(target.frames, target.landmarks, donor.frames, donor.landmarks, strict=True)
    return [swap(*shot, alignment, look) for shot in shots]


def _change_words(target: Recording, _donor: Recording, alignment: Alignment) -> list[Image]:
    """Give every frame of the target the mouth that it has half the clip later."""
    later = len(target.frames) // 2
    frames = target.frames[later:] + target.frames[:later]
    landmarks = np.roll(target.landmarks, -later, axis=0)
    shots = zip(target.frames, target.landmarks, frames, landmarks, strict=True)
    return [move_mouth(*shot, alignment) for shot in shots]


METHODS = {
    "poisson": Method(partial(_swap_faces, look=Look(blend="poisson", side=104)), takes_donor=True),
    "feather": Method(partial(_swap_faces, look=Look(blend="feather", side=104)), takes_donor=True),
    "generator": Method(
        partial(_swap_faces, look=Look(blend="feather", side=60, sharpening=0.6)), takes_donor=True
    ),
    "lipsync": Method(_change_words, takes_donor=False),
}
