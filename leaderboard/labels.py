"""What tells runs of one name apart in tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.fingerprint import SHORT
from ..evaluation.schema import MethodInfo

_LONGEST = 60


def marks(methods: Sequence[MethodInfo], ids: Sequence[str]) -> list[str]:
    """What to put behind each one's name.

    Args:
        methods: Methods of one name, in one data set under one protocol.
        ids: Of their runs.

    Returns:
        The options and weights in which they differ, or, where these are many or do not tell all apart, the ids; of
        one method alone nothing.
    """
    if len(methods) == 1:
        return [""]
    said = [{**method.options, "weights": method.weights} for method in methods]
    differing = [
        key
        for key in dict.fromkeys(key for one in said for key in one)
        if len({_short(one.get(key)) for one in said}) > 1
    ]
    found = [f" ({', '.join(f'{key}={_short(one.get(key))}' for key in differing)})" for one in said]
    if len(set(found)) == len(found) and max(map(len, found)) <= _LONGEST:
        return found
    return [f" ({one[:SHORT]})" for one in ids]


def _short(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
