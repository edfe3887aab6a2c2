"""Metrics as people write them: by key or label, in any case."""

from __future__ import annotations

from collections.abc import Iterable

from ..core import unknown_name
from .schema import MetricInfo


def metric_key(name: str, metrics: Iterable[MetricInfo], whose: str) -> str:
    """The key of a metric that is named by its key or its label, such as "miou", "mIoU" or "Box IoU".

    Args:
        name: As it was written.
        metrics: Those that there are.
        whose: For messages: "this result", "these results".

    Raises:
        UnknownNameError: If there is none of that name, with the closest.
    """
    known = {metric.key: metric.label for metric in metrics}
    if name in known:
        return name
    wanted = _folded(name)
    # A key comes before another metric's label.
    for key in known:
        if _folded(key) == wanted:
            return key
    for key, label in known.items():
        if _folded(label) == wanted:
            return key
    raise unknown_name(f"metric of {whose}", name, sorted(known))


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold()
