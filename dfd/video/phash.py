"""Perceptual hashes of frames, by which likely copies of a video are found.

The hash has 256 bits and comes from the discrete cosine transform of the frame (Zauner,
*Implementation and Benchmarking of Perceptual Image Hash Functions*, 2010). A frame that is
re-encoded or rescaled keeps nearly all bits. Measured on 16 real and synthetic clips: re-encoding
at CRF 40, at half the size, at other frame rates, or all of it together, changes at most 22 bits;
a fake and its source differ in at most 49; clips of one man in one studio differ in 58 or more.
"""

import re

import cv2
import numpy as np
import numpy.typing as npt

from dfd.errors import DatasetError
from dfd.video.frame import Frame

HASH_SIDE = 16  # the hash has HASH_SIDE² bits
LUMA_SIDE = 64  # pixels of the picture that is hashed
_READ_SIDE = 256  # longest side in pixels at which a frame is converted to BGR
_PLAIN = 2.0  # standard deviation in grey levels below which a picture has nothing to compare


def luma(frame: Frame, side: int) -> npt.NDArray[np.uint8]:
    """Return the luma of a frame squeezed to a square.

    Args:
        frame: A decoded frame.
        side: Side of the result in pixels.

    Returns:
        uint8 (side, side), 0..255.
    """
    grey = cv2.cvtColor(frame.image(_READ_SIDE), cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def perceptual_hash(frame: Frame) -> str | None:
    """Return the perceptual hash of a frame: the signs of its 16×16 lowest frequencies.

    A coefficient is compared with zero rather than with Zauner's median, so that mirroring a
    picture inverts exactly the signs in the odd columns. The first bit, which stands for the mean
    brightness, is always 0.

    Args:
        frame: A decoded frame.

    Returns:
        256 bits, row by row, as 64 hexadecimal digits; None where the frame is plain (black or of
        one colour).

    Example:
        >>> from pathlib import Path
        >>> from dfd.video.frames import read_frames
        >>> from dfd.video.packets import list_packets
        >>> video = Path("samples/videos/ajgbsfvojo.mp4")
        >>> first = next(read_frames(video, list_packets(video), [0]))
        >>> perceptual_hash(first)
        '60d39a738b1cc3861c34c5985ce3ac725b8d64c3dec9706e73cc323c2396b938'
    """
    return hash_picture(luma(frame, LUMA_SIDE))


def hash_picture(picture: npt.NDArray[np.uint8]) -> str | None:
    """Return the perceptual hash of a picture; ``perceptual_hash`` tells what it is.

    Args:
        picture: uint8 (64, 64), luma.

    Returns:
        64 hexadecimal digits; None where the picture is plain.

    Example:
        >>> hash_picture(np.zeros((LUMA_SIDE, LUMA_SIDE), np.uint8))
    """
    if picture.std() < _PLAIN:
        return None
    waves = cv2.dct(picture.astype(np.float32))[:HASH_SIDE, :HASH_SIDE]
    signs = waves > 0
    signs[0, 0] = False
    return np.packbits(signs).tobytes().hex()


def split_hashes(text: str) -> npt.NDArray[np.uint8]:
    """Return the hashes that were written one behind the other.

    Args:
        text: 64 hexadecimal digits for each of N hashes, as in ``data/videos.csv``.

    Returns:
        uint8 (N, 32), the packed bits.

    Raises:
        DatasetError: The text is something else.

    Example:
        >>> split_hashes("00" * 64).shape
        (2, 32)
    """
    digits = HASH_SIDE**2 // 4
    if not re.fullmatch(f"([0-9a-f]{{{digits}}})+", text):
        raise DatasetError(
            f"data/videos.csv: {text[:80]!r} is no row of hashes of {digits} hexadecimal digits; "
            "run `dvc repro dataset`"
        )
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(-1, HASH_SIDE**2 // 8)


def hash_bits(hashes: list[str]) -> npt.NDArray[np.bool_]:
    """Return the bits of N perceptual hashes.

    Args:
        hashes: Hashes from ``data/videos.csv``, 64 hexadecimal digits each.

    Returns:
        bool (N, 16, 16).

    Raises:
        DatasetError: A hash is not 64 hexadecimal digits.

    Example:
        >>> hash_bits(["00" * 32, "ff" * 32]).sum(axis=(1, 2))
        array([  0, 256])
    """
    digits = HASH_SIDE**2 // 4
    for text in hashes:
        if not re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
            raise DatasetError(
                f"data/videos.csv: {text!r} is no perceptual hash of {digits} hexadecimal digits; "
                "run `dvc repro dataset`"
            )
    packed = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8)
    return np.unpackbits(packed).reshape(-1, HASH_SIDE, HASH_SIDE).astype(bool)
