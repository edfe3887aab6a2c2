"""The method of a result, built again: what the result tells, and what only its user knows."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from typing import Any

from ..core import GroundCXRError
from ..core.names import printable
from ..evaluation import Entry, make_entry
from ..evaluation.schema import MethodInfo
from ..methods.isolated.place import interpreter_of, placed
from ..methods.loading import load_method_class
from .reproduction import DIR, FILE, TABLE, method_words

USERS_OWN = ("allow_remote",)
"""Options that let a method send images to another machine: no result's to choose."""

_WITHHELD = re.compile(rf"(?<![^\s=:,])(?:{DIR}|{re.escape(TABLE)})(?![^\s,;])|not published")
"""What stands in an option that a result does not tell: a folder of another machine, or a server's address."""


def method_again(
    method: MethodInfo,
    spec: str | None = None,
    settings: Mapping[str, str] | None = None,
    python: str | None = None,
    timeout: float | None = None,
) -> Entry:
    """A method as a result describes it, not yet set up.

    Args:
        method: What the result says.
        spec: FILE.py or FILE.py:CLASS, where the method, or the one that it asks, is none of this package; it takes the
            place of the name that the result has.
        settings: Options that the user gives, which count more than the result's.
        python: The interpreter of another environment, where the method ran in one.
        timeout: Seconds that an answer about one image may take there.

    Raises:
        GroundCXRError: If something that the result does not tell was not given, or the method cannot be built.
    """
    given = dict(settings or {})
    named, said = method_words(method)
    in_file = f"{FILE}:" in named
    asks_file = [key for key, value in said.items() if f"{FILE}:" in value]
    if (in_file or asks_file) and spec is None:
        raise GroundCXRError(
            f"{printable(method.label)} is, or asks, a method in a file, which is in no result; give it: "
            "--method FILE.py"
        )
    if asks_file and not in_file:
        said |= {key: re.sub(rf"{FILE}:[^\s,]+", lambda _: str(spec), said[key]) for key in asks_file}
    elif spec is not None:
        named = spec
    with placed(python, timeout):
        if method.environment is not None and interpreter_of(named) is None and not asks_file:
            version = printable(method.environment.get("python", "of a version that is not stated"))
            raise GroundCXRError(
                f"{printable(method.label)} ran in an environment of its own (Python {version}); give its interpreter: "
                "--python PATH, or make the environment with `groundcxr env create`"
            )
        known = {field.name for field in dataclasses.fields(load_method_class(named).Options)}
        chosen: dict[str, Any] = {key: value for key, value in said.items() if key in known}
        if in_file or (spec is not None and not asks_file):
            # Of a file the result has the values themselves; texts of them may read otherwise.
            chosen |= {key: value for key, value in method.options.items() if key in known and key != "weights"}
        chosen = {key: _of_asked(key, value) for key, value in chosen.items() if key not in USERS_OWN} | given
        _refuse_withheld(method, {key: value for key, value in chosen.items() if key not in given})
        return make_entry(named, label=method.label, settings=chosen)


def _of_asked(key: str, value: Any) -> Any:
    """An option's value; without what is the user's own where it holds the options of a method that is asked."""
    if key != "settings" or not isinstance(value, str):
        return value
    words = shlex.split(value)
    return shlex.join(word for word in words if word.partition("=")[0].rpartition(".")[2] not in USERS_OWN)


def _refuse_withheld(method: MethodInfo, settings: Mapping[str, Any]) -> None:
    for key, value in settings.items():
        if isinstance(value, str) and _WITHHELD.search(value):
            option = shlex.quote(f"{key}={value.replace('not published', 'URL')}")
            what = f"a local copy ({printable(method.weights or '')})"
            what = "an address" if "not published" in value else "a table of places" if TABLE in value else what
            raise GroundCXRError(
                f"{printable(method.label)} was made with {what} whose place is not in its result; say it with "
                f"--set {option}"
            )
