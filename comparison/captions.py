"""What the numbers of a comparison are, in words: the same in every table and export."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..evaluation.numbers import digits_of, with_plus, write_number
from ..evaluation.resampled import resampled
from ..evaluation.schema import MetricInfo, ResultFile
from ..metrics.bootstrap import DRAWS
from .significance import FLIPS, LEVEL

SIGN_FLIPS = "sign flips"
BOOTSTRAP = "paired bootstrap"


def how_tested(metric: MetricInfo) -> str:
    """How a difference is tested: where cells are no means, flipping a patient's sign has no meaning."""
    return SIGN_FLIPS if metric.reducer is None else BOOTSTRAP


def cells_said(metric: MetricInfo) -> str:
    """What the cells over pathologies and samples are."""
    micro = "mean over samples" if metric.reducer is None else "over all samples together"
    return f"Macro: mean over pathologies; micro: {micro}."


def difference_said(metric: MetricInfo, first: str, infos: Sequence[ResultFile], pairs: int = 1) -> str:
    """What a table of paired differences shows.

    Args:
        metric: What is compared.
        first: Whose samples are won or lost.
        infos: What is compared.
        pairs: How many tables like this one there are beside it, with itself.
    """
    unit = resampled(infos)
    if metric.reducer is None:
        what, own = "Means over the samples that both have.", ""
        test = f"sign flips over {unit}"
    else:
        what, own = "Made anew of the samples that both have.", ", by the samples' own values"
        test = f"paired bootstrap over {unit} (both methods in the same draws, centred)"
    family = "the pathologies"
    if pairs > 1:
        family = f"the pathologies of all {pairs} pairs, and over the pairs for macro and for micro"
    return (
        f"{what} Intervals: bootstrap over {unit}, 95 %. p: {test}, Holm-corrected over {family}. Won, tied, lost: "
        f"samples on which {first} is better, equal, worse{own}."
    )


def resolution_said(metric: MetricInfo, tests: int) -> str:
    """That no p-value of a family can be small, where so many are corrected together; "" where one can.

    Args:
        metric: What is compared.
        tests: How many p-values are corrected together.
    """
    smallest = 1 / (1 + (FLIPS if how_tested(metric) == SIGN_FLIPS else DRAWS))
    if tests * smallest < LEVEL:
        return ""
    return (
        f"Of {tests:,} tests corrected together none can have a p below {LEVEL:g}, however large its difference, since "
        f"resampling gives no p below {smallest:.1g}; compare fewer results at a time."
    )


def signed(value: float | None, metric: MetricInfo) -> str:
    """A difference, with its sign: "+.012"; "-" where there is none."""
    if value is None or np.isnan(value):
        return "-"
    return with_plus(write_number(value, digits_of(metric)), value)


def p_shown(p: float) -> str:
    """A p-value: ".034", "< .001"; "-" where there is none."""
    return "-" if np.isnan(p) else "< .001" if p < 0.001 else write_number(p, 3)


def p_equals(p: float) -> str:
    """A p-value in a sentence: "p = .034", "p < .001"."""
    shown = p_shown(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"
