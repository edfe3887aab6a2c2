"""How numbers are written, the same on the terminal, on the leaderboard and in exported tables."""

from __future__ import annotations

from .schema import MetricInfo


def digits_of(metric: MetricInfo) -> int:
    """Decimals of a metric: three of a share; of what has no bounds two, which is as many digits."""
    return 2 if metric.low is None or metric.high is None else 3


def with_plus(shown: str, value: float) -> str:
    """A difference as it is printed, with a plus where it is above 0 and not rounded to it: "+.012", ".000", "-.02"."""
    return f"+{shown}" if value > 0 and any(digit in shown for digit in "123456789") else shown


def write_number(value: float, digits: int) -> str:
    """A value with so many decimals, without a leading zero: ".143", "-.02", "3.051e+38"."""
    shown = f"{value:.{digits}f}" if abs(value) < 100 else f"{value:.4g}"
    if float(shown) == 0:
        shown = shown.lstrip("-")
    return shown.replace("0.", ".", 1) if shown.lstrip("-").startswith("0.") else shown
