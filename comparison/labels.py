"""What tells runs of one name apart in tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.fingerprint import SHORT
from ..evaluation.box_choice import options_of
from ..evaluation.schema import ResultFile

_LONGEST = 60


def marks(runs: Sequence[ResultFile], ids: Sequence[str]) -> list[str]:
    """What to put behind each one's name.

    Args:
        runs: Of methods of one name, on one data set under one protocol.
        ids: Of the runs.

    Returns:
        The options, weights and versions in another Python in which they differ, or, where these are many or do not
        tell all apart, the ids; of one method alone nothing. Which boxes count is always said where somebody chose,
        since it is no part of the method.
    """
    choices = [[f"{name}={value}" for name, value in options_of(run.answers).items()] for run in runs]
    if len(runs) == 1:
        return [_mark(choices[0])]
    versions = _versions(runs)
    said = [
        {**found, **run.method.options, "weights": run.method.weights}
        for run, found in zip(runs, versions, strict=True)
    ]
    differing = [
        key
        for key in dict.fromkeys(key for one in said for key in one)
        if len({_short(one.get(key)) for one in said}) > 1
    ]
    found = [
        _mark([*(f"{key}={_short(one.get(key))}" for key in differing), *choice])
        for one, choice in zip(said, choices, strict=True)
    ]
    if len(set(found)) == len(found) and max(map(len, found)) <= _LONGEST:
        return found
    return [_mark([one[:SHORT], *choice]) for one, choice in zip(ids, choices, strict=True)]


def told_apart(names: Sequence[str], runs: Sequence[ResultFile], ids: Sequence[str]) -> list[str]:
    """Names that are unique: behind those that several share stands what `marks` puts there."""
    labels = list(names)
    for name in set(names):
        places = [place for place, one in enumerate(names) if one == name]
        for place, mark in zip(places, marks([runs[i] for i in places], [ids[i] for i in places]), strict=True):
            labels[place] = name + mark
    return labels


def _versions(runs: Sequence[ResultFile]) -> list[dict[str, str]]:
    """Of what any of them rests on in another Python, the versions, as far as they are known of all."""
    names = dict.fromkeys(name for run in runs for name in run.method.environment or ())
    found = [run.run.packages if run.method.environment is None else run.method.environment for run in runs]
    known = [name for name in names if all(name in one for one in found)]
    return [{name: one[name] for name in known} for one in found]


def _mark(parts: Sequence[str]) -> str:
    return f" ({', '.join(parts)})" if parts else ""


def _short(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
