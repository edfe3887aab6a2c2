"""What a process says of the method that it has loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core import GroundCXRError, MethodError
from ...core.errors import said
from ..contract import STATED
from ..requirements import require_there
from .declared import Declared, create_step
from .errors import Nonsense, ProcessLost
from .frames import Frame
from .option_types import options_in
from .place import TIMEOUT
from .process import MethodProcess


def started(
    spec: str, python: Path, label: str, timeout: float, requires: Declared | None = None
) -> tuple[MethodProcess, Mapping[str, Any]]:
    """A process that has loaded a method, and what it says of it.

    Args:
        spec: NAME, FILE.py or FILE.py:CLASS, of an absolute path.
        python: The interpreter.
        label: What messages call the method until its name is known.
        timeout: Seconds that an answer about one image may take.
        requires: What must be there before the method is loaded; None where that is known.

    Raises:
        MethodError: If the interpreter cannot be used, lacks what the method requires, or the method cannot be loaded
            there.
    """
    try:
        process = MethodProcess(python, label)
    except ProcessLost as error:
        raise MethodError(str(error)) from error
    try:
        if requires is not None:
            _require(requires, process, spec, python, label)
        return process, process.ask(Frame("load", {"spec": spec}), patience(timeout)).fields
    except Exception as error:
        process.kill()
        if isinstance(error, GroundCXRError) and not isinstance(error, ProcessLost):
            raise
        reason = str(error) if isinstance(error, ProcessLost) else said(error)
        wrote = process.wrote()
        # What is no Python at all ends without a word.
        wrote = wrote or "; give the path of an environment's Python" * (requires is not None and not process.answered)
        raise MethodError(f"the method {label!r} cannot be loaded by {python}: {reason}{wrote}") from error


def _require(requires: Declared, process: MethodProcess, spec: str, python: Path, label: str) -> None:
    asked = Frame("versions", {"requirements": list(requires.requirements)})
    told = process.ask(asked, TIMEOUT).fields
    version, found = told.get("python"), told.get("found")
    if not isinstance(version, str) or not isinstance(found, dict):
        raise Nonsense("it says nonsense of what is installed there")
    step = f"install it there, or make an environment for it with: {create_step(spec)}"
    require_there(f"method {label} in {python}", requires.requirements, requires.requires_python, version, found, step)


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
