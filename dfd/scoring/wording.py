"""How figures are written in pages, pictures and the model card."""

from dfd.scoring.bootstrap import Interval


def number(value: float | None, interval: Interval | None = None) -> str:
    """Return a figure with three decimals, and its interval in brackets.

    Args:
        value: The figure; None or NaN where there is none.
        interval: Its 95 % interval; None where there is none.

    Example:
        >>> number(0.8437), number(None)
        ('0.844', '—')
        >>> number(0.8437, Interval(0.6561, 1.0))
        '0.844 (0.656–1.000)'
    """
    if value is None or value != value:
        return "—"
    if interval is None:
        return f"{value:.3f}"
    return f"{value:.3f} ({interval.low:.3f}–{interval.high:.3f})"


def interval_of(low: float | None, high: float | None) -> Interval | None:
    """Return the interval that two columns of a table hold, or None where they are empty.

    Args:
        low: The lower end; None or NaN where there is none.
        high: The upper end; None or NaN where there is none.

    Example:
        >>> interval_of(0.6, 0.9)
        Interval(low=0.6, high=0.9)
        >>> interval_of(float("nan"), 0.9) is None
        True
    """
    if low is None or high is None or low != low or high != high:
        return None
    return Interval(float(low), float(high))


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share as a percentage, or a dash for None.

    Args:
        share: The share, 0..1.
        digits: Decimals of the percentage.

    Example:
        >>> percent(0.834), percent(0.0512, 1), percent(None)
        ('83 %', '5.1 %', '—')
    """
    return "—" if share is None else f"{100 * share:.{digits}f} %"


def share_of(part: int, whole: int) -> str:
    """Return a share as two numbers, so that nobody takes one of few for a precise one.

    Args:
        part: How many there are of a kind.
        whole: How many there are; 0 gives a dash.

    Example:
        >>> share_of(4, 20), share_of(0, 1200), share_of(0, 0)
        ('4 of 20', '0 of 1,200', '—')
    """
    return f"{part:,} of {whole:,}" if whole else "—"
