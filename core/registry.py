"""Names to classes: built in, by entry point, or by the path of a file. Nothing is imported before it is asked for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from .errors import MethodError, UnknownNameError, told_as

T = TypeVar("T")


def unknown_name(kind: str, name: str, known: Iterable[str], *, see: str = "") -> UnknownNameError:
    """The error for a name that does not exist, with the closest one that does."""
    names = list(known)
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=1, cutoff=0.5)
    guess = next((n for n in names if close and n.lower() == close[0]), None)
    hint = f"did you mean {guess!r}?" if guess else f"known are {', '.join(names) or 'none'}."
    # "option of the method 'clip'" reads better with the name after the first word.
    first, of, rest = kind.partition(" of ")
    return UnknownNameError(f"there is no {first} {name!r}{of}{rest}; {hint}{' ' + see if see else ''}")


class Registry(Generic[T]):
    """Names of one kind of thing (methods, data sets, protocols) and where each is defined.

    Args:
        kind: What the things are, for messages: "method".
        package: The package that relative module names start from.
        builtin: Name -> module, relative to `package`, whose import registers the name.
        entry_point_group: Distributions add names through entry points of this group.
        adopt: Checks what an entry point gave, and gives it its name.
        own: How something of the user's own is given, for who asks for a name that is not known.
    """

    def __init__(
        self,
        kind: str,
        package: str,
        builtin: dict[str, str],
        entry_point_group: str | None = None,
        adopt: Callable[[str, Any], T] | None = None,
        own: str = "",
    ) -> None:
        self.kind = kind
        self._package = package
        self._builtin = builtin
        self._group = entry_point_group
        self._adopt = adopt
        self._see = f"`groundcxr list {kind}s` shows all{own}."
        self._loaded: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Class decorator that adds a thing under a name.

        Raises:
            MethodError: When another thing has the name.
        """

        def add(thing: T) -> T:
            home = getattr(thing, "__module__", "")
            if name in self._builtin and not home.startswith(f"{self._package}."):
                raise MethodError(
                    f"the name {name!r} is that of a built-in {self.kind}; choose another for {_identity(thing)}"
                )
            known = self._loaded.get(name)
            if known is not None and _identity(known) != _identity(thing):
                raise MethodError(f"two {self.kind}s are named {name!r}: {_identity(known)} and {_identity(thing)}")
            self._loaded[name] = thing
            return thing

        return add

    def names(self) -> list[str]:
        """Every known name, sorted; imports nothing."""
        return sorted({*self._builtin, *self._loaded, *self._plugins()})

    def is_builtin(self, name: str) -> bool:
        """Whether a name is of a thing that comes with this package."""
        return name in self._builtin

    def get(self, name: str) -> T:
        """The thing of that name, imported if need be.

        Raises:
            UnknownNameError: With the closest known name.
            MethodError: If a plug-in cannot be imported.
        """
        if name not in self._loaded:
            if name in self._builtin:
                importlib.import_module(self._builtin[name], self._package)
            elif name in (plugins := self._plugins()):
                self._load_plugin(name, plugins[name])
            else:
                raise unknown_name(self.kind, name, self.names(), see=self._see)
        return self._loaded[name]

    def plugin(self, name: str) -> EntryPoint | None:
        """The entry point that a name stands for; None for what is built in, registered by code, or not known."""
        known = name in self._builtin or name in self._loaded
        return None if known else self._plugins().get(name)

    def _plugins(self) -> dict[str, EntryPoint]:
        if self._group is None:
            return {}
        return {point.name: point for point in entry_points(group=self._group)}

    def _load_plugin(self, name: str, point: EntryPoint) -> None:
        with told_as(f"the {self.kind} {name!r} of the entry point {point.value!r} cannot be imported"):
            thing = point.load()
        self._loaded[name] = thing if self._adopt is None else self._adopt(name, thing)


def _identity(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', thing)}"
