"""Where a method's code runs: in this Python, or in another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from ...core import MethodError
from ...core.paths import shown, user_path
from ..base import ControlMethod
from ..here import split_spec
from ..registry import METHODS
from .environments import environment_for

TIMEOUT = 600.0
"""Seconds that an answer about one image may take unless the user says otherwise."""


@dataclass(frozen=True)
class Place:
    """Where methods run that are loaded now.

    Attributes:
        python: The interpreter; None for the environment that was made for the method, or else this Python.
        timeout: Seconds that an answer about one image may take, of a method in another Python.
    """

    python: Path | None = None
    timeout: float = TIMEOUT


_PLACE: ContextVar[Place] = ContextVar("groundcxr_place", default=Place())  # noqa: B039  (it is frozen)


@contextmanager
def placed(python: str | Path | None, timeout: float | None = None) -> Iterator[None]:
    """Within it, methods are loaded in another Python; that which a control asks, too.

    Args:
        python: The interpreter; None for the usual place.
        timeout: Seconds that an answer about one image may take; None for `TIMEOUT`.

    Raises:
        MethodError: If there is no such interpreter, or the time is none.
    """
    if timeout is not None and not 0 < timeout < float("inf"):
        raise MethodError(f"the time limit {timeout:g} does not fit: give seconds above 0")
    place = Place(None if python is None else _interpreter(python), timeout or TIMEOUT)
    token = _PLACE.set(place)
    try:
        yield
    finally:
        _PLACE.reset(token)


def place() -> Place:
    """Where methods run that are loaded now."""
    return _PLACE.get()


def interpreter_of(spec: str) -> Path | None:
    """The other Python that a method runs in; None for this one.

    Args:
        spec: NAME, FILE.py or FILE.py:CLASS.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: If another Python is chosen, and the method can run in this one only.
    """
    chosen = place().python
    if chosen is None:
        return environment_for(spec)
    if split_spec(spec)[0] is not None:
        return chosen
    if spec in METHODS.names() and not METHODS.is_builtin(spec):
        raise MethodError(
            f"the method {spec!r} comes with a package that is installed for this Python, so it runs here only; "
            "give its file with --method FILE.py, or give --python to the other methods alone, as ALIAS=PATH"
        )
    method = METHODS.get(spec)
    if method.asks_others:
        return None  # what it asks runs there
    if issubclass(method, ControlMethod):
        raise MethodError(
            f"the control {spec!r} reads the samples of the data set, so it runs in this Python only; "
            "give --python to the other methods alone, as ALIAS=PATH"
        )
    return chosen


def _interpreter(given: str | Path) -> Path:
    path = user_path(given).absolute()  # not resolved: what a link leads to is no longer in its environment
    if path.is_dir():
        inner = path / "bin/python"
        step = f"; its interpreter is {shown(inner)}" if inner.exists() else "; give the interpreter in it"
        raise MethodError(f"--python {shown(path)} is a folder{step}")
    if not path.is_file():
        raise MethodError(f"--python {shown(path)} is not there; give the path of an environment's Python")
    if not os.access(path, os.X_OK):
        raise MethodError(f"--python {shown(path)} cannot be run; give the path of an environment's Python")
    return path
