"""What stands beside a method on its audit page."""

from __future__ import annotations

from ..evaluation.schema import MethodInfo
from .runs import Run


def asks(control: MethodInfo, method: MethodInfo) -> bool:
    """Whether a control asks just this method: with its options and its weights, but where it draws these."""
    options = control.options
    if not control.control or options.get("method") != method.name:
        return False
    nested = options.get("settings")
    asked = nested if isinstance(nested, dict) else options
    same = all(asked.get(key) == value for key, value in method.options.items() if key != "weights")
    return same and (control.name == "random-weights" or control.weights_fingerprint == method.weights_fingerprint)


def in_condition(other: Run, run: Run) -> bool:
    """Whether a run is of the same method, data and protocol as a plain one, on changed inputs."""
    condition = other.info.condition
    if condition is None or run.info.condition is not None or condition.plain != run.info.dataset.fingerprint:
        return False
    return _about(other) == _about(run)


def _about(run: Run) -> tuple[object, ...]:
    info, method = run.info, run.info.method
    data = info.dataset.name, info.dataset.version, info.dataset.split, info.protocol.hash, info.complete
    return method.name, repr(sorted(method.options.items())), method.weights_fingerprint, method.revision, *data
