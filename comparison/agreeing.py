"""Whether two results say the same of the samples and metrics that both have."""

from __future__ import annotations

from ..evaluation.agreement import DESCRIBED, disagreement
from .entrant import Entrant


def what_differs(first: Entrant, other: Entrant) -> str:
    """What two results of one setting contradict each other in, as "the pathology of 3 samples differs (ID)".

    Patients, classes, and what metrics are (direction, how samples become a cell) are taken from one of the results
    that stand together. Under a protocol that is not known here nothing else holds the metrics against each other.

    Args:
        first: A result.
        other: Another.

    Returns:
        "" where they agree.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    for metric in other.info.metrics:
        known = first.metric(metric.key)
        # Labels may have changed between versions.
        if known and (known.higher_is_better, known.cells) != (metric.higher_is_better, metric.cells):
            return f"what they call {metric.key} is not one metric (which end is good, or how samples become a cell)"
    return disagreement(first.samples(DESCRIBED), other.samples(DESCRIBED))
