"""Which end of metrics is the good one, in words."""

from __future__ import annotations

from collections.abc import Sequence

from .schema import MetricInfo


def direction_of(metrics: Sequence[MetricInfo]) -> str:
    """Which end of each metric is the good one, as "higher is better, of Distance lower"."""
    lower = [metric.label for metric in metrics if not metric.higher_is_better]
    if lower and len(lower) == len(metrics):
        return "lower is better"
    return f"higher is better, of {', '.join(lower)} lower" if lower else "higher is better"
