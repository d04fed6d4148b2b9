"""The scores of a video's people over time, laid out to be drawn."""

from dataclasses import dataclass

from dfd.scan.record import Track, VerdictRecord
from dfd.scan.words import clock
from dfd.words import counted

WIDTH, HEIGHT = 880, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 74, 14, 34
_TICKS = 6


@dataclass(frozen=True)
class Line:
    """One person's scores: points in pixels of the drawing, and the same in words."""

    track: int
    points: tuple[tuple[float, float], ...]
    words: str


@dataclass(frozen=True)
class Timeline:
    """A drawing of WIDTH by HEIGHT pixels; P(FAKE) goes up, time to the right."""

    lines: tuple[Line, ...]
    threshold: float
    band: tuple[float, float]
    ticks: tuple[tuple[float, str], ...]
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM


def timeline(
    record: VerdictRecord, threshold: float, inconclusive: tuple[float, float]
) -> Timeline:
    """Lay out the scores of a record.

    Args:
        record: Of a video with at least one track.
        threshold: Probabilities from here on are called FAKE.
        inconclusive: Probabilities strictly between these two get no verdict.
    """
    last = max(frame.time_s for track in record.tracks for frame in track.frames)
    end = max(last, (record.video and record.video.duration_s) or 0.0, 0.1)

    def across(seconds: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * seconds / end, 1)

    return Timeline(
        lines=tuple(
            Line(
                track=track.track,
                points=tuple((across(frame.time_s), _up(frame.score)) for frame in track.frames),
                words=_in_words(track),
            )
            for track in record.tracks
        ),
        threshold=_up(threshold),
        band=(_up(inconclusive[1]), _up(inconclusive[0])),
        ticks=tuple(
            (across(end * tick / _TICKS), clock(end * tick / _TICKS)) for tick in range(_TICKS + 1)
        ),
    )


def _up(score: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * score, 1)


def _in_words(track: Track) -> str:
    scores = [frame.score for frame in track.frames]
    times = [clock(frame.time_s) for frame in track.frames]
    return (
        f"person {track.track + 1}: {counted(len(scores), 'frame')} from {times[0]} to "
        f"{times[-1]}, scores from {min(scores):.2f} to {max(scores):.2f}, together "
        f"{track.score:.2f}"
    )
