"""What a process says of the method that it has loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core import GroundCXRError, MethodError
from ...core.errors import said
from ..contract import STATED
from .errors import Nonsense, ProcessLost
from .frames import Frame
from .option_types import options_in
from .place import TIMEOUT
from .process import MethodProcess


def started(spec: str, python: Path, label: str, timeout: float) -> tuple[MethodProcess, Mapping[str, Any]]:
    """A process that has loaded a method, and what it says of it.

    Args:
        spec: NAME, FILE.py or FILE.py:CLASS, of an absolute path.
        python: The interpreter.
        label: What messages call the method until its name is known.
        timeout: Seconds that an answer about one image may take.

    Raises:
        MethodError: If the interpreter cannot be used, or the method not be loaded there.
    """
    try:
        process = MethodProcess(python, label)
    except ProcessLost as error:
        raise MethodError(str(error)) from error
    try:
        return process, process.ask(Frame("load", {"spec": spec}), patience(timeout)).fields
    except Exception as error:
        process.kill()
        if isinstance(error, GroundCXRError) and not isinstance(error, ProcessLost):
            raise
        reason = str(error) if isinstance(error, ProcessLost) else said(error)
        raise MethodError(f"the method {label!r} cannot be loaded by {python}: {reason}{process.wrote()}") from error


def class_attributes(hello: Mapping[str, Any]) -> dict[str, Any]:
    """What the class has that stands for the method here, of `IsolatedMethod` too.

    Raises:
        MethodError: If it needs the data set, or what is said is nonsense.
    """
    try:
        if hello["control"]:
            raise MethodError(
                f"the control {hello['name']!r} reads the samples of a data set, so it runs in this Python only; "
                "leave --python out, or give it to the other methods alone, as ALIAS=PATH"
            )
        return {
            **stated(hello),
            "__doc__": hello["doc"],
            "__qualname__": str(hello["class"]),
            "revision": str(hello["revision"]),
            "Options": options_in(hello["options"]),
            "packages": {"python": hello["python"], **{k: v for k, v in hello["packages"].items() if v}},
            "_by_image": bool(hello["by_image"]),
            "_found": found_there(hello),
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Nonsense(f"a process says nonsense of the method that it has loaded: {said(error)}") from error


def found_there(hello: Mapping[str, Any]) -> dict[str, Any]:
    """What the answers rest on beside the method itself: the interpreter's version, those of what it requires."""
    return {"python": str(hello["python"]), "requirements": dict(hello["requirements"])}


def stated(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a class or an instance states of itself; a property's value is known of instances only."""
    return {
        name: tuple(fields[name]) if isinstance(fields[name], list) else fields[name]
        for name in STATED
        if name in fields
    }


def patience(timeout: float) -> float:
    """Seconds for what is not an answer: weights may have to be read, or brought, first."""
    return max(timeout, TIMEOUT)
