"""`--python` and `--timeout`: which Python each method runs in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from ..core import GroundCXRError, unknown_name
from .aliases import split_alias

if TYPE_CHECKING:
    from ..methods import GroundingMethod

Pythons = Annotated[
    list[str],
    typer.Option(
        "--python",
        help="[ALIAS=]PATH: the Python of another environment that the methods (one of them with its alias, its name, "
        "or its file's without .py) run in; may be given several times.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        help="Seconds that an answer about one image may take, of a method in another environment; 600 otherwise.",
    ),
]


class Places:
    """Where each method runs.

    Args:
        pythons: As typed.
        timeout: Seconds that an answer about one image may take; None for the usual time.

    Raises:
        GroundCXRError: If two are for the same methods.
    """

    def __init__(self, pythons: Sequence[str], timeout: float | None) -> None:
        self._timeout = timeout
        self._pythons: dict[str, str] = {}
        for one in pythons:
            alias, path = split_alias(one)
            if alias in self._pythons:
                whose = f"the method {alias!r}" if alias else "all methods"
                raise GroundCXRError(f"--python is given twice for {whose}; write ALIAS=PATH, each with its own alias")
            self._pythons[alias] = path

    def of(self, spec: str, alias: str) -> AbstractContextManager[None]:
        """Loads a method in its place, within the block.

        Args:
            spec: What is loaded.
            alias: Its alias; "" without one.
        """
        from ..methods.isolated.place import placed

        path = self._pythons.get(_key(spec, alias), self._pythons.get(""))
        return placed(path, self._timeout)

    def check_aliases(self, methods: Iterable[tuple[str, str]]) -> None:
        """Refuse an alias that is no method's.

        Args:
            methods: Specs with their aliases.

        Raises:
            UnknownNameError: With the closest one.
        """
        known = [_key(spec, alias) for spec, alias in methods]
        for alias in self._pythons:
            if alias and alias not in known:
                raise unknown_name("method in this run", alias, known)

    def check_timeout(self, methods: Iterable[GroundingMethod]) -> None:
        """Refuse a time limit that nothing would keep.

        Raises:
            MethodError: If it is given and all methods run in this Python.
        """
        from ..methods.isolated.method import check_timeout

        check_timeout(self._timeout, methods)


def _key(spec: str, alias: str) -> str:
    """What a method is called before it is loaded."""
    return alias or PurePath(re.split(r"\.py(?=:|$)", spec)[0]).name
