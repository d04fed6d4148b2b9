"""The fingerprint of a video: small pictures at fixed times, by which recordings are compared.

Two files show one recording when one is a copy of the other (re-encoded, rescaled, mirrored) or a
fake made from the other. Perceptual hashes find likely pairs quickly (``dfd.video.matching``);
fingerprints decide.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dfd.errors import VideoError
from dfd.video.frames import read_frames
from dfd.video.packets import list_packets
from dfd.video.pictures import without_bars

SIDE = 32  # pixels
_READ_SIDE = 256  # longest side in pixels at which a frame is converted
_STEP_S = 0.25
_MAX_PICTURES = 32  # so at most the first eight seconds are decoded
_MIN_PICTURES = 3  # fewer show no motion
_MIN_SHIFTED = 6  # pictures of videos that begin at different moments, or run at different speeds
_SHIFTED_CORRELATION = 0.8  # of them: many moments and speeds are tried, and one may fit by chance
_PLAIN = 2.0  # standard deviation in grey levels below which a picture has nothing to compare
_STILL = 0.5  # grey levels of motion that the noise of an encoder makes in a still picture
_EQUAL = 3.0  # grey levels by which two encodings of one still picture may differ
# On real clips, a fake and its source correlate by at least 0.51, two parts of one recording by at
# most 0.18. Different recordings with smooth motion reach 0.67 by chance.
_MIN_CORRELATION = 0.4
_SURE_CORRELATION = 0.7
_NOISY = 2.0  # grey levels of motion that the noise of a strong compression may hide
_MOVING = 0.75  # quantile of the motion per pixel; the pixels above it are compared
# Greatest difference between two videos of one recording, as a share of the difference between
# videos that move independently. Unrelated pairs came as low as 0.87.
_MAX_DIFFERENCE = 0.8

Fingerprint = npt.NDArray[np.uint8]
_Pictures = npt.NDArray[np.float32]


def read_fingerprint(path: Path) -> Fingerprint:
    """Return the fingerprint of a video: its luma every quarter of a second, for eight seconds.

    Args:
        path: The video file.

    Returns:
        uint8 (N, 32, 32), 0..255, N from 1 to 32: each frame, without black bars, squeezed to a
        square. The pictures end before the first frame that cannot be decoded.

    Raises:
        VideoError: The file cannot be opened as a video, or its first frame cannot be decoded.

    Example:
        >>> read_fingerprint(Path("samples/videos/ajgbsfvojo.mp4")).shape
        (4, 32, 32)
    """
    packets = list_packets(path)
    rate = packets.frames / packets.duration if packets.duration else 0.0
    wanted = dict.fromkeys(round(step * _STEP_S * rate) for step in range(_MAX_PICTURES))
    indices = [index for index in wanted if index < packets.frames]
    pictures = []
    for index, frame in zip(indices, read_frames(path, packets, indices), strict=False):
        if frame.index != index:  # a frame is lost, so the later ones would be out of step
            break
        grey = cv2.cvtColor(frame.image(_READ_SIDE), cv2.COLOR_BGR2GRAY)
        shown = without_bars(np.asarray(grey, np.uint8))
        pictures.append(np.asarray(cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_AREA)))
    if not pictures:
        raise VideoError(f"{path}: its first frame cannot be decoded; replace or remove the file")
    return np.stack(pictures)


def same_recording(first: Fingerprint, second: Fingerprint) -> bool:
    """Tell whether two videos show one recording, as it is or with one of them mirrored.

    The motion of the two videos is correlated: each picture less the mean picture of its video, so
    that neither the room nor a person's usual place counts. Where the correlation is not decisive,
    and the motion stands out from the noise of the encoder, the pictures must also differ less, at
    the pixels that move most, than pictures of independent videos would. Where nothing moves, the
    pictures must be equal but for noise.

    Of 16 real and rendered clips, 111 of 112 copies are recognised (CRF 40, half the size, other
    frame rates, mirrored, the end cut off, and all of it together). Of 75 real clips, all 48 fakes
    and their sources are, and neither any of 2,699 pairs of different clips nor the two halves of
    any. Of the sample's 216, 143 of 144 fakes and their sources are, and none of 23,004 pairs of
    different groups. Videos that begin at different moments, or of which one is twice as fast, must
    correlate more.

    Args:
        first: The fingerprint of one video, as ``read_fingerprint`` returns it.
        second: The fingerprint of the other video. The times that both cover are compared.

    Example:
        >>> videos = Path("samples/videos")
        >>> source = read_fingerprint(videos / "ajgbsfvojo.mp4")
        >>> fake = read_fingerprint(videos / "nlebmufkne.mp4")
        >>> unrelated = read_fingerprint(videos / "asxpfvxlov.mp4")
        >>> same_recording(source, fake), same_recording(source, unrelated)
        (True, False)
    """
    length = min(len(first), len(second))
    pictures, others = _shown(first[:length], second[:length])
    if _alike(pictures, others) or _alike(pictures, others[:, :, ::-1]):
        return True
    return any(
        _move_alike(ours, theirs) or _move_alike(ours, theirs[:, :, ::-1])
        for ours, theirs in _aligned(first, second)
    )


def _shown(first: Fingerprint, second: Fingerprint) -> tuple[_Pictures, _Pictures]:
    """Return the pictures of the moments at which neither video is black or of one colour."""
    shown = np.minimum(first.std(axis=(1, 2)), second.std(axis=(1, 2))) >= _PLAIN
    if not shown.any():
        shown[:] = True
    return first[shown].astype(np.float32), second[shown].astype(np.float32)


def _aligned(first: Fingerprint, second: Fingerprint) -> Iterator[tuple[_Pictures, _Pictures]]:
    """Yield the pictures that two videos share, for each difference in beginning and speed."""
    for ours, theirs in ((first, second), (first[::2], second), (first, second[::2])):
        for shift in range(_MIN_SHIFTED - len(theirs), len(ours) - _MIN_SHIFTED + 1):
            one, other = ours[max(0, shift) :], theirs[max(0, -shift) :]
            length = min(len(one), len(other))
            yield _shown(one[:length], other[:length])


def _move_alike(first: _Pictures, second: _Pictures) -> bool:
    motion, other_motion = first - first.mean(axis=0), second - second.mean(axis=0)
    less, more = sorted(float(np.sqrt(np.square(each).mean())) for each in (motion, other_motion))
    if less < _NOISY:
        return False
    return float((motion * other_motion).mean()) > _SHIFTED_CORRELATION * less * more


def _alike(first: _Pictures, second: _Pictures) -> bool:
    motion, other_motion = first - first.mean(axis=0), second - second.mean(axis=0)
    power, other_power = np.square(motion).mean(axis=0), np.square(other_motion).mean(axis=0)
    less, more = sorted(float(np.sqrt(each.mean())) for each in (power, other_power))
    if len(first) < _MIN_PICTURES or more < _STILL:
        return bool(np.abs(first - second).mean() < _EQUAL)
    correlation = float((motion * other_motion).mean()) / max(less * more, 1e-9)
    if correlation < _MIN_CORRELATION:
        return False
    if correlation > _SURE_CORRELATION or less < _NOISY:
        return True
    difference = first - second
    error = np.square(difference - np.median(difference)).mean(axis=0)
    independent = power + other_power  # the error that videos with independent motion would have
    moving = independent >= np.quantile(independent, _MOVING)
    return bool(np.median(error[moving] / independent[moving]) <= _MAX_DIFFERENCE**2)
