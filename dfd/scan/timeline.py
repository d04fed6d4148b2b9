"""The chart of a report: the scores of each person in a video over time."""

from dataclasses import dataclass

from dfd.scan.record import Track, VerdictRecord
from dfd.scan.words import clock
from dfd.words import counted

WIDTH, HEIGHT = 880, 220  # pixels of the chart
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 74, 14, 34  # margins in pixels, for labels
_TICKS = 6  # steps of the time axis


@dataclass(frozen=True)
class Line:
    """One person's scores.

    Attributes:
        track: The track's number in the record, from 0.
        points: The place of each judged frame: x and y in pixels from the upper left corner.
        words: The same in words, for readers who cannot see the chart.
    """

    track: int
    points: tuple[tuple[float, float], ...]
    words: str


@dataclass(frozen=True)
class Timeline:
    """A chart of ``WIDTH`` by ``HEIGHT`` pixels: time runs to the right, scores upwards.

    Attributes:
        lines: One line for each person.
        threshold: The y of the decision threshold.
        band: The y of the upper and of the lower end of the inconclusive band.
        ticks: The x of each label of the time axis, and the label.
        left: The x where the axes begin.
        right: The x where the time axis ends.
        top: The y of a score of 1.
        bottom: The y of a score of 0.
    """

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
    """Return the chart of a record's scores.

    Args:
        record: The record of a video with at least one track.
        threshold: Videos with at least this score are called FAKE, 0..1.
        inconclusive: Videos with a score strictly between these two get no verdict, 0..1.
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
    """Return the y of a score."""
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * score, 1)


def _in_words(track: Track) -> str:
    scores = [frame.score for frame in track.frames]
    times = [clock(frame.time_s) for frame in track.frames]
    return (
        f"person {track.track + 1}: {counted(len(scores), 'frame')} from {times[0]} to "
        f"{times[-1]}, scores from {min(scores):.2f} to {max(scores):.2f}, together "
        f"{track.score:.2f}"
    )
