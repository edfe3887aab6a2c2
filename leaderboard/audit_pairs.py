"""What stands beside a method on its audit page, and how far two results are apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ..comparison.head_to_head import difference_of
from ..comparison.significance import MACRO
from ..evaluation.schema import MethodInfo
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
    """

    first: float | None
    second: float | None
    value: float | None
    low: float | None
    high: float | None
    p: float | None

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


def difference(first: Run, second: Run, metric: str) -> Difference | None:
    """How far two runs are apart; None where they do not both have the metric, or share no sample.

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
    table = difference_of(first, second, info).table.set_index("column")
    row = {key: _known(value) for key, value in table.loc[MACRO].items()}
    # What a condition changes is no test between methods.
    p = row["p"] if first.setting == second.setting else None
    return (
        None
        if row["difference"] is None
        else Difference(row["first"], row["second"], row["difference"], row["low"], row["high"], p)
    )


def _known(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | np.number) and not math.isnan(value) else None


def asks(control: MethodInfo, method: MethodInfo) -> bool:
    """Whether a control asks just this method: with its options and its weights."""
    options = control.options
    if not control.control or options.get("method") != method.name:
        return False
    nested = options.get("settings")
    asked = nested if isinstance(nested, dict) else options
    same = all(asked.get(key) == value for key, value in method.options.items() if key != "weights")
    return same and control.weights_fingerprint == method.weights_fingerprint


def in_condition(other: Run, run: Run) -> bool:
    """Whether a run is of the same method, data and protocol as a plain one, on changed inputs."""
    condition = other.info.condition
    if condition is None or run.info.condition is not None or condition.plain != run.info.dataset.fingerprint:
        return False
    return _about(other) == _about(run)


def _about(run: Run) -> tuple[object, ...]:
    info, method = run.info, run.info.method
    data = info.dataset.name, info.dataset.version, info.dataset.split, info.protocol.hash, info.complete
    return method.name, repr(sorted(method.options.items())), method.weights_fingerprint, method.revision, *data
