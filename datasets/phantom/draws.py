"""Random draws."""

from __future__ import annotations

import math

import numpy as np

from .parameters import Percentiles, Range

_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


def uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A number between the bounds."""
    return float(rng.uniform(*bounds))


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Whether something that has the probability happens."""
    return bool(rng.random() < probability)


def related(rng: np.random.Generator, z: float, correlation: float) -> float:
    """A normal score that has a correlation with the score `z`."""
    return correlation * z + math.sqrt(1 - correlation * correlation) * float(rng.standard_normal())


def normal_share(z: float) -> float:
    """The share of a normal distribution below z."""
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def quantile(z: float, percentiles: Percentiles) -> float:
    """The value of a distribution at a normal score; never beyond its percentiles 5 and 95."""
    return float(np.interp(normal_share(z), _SHARES, percentiles))


def quantile_share(value: float, percentiles: Percentiles) -> float:
    """The share of a distribution below a value, from .05 to .95."""
    return float(np.interp(value, percentiles, _SHARES))
