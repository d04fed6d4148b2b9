"""How figures are written wherever a person reads them."""

from dfd.scoring.bootstrap import Interval


def number(value: float | None, interval: Interval | None = None) -> str:
    """Return ``0.844``, ``0.844 (0.656–1.000)`` with an interval, a dash for None or NaN."""
    if value is None or value != value:
        return "—"
    if interval is None:
        return f"{value:.3f}"
    return f"{value:.3f} ({interval.low:.3f}–{interval.high:.3f})"


def interval_of(low: float | None, high: float | None) -> Interval | None:
    """Return the interval of a table's two columns, None where they are empty."""
    if low is None or high is None or low != low or high != high:
        return None
    return Interval(float(low), float(high))


def percent(share: float | None, digits: int = 0) -> str:
    """Return ``83 %``, a dash for None."""
    return "—" if share is None else f"{100 * share:.{digits}f} %"
