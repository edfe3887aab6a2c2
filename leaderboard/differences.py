"""How far two results are apart in the macro mean, and how small a difference would show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from ..comparison.head_to_head import difference_of
from ..comparison.significance import MACRO
from .runs import Run

LEVEL, POWER = 0.05, 0.8
_SIDE = NormalDist().inv_cdf(1 - LEVEL / 2)


@dataclass(frozen=True)
class Difference:
    """Two results on the samples that both have, in the macro mean.

    Attributes:
        first: Value of the first.
        second: Of the second.
        value: The first minus the second.
        low: Lower end of the 95 % interval (bootstrap over patients), None where there is none.
        high: Upper end.
        p: That the difference is 0, None where it was not tested.
        n: Samples that both have a value of.
    """

    first: float | None
    second: float | None
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int

    @property
    def smallest(self) -> float | None:
        """The smallest true difference that would show; None where there is no interval."""
        return None if self.low is None or self.high is None else smallest_difference(self.low, self.high)


def smallest_difference(low: float, high: float, power: float = POWER) -> float:
    """The true difference whose 95 % interval would leave out 0 with a certain probability.

    As many standard errors as the normal quantiles of the level and of the power add up to, 1.96 + .84; the standard
    error is that of the bootstrap, by the width of its interval (Cohen, *Statistical Power Analysis for the Behavioral
    Sciences*, 1988, chapter 2).

    Args:
        low: Lower end of the 95 % interval of a difference like it.
        high: Upper end.
        power: The probability.
    """
    error = (high - low) / (2 * _SIDE)
    return (_SIDE + NormalDist().inv_cdf(power)) * error


# The same two stand in several parts of an audit, and pages ask again whenever something else on them changes.
@lru_cache(maxsize=1024)
def difference(first: Run, second: Run, metric: str) -> Difference | None:
    """How far two runs are apart; None where they do not both have the metric.

    Args:
        first: A run.
        second: Another of the same setting, or of the same method on the same samples under a condition.
        metric: The metric's key.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    info = first.metric(metric)
    if info is None or second.metric(metric) is None:
        return None
    row = difference_of(first, second, info).table.set_index("column").loc[MACRO]
    one, other, value, low, high, p = (
        _known(row[key]) for key in ("first", "second", "difference", "low", "high", "p")
    )
    # What a condition changes is no test between methods.
    return Difference(one, other, value, low, high, p if first.setting == second.setting else None, int(row["n"]))


def _known(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | np.number) and not math.isnan(value) else None
