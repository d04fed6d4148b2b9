"""A verdict in sentences for readers without training."""

from dfd.detector.card import DetectorCard
from dfd.scan.reasons import REASONS
from dfd.scan.record import Reason, VerdictRecord
from dfd.scoring.decision import promised
from dfd.words import LEAK, SYNTHETIC, if_fake


def headline(record: VerdictRecord) -> str:
    """Return the verdict of a record as one sentence.

    Example, where ``detector_dir`` is a detector directory:
        >>> from pathlib import Path
        >>> from dfd.scan.worker import NamedDetector, scan_file
        >>> headline(scan_file(Path("no-such.mp4"), NamedDetector(detector_dir, "champion")).record)
        'No verdict can be given on this video.'
    """
    if record.verdict == "FAKE":
        return "A face in this video was probably forged."
    if record.verdict == "REAL":
        return "The faces in this video look genuine to the detector."
    return "No verdict can be given on this video."


def explanation(record: VerdictRecord) -> str:
    """Return the probability behind a verdict in words, or why there is no probability.

    Example, where ``detector_dir`` is a detector directory:
        >>> from pathlib import Path
        >>> from dfd.errors import VideoGivenUp
        >>> from dfd.scan.worker import NamedDetector, give_up
        >>> error = VideoGivenUp("unreadable", "is empty")
        >>> scan = give_up(Path("empty.mp4"), NamedDetector(detector_dir, "champion"), error)
        >>> explanation(scan.record)
        'The file could not be read as a video.'
    """
    decisive = [reason for reason in record.reasons if REASONS[reason.code].decisive]
    why = " ".join(dict.fromkeys(map(_why, decisive)))
    if record.probability is None:
        return why
    chance = chance_of(record.probability)
    sentence = (
        f"The detector puts the probability of a forged face at {chance}, {if_fake(record.prior)}"
    )
    if record.interval:
        low, high = (chance_of(end) for end in record.interval)
        sentence += f"; other frames of the same video would have put it between {low} and {high}"
    if record.verdict == "INCONCLUSIVE":
        return f"{sentence}. {why}"
    if record.verdict == "REAL":
        return f"{sentence}. That is no proof that the video is genuine."
    return f"{sentence}. That is evidence, not proof: look at the frames yourself."


def _why(reason: Reason) -> str:
    sentence = REASONS[reason.code].sentence
    if reason.code != "outside_domain":
        return sentence
    return f"{sentence} {reason.detail[:1].upper()}{reason.detail[1:]}."


def chance_of(probability: float) -> str:
    """Return a probability in percent, but never 0 % or 100 %, which would claim certainty.

    Args:
        probability: 0..1.

    Example:
        >>> chance_of(0.934), chance_of(0.002), chance_of(1.0)
        ('93 %', 'under 1 %', 'over 99 %')
    """
    if probability < 0.01:
        return "under 1 %"
    if probability > 0.99:
        return "over 99 %"
    return f"{100 * probability:.0f} %"


def clock(seconds: float) -> str:
    """Return a time in the video as minutes and seconds.

    Args:
        seconds: Seconds since the first frame, at least 0.

    Example:
        >>> clock(64.52)
        '1:04.5'
    """
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"


def limits(record: VerdictRecord, card: DetectorCard) -> list[str]:
    """Return the limits of a verdict in sentences, the gravest first.

    Args:
        record: The verdict record.
        card: Card of the detector that judged the file.
    """
    domain = card.domain
    cautions = [reason for reason in record.reasons if not REASONS[reason.code].decisive]
    forgeries = f" ({', '.join(domain.methods)})" if domain.methods else ""
    return [
        *([LEAK] if card.leaky else []),
        *([SYNTHETIC] if domain.synthetic else []),
        *(f"{reason.detail[:1].upper()}{reason.detail[1:]}." for reason in cautions),
        f"The detector learnt from {domain.real_videos:,} REAL and {domain.fake_videos:,} FAKE "
        f"videos of {', '.join(domain.datasets) or 'unnamed data'}{forgeries}. On other kinds of "
        "forgery, of camera or of people it may be wrong more often than it says.",
        "It knows faces of {:.0f} to {:.0f} pixels; smaller or larger ones are new to it.".format(
            *domain.face_size
        ),
        "It looks at faces alone, frame by frame: not at sound, lip movement, text, background or "
        "how the video came to be, and not at people beyond the "
        f"{record.crop.max_tracks} that are seen longest.",
        f"The probability is what it would be {if_fake(record.prior)}; where fakes are rarer it is "
        "lower. Its interval covers only how frames of this video differ, not that the detector "
        "may be mistaken about such videos.",
        promised(card.decision),
        "Strong compression, filters, make-up and poor light raise false alarms and hide "
        "forgeries.",
    ]
