"""The types of a method's options as fields of a frame, and back. Python 3.8."""

from __future__ import annotations

import dataclasses
import enum
import typing
from pathlib import Path, PurePath
from typing import Any, Mapping

from ...core import MethodError
from ..options import UNIONS, option_types
from .travel import value_in, value_out

_PLAIN: dict[str, Any] = {"bool": bool, "int": int, "float": float, "str": str, "none": type(None), "any": Any}
_HOLDING: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "dict": dict}


def options_out(options: Any, method: str) -> dict[str, Any]:
    """A dataclass of options, described: the names, types, defaults and help texts of its fields.

    Args:
        options: The class.
        method: The method's name, for messages.

    Raises:
        MethodError: If an option's type or default does not travel.
    """
    hints = option_types(options, method)
    enums: dict[str, Any] = {}
    described: list[dict[str, Any]] = []
    for field in dataclasses.fields(options):
        default = field.default if field.default is not dataclasses.MISSING else field.default_factory()  # type: ignore
        try:
            kind = _type_out(hints[field.name], enums)
            if isinstance(default, enum.Enum):
                enums.setdefault(type(default).__name__, type(default))
            one = {"name": field.name, "type": kind, "default": value_out(default)}
        except TypeError as error:
            raise MethodError(
                f"the option {field.name!r} of the method {method!r} has {error}, which cannot travel to another "
                "environment; make it numbers, texts, paths or enumerations, or tuples and dicts of them"
            ) from error
        one["metadata"] = {key: str(field.metadata[key]) for key in ("help", "since") if key in field.metadata}
        described.append(one)
    members = {name: [[one.name, one.value] for one in kind] for name, kind in enums.items()}
    return {"class": options.__name__, "fields": described, "enums": members}


def options_in(described: Mapping[str, Any]) -> Any:
    """A dataclass with the fields that `options_out` described."""
    enums = {name: enum.Enum(name, members) for name, members in described["enums"].items()}
    made: list[Any] = []
    for one in described["fields"]:
        default = value_in(one["default"], enums)
        named: dict[str, Any] = {"metadata": one["metadata"]}
        if isinstance(default, (list, dict, set)):
            named["default_factory"] = lambda default=default: type(default)(default)
        else:
            named["default"] = default
        made.append((one["name"], _type_in(one["type"], enums), dataclasses.field(**named)))
    return dataclasses.make_dataclass(described["class"], made, frozen=True)


def enums_of(options: Any, method: str) -> dict[str, Any]:
    """The enumerations that options are of, by name."""
    found: dict[str, Any] = {}
    for hint in option_types(options, method).values():
        _type_out(hint, found)
    return found


def _type_out(hint: Any, enums: dict[str, Any]) -> Any:
    for name, kind in _PLAIN.items():
        if hint is kind:
            return name
    if isinstance(hint, type) and issubclass(hint, PurePath):
        return "path"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        if not all(isinstance(one.value, (bool, int, float, str)) for one in hint):
            raise TypeError(f"the type {hint.__name__}")
        if enums.setdefault(hint.__name__, hint) is not hint:
            raise TypeError(f"one of two types named {hint.__name__}")
        return {"enum": hint.__name__}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return {"union": [_type_out(one, enums) for one in arguments]}
    if origin is typing.Literal:
        return {"literal": [value_out(one) for one in arguments]}
    for name, kind in _HOLDING.items():
        if hint is kind or origin is kind:
            # Of Python 3.8's `Tuple` and `List` without arguments, these are type variables.
            held = [one for one in arguments if not isinstance(one, typing.TypeVar)]
            return {name: ["..." if one is Ellipsis else _type_out(one, enums) for one in held if one != ()]}
    raise TypeError(f"the type {getattr(hint, '__name__', hint)}")


def _type_in(kind: Any, enums: Mapping[str, Any]) -> Any:
    if isinstance(kind, str):
        return Path if kind == "path" else _PLAIN[kind]
    ((name, inner),) = kind.items()
    if name == "enum":
        return enums[inner]
    if name == "literal":
        return typing.Literal[tuple(inner)]  # type: ignore
    arguments = tuple(Ellipsis if one == "..." else _type_in(one, enums) for one in inner)
    if name == "union":
        return typing.Union[arguments]
    return _HOLDING[name][arguments] if arguments else _HOLDING[name]
