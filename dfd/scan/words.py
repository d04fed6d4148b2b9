"""A verdict in sentences that need no training to read."""

from dfd.detector.card import DetectorCard
from dfd.scan.reasons import REASONS
from dfd.scan.record import Reason, VerdictRecord
from dfd.words import LEAK


def headline(record: VerdictRecord) -> str:
    """Return the verdict as one sentence."""
    if record.verdict == "FAKE":
        return "A face in this video was probably forged."
    if record.verdict == "REAL":
        return "The faces in this video look genuine to the detector."
    return "No verdict can be given on this video."


def explanation(record: VerdictRecord) -> str:
    """Return what stands behind the headline: the probability in words, or why there is none."""
    if record.probability is None:
        return " ".join(dict.fromkeys(REASONS[one.code].sentence for one in _decisive(record)))
    chance = chance_of(record.probability)
    said = f"The detector puts the probability of a forged face at {chance}"
    if record.interval:
        low, high = (chance_of(end) for end in record.interval)
        said += f"; other frames of the same video would have put it between {low} and {high}"
    if record.verdict == "INCONCLUSIVE":
        return f"{said}. {REASONS['between'].sentence}"
    if record.verdict == "REAL":
        return f"{said}. That is no proof that the video is genuine."
    return f"{said}. That is evidence, not proof: look at the frames yourself."


def chance_of(probability: float) -> str:
    """Return ``93 %``, never 0 or 100."""
    if probability < 0.01:
        return "under 1 %"
    if probability > 0.99:
        return "over 99 %"
    return f"{100 * probability:.0f} %"


def clock(seconds: float) -> str:
    """Return ``1:04.5``."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"


def limits(record: VerdictRecord, card: DetectorCard) -> list[str]:
    """Return where the verdict does not apply, the gravest first."""
    domain, mix, found = card.domain, card.validation["video"], []
    if card.leaky:
        found.append(LEAK)
    found += [f"{reason.detail[:1].upper()}{reason.detail[1:]}." for reason in _cautions(record)]
    forgeries = f" ({', '.join(domain.methods)})" if domain.methods else ""
    found += [
        f"The detector learnt from {domain.real_videos:,} REAL and {domain.fake_videos:,} FAKE "
        f"videos of {', '.join(domain.datasets) or 'unnamed data'}{forgeries}. On other kinds of "
        "forgery, of camera or of people it may be wrong more often than it says.",
        "It knows faces of {:.0f} to {:.0f} pixels; smaller or larger ones are new to it.".format(
            *domain.face_size
        ),
        "It looks at faces alone, frame by frame: not at sound, lip movement, text, background or "
        "how the video came to be, and not at people beyond the "
        f"{record.crop.max_tracks} that are seen longest.",
        "The probability holds for a mix of REAL and FAKE videos like that it was calibrated on, "
        f"{mix['tp'] + mix['fn']} FAKE of {mix['n']}. Its interval covers only how frames of this "
        "video differ, "
        "not that the detector may be mistaken about such videos.",
        "Strong compression, filters, make-up and poor light raise false alarms and hide "
        "forgeries.",
    ]
    return found


def _decisive(record: VerdictRecord) -> list[Reason]:
    return [reason for reason in record.reasons if REASONS[reason.code].decisive]


def _cautions(record: VerdictRecord) -> list[Reason]:
    return [reason for reason in record.reasons if not REASONS[reason.code].decisive]
