"""What is not as it was when a result was made: the method, its code, and where it ran."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from ..box_choice import describe
from ..schema import GitInfo, MethodInfo, ResultFile
from .record import Change

Kind = Literal["method", "code", "environment"]

_HASH = 12
"""Digits of a hash that tell two of them apart."""

UNTOLD = "something that a result does not name"
"""The fingerprint differs, and nothing else does."""


def method_changes(before: MethodInfo, after: MethodInfo) -> list[Change]:
    """What of a method has changed, before it is run: name, options, weights, code, packages of another Python.

    Args:
        before: As the result says it.
        after: As it was built now.
    """
    found = [
        *_one("method", "name", before.name, after.name),
        *_one("method", "kind", before.kind, after.kind),
        *_one("method", "answers with", " and ".join(before.emits), " and ".join(after.emits)),
        *_each("method", "option", before.options, after.options),
        *_one("method", "weights", before.weights, after.weights),
        *_one("method", "hash of the weights", *map(_short, (before.weights_fingerprint, after.weights_fingerprint))),
        *_one("code", "source of the method", _short(before.revision), _short(after.revision)),
    ]
    if before.environment is None or after.environment is None:
        where = ("this Python" if one.environment is None else "another Python" for one in (before, after))
        found += _one("environment", "runs in", *where)
    else:
        found += _each("environment", "in its Python,", before.environment, after.environment)
    return found


def changes_between(before: ResultFile, after: ResultFile) -> list[Change]:
    """All that has changed between two results of the same samples."""
    found = method_changes(before.method, after.method)
    if before.method.fingerprint != after.method.fingerprint and not found:
        # The content of a file that an option names, what a control was fitted on, or a result that somebody edited.
        found.append(Change(kind="method", what=UNTOLD, result=None, again=None))
    found += _one("method", "boxes that count", describe(before.answers) or None, describe(after.answers) or None)
    found += _one("method", "metrics", *(", ".join(metric.key for metric in one.metrics) for one in (before, after)))
    ran, now = before.run, after.run
    found += _one("environment", "device", ran.device, now.device)
    found += _one("environment", "images in a batch", str(ran.batch_size), str(now.batch_size))
    found += _each("environment", "package", ran.packages, now.packages)
    found += _one("environment", "commit of groundcxr", _git(ran.git), _git(now.git))
    ways = [0 if one.provenance is None else len(one.provenance.grounding) for one in (before, after)]
    if ways[0] > 1:
        found += _one("environment", "ways in which predictions were made", *map(str, ways))
    warnings = (str(before.dataset.n_warnings), str(after.dataset.n_warnings))
    found += _one("environment", "warnings of the data set", *warnings)
    parsers = (None if one.texts is None else one.texts.parser for one in (before, after))
    return found + _one("code", "parser of answers in words", *parsers)


def _one(kind: Kind, what: str, before: str | None, after: str | None) -> list[Change]:
    return [] if before == after else [Change(kind=kind, what=what, result=before, again=after)]


def _each(kind: Kind, what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    # Python's own version stands among the packages.
    names = dict.fromkeys([*before, *after])
    pairs = {name: (_said(before.get(name)), _said(after.get(name))) for name in names}
    return [one for name, pair in pairs.items() for one in _one(kind, f"{what} {name}", *pair)]


def _said(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, default=str)


def _short(text: str) -> str:
    """A hash by its first digits; what a method says of itself in words as it is."""
    return text[:_HASH] if len(text) == 64 and set(text) <= set("0123456789abcdef") else text


def _git(git: GitInfo | None) -> str | None:
    return None if git is None else git.commit[:_HASH] + (" with changes" if git.dirty else "")
