"""What the numbers of a comparison are, in words: the same in every table and export."""

from __future__ import annotations

from ..evaluation.schema import MetricInfo

SIGN_FLIPS = "sign flips"
BOOTSTRAP = "paired bootstrap"


def how_tested(metric: MetricInfo) -> str:
    """How a difference is tested: where cells are no means, flipping a patient's sign has no meaning."""
    return SIGN_FLIPS if metric.reducer is None else BOOTSTRAP


def cells_said(metric: MetricInfo) -> str:
    """What the cells over pathologies and samples are."""
    micro = "mean over samples" if metric.reducer is None else "over all samples together"
    return f"Macro: mean over pathologies; micro: {micro}."


def difference_said(metric: MetricInfo, first: str, family: str) -> str:
    """What a table of paired differences shows.

    Args:
        metric: What is compared.
        first: Whose samples are won or lost.
        family: Over what p-values are corrected.
    """
    if metric.reducer is None:
        what, own = "Means over the samples that both have.", ""
        test = "sign flips over patients"
    else:
        what, own = "Made anew of the samples that both have.", ", by the samples' own values"
        test = "paired bootstrap over patients (both methods in the same draws, centred)"
    return (
        f"{what} Intervals: bootstrap over patients, 95 %. p: {test}, Holm-corrected over {family}. Won, tied, lost: "
        f"samples on which {first} is better, equal, worse{own}."
    )
