"""What stands beside a method on its audit page, and how far two results are apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ..core.names import one_line
from ..evaluation.schema import MethodInfo
from ..metrics import summarise
from .comparison import head_to_head
from .pairing import paired_values
from .runs import Run
from .significance import MACRO

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
    if first.metric(metric) is None or second.metric(metric) is None:
        return None
    if first.setting == second.setting:
        table = head_to_head(first, second, metric).table.set_index("column")
        row = {key: _known(value) for key, value in table.loc[MACRO].items()}
        return Difference(row["first"], row["second"], row["difference"], row["low"], row["high"], row["p"])
    info = first.metric(metric)
    if info is None or info.reducer is not None:
        return None
    paired = paired_values([first, second], metric)
    both = np.flatnonzero(~np.isnan(paired.values).any(axis=1))
    if not both.size:
        return None
    values, pathology = paired.values[both], paired.pathology[both].tolist()
    table = np.column_stack([values, values[:, 0] - values[:, 1]])
    names = [name for name in first.info.pathologies if name in set(pathology)]
    one, other, apart = summarise(table, pathology, paired.patient[both].tolist(), pathologies=names).macro
    return Difference(one.value, other.value, apart.value, apart.low, apart.high, None)


def _known(value: object) -> float | None:
    return float(value) if isinstance(value, int | float | np.number) and not math.isnan(value) else None


def asks(control: MethodInfo, method: MethodInfo) -> bool:
    """Whether a control asks just this method: with its options and its weights."""
    options = control.options
    if not control.control or options.get("method") != method.name:
        return False
    nested = options.get("settings")
    asked = nested if isinstance(nested, dict) else options
    same = all(asked.get(key) == value for key, value in method.options.items() if key not in ("weights", "method"))
    return same and control.weights_fingerprint == method.weights_fingerprint


def in_condition(other: Run, run: Run) -> bool:
    """Whether a run is of the same method, data and protocol as a plain one, on changed inputs."""
    if other.info.condition is None or run.info.condition is not None:
        return False
    return _about(other) == _about(run)


def _about(run: Run) -> tuple[object, ...]:
    info, method = run.info, run.info.method
    data = info.dataset.name, info.dataset.version, info.dataset.split, info.protocol.hash, info.complete
    return method.name, repr(sorted(method.options.items())), method.weights_fingerprint, method.revision, *data


def said_condition(run: Run) -> str:
    """A condition in words: its name, and what is set of it."""
    condition = dict(run.info.condition or {})
    name = str(condition.pop("name", "")) or "condition"
    rest = ", ".join(f"{key} {value}" for key, value in condition.items() if value is not None)
    return one_line(f"{name} ({rest})" if rest else name)
