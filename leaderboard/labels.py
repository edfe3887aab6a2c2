"""What tells runs of one name apart in tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.fingerprint import SHORT
from ..evaluation.schema import AnswersInfo, ResultFile

_LONGEST = 60


def marks(runs: Sequence[ResultFile], ids: Sequence[str]) -> list[str]:
    """What to put behind each one's name.

    Args:
        runs: Of methods of one name, on one data set under one protocol.
        ids: Of the runs.

    Returns:
        The options, weights and choices of boxes in which they differ, or, where these are many or do not tell all
        apart, the ids; of one method alone nothing.
    """
    if len(runs) == 1:
        return [""]
    said = [{**run.method.options, "weights": run.method.weights, **_choice(run.answers)} for run in runs]
    differing = [
        key
        for key in dict.fromkeys(key for one in said for key in one)
        if len({_short(one.get(key)) for one in said}) > 1
    ]
    found = [f" ({', '.join(f'{key}={_short(one.get(key))}' for key in differing)})" for one in said]
    if len(set(found)) == len(found) and max(map(len, found)) <= _LONGEST:
        return found
    return [f" ({one[:SHORT]})" for one in ids]


def _choice(answers: AnswersInfo | None) -> dict[str, Any]:
    chosen = answers or AnswersInfo()
    least = "none" if chosen.min_score is None else chosen.min_score
    return {"min-score": least, "top": "all" if chosen.top is None else chosen.top}


def _short(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
