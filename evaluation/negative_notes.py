"""What tables say of negatives: how many there are, and which metrics are about them."""

from __future__ import annotations

from ..core import Status
from ..core.sizes import counted
from .schema import MetricInfo, ResultFile


def negatives_said(info: ResultFile) -> str | None:
    """How many negatives a result's method was asked about, and where they count; None where there are none."""
    if info.dataset.n_negatives:
        return f"{counted(info.dataset.n_negatives, 'negative')} beside these, in no average"
    used = max((counts.get(Status.NEGATIVE, 0) for counts in info.statuses.values()), default=0)
    if not used:
        return None
    about = ", ".join(metric.label for metric in about_negatives(info))
    return f"{counted(used, 'negative')}, in no average but {about}"


def about_negatives(info: ResultFile) -> list[MetricInfo]:
    """The metrics that negatives count in, of a result that has some; none of any other."""
    uses = any(Status.NEGATIVE in counts for counts in info.statuses.values())
    return [metric for metric in info.metrics if uses and Status.NEGATIVE not in info.statuses[metric.key]]
