"""The options of a method: from names and texts to an instance of its dataclass."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from ..core import MethodError, unknown_name
from ..core.errors import said, text_of, told_as
from ..core.published import named_place

_WANTED = {
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "a number"),
}
UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))
"""The origins of a type that is one of several: `Optional[X]`, and `X | Y`, which Python 3.8 does not have."""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def parse_options(options: type[Any], settings: Mapping[str, Any], method: str) -> Any:
    """An instance of an options dataclass from names and values.

    Raises:
        UnknownNameError: If there is no such option.
        MethodError: If a value does not fit its type or range, or has no lasting form.
    """
    from pydantic import TypeAdapter, ValidationError

    hints = option_types(options, method)
    fields = [field.name for field in dataclasses.fields(options)]
    values: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in fields:
            raise unknown_name(f"option of the method {method!r}", key, fields)
        parts: Any = _at_home(value)
        if isinstance(value, str) and _is_sequence(hints[key]):
            parts = [_at_home(part.strip()) for part in value.split(",") if part.strip()]
        try:
            values[key] = _valued(TypeAdapter(hints[key]), hints[key], parts)
        except ValidationError as error:
            raise MethodError(
                f"the option {key}={value!r} of the method {method!r} does not fit: {_wanted(error.errors())}"
            ) from error
        except Exception as error:  # of a type that pydantic does not know, or whose own code raises
            raise MethodError(f"the option {key!r} of the method {method!r} cannot be set: {said(error)}") from error
    return options_of(options, values, method)


def _valued(adapter: Any, hint: Any, value: Any) -> Any:
    """A value of the option's type; a text that is none is tried as the value, no text itself, that it spells."""
    from pydantic import ValidationError

    try:
        return adapter.validate_python(value)
    except ValidationError:
        spelt = {str(one): one for one in _choices(hint)}
        if isinstance(value, str) and value in spelt:
            return adapter.validate_python(spelt[value])
        if isinstance(value, list):
            return adapter.validate_python([spelt.get(one, one) if isinstance(one, str) else one for one in value])
        raise


def _choices(hint: Any) -> list[Any]:
    """The values that an option's type lists, as in `Literal[1, 2]` and in enumerations, its parts' too; no texts."""
    if typing.get_origin(hint) is typing.Literal:
        found = typing.get_args(hint)
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        found = tuple(one.value for one in hint)
    else:
        return [one for part in typing.get_args(hint) for one in _choices(part)]
    return [one for one in found if isinstance(one, (int, float))]


def options_of(options: type[Any], values: Mapping[str, Any], method: str) -> Any:
    """An instance of an options dataclass from values of the right types.

    Raises:
        MethodError: If the class refuses them, or one has no lasting form.
    """
    with told_as(f"the options of the method {method!r} do not fit"):
        try:
            made = options(**values)
        except ValueError as error:  # the usual way to refuse a value, whose words say enough
            raise MethodError(f"the options of the method {method!r} do not fit: {text_of(error)}") from error
    _require_lasting(made, method)
    return made


def require_at_least_one(options: Any, *names: str) -> None:
    """Raise unless each of the options of these names, where it is not None, is at least 1; for `__post_init__`.

    Raises:
        ValueError: Naming the first that is not.
    """
    for name in names:
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")


def _at_home(value: Any) -> Any:
    """The whole path in place of one below the home folder, which a method's own `open` would not find."""
    place = named_place(value) if str(value).startswith("~") and "/" in str(value) else None
    return value if place is None else type(value)(place)


def option_types(options: type[Any], method: str) -> dict[str, Any]:
    """The types of a dataclass's fields, by name.

    Raises:
        MethodError: If one cannot be resolved.
    """
    try:
        return typing.get_type_hints(options)
    except Exception as error:
        raise MethodError(
            f"the types of the options of the method {method!r} cannot be read ({said(error)}); import what they name "
            "at run time, not under TYPE_CHECKING only"
        ) from error


def _require_lasting(options: Any, method: str) -> None:
    """Refuse values that have no form to be known by: what is hashed and stored must be the same in the next run.

    Raises:
        MethodError: Naming the option.
    """
    with told_as(f"the options of the method {method!r} cannot be copied"):
        values = dataclasses.asdict(options)
    for key, value in values.items():
        try:
            json.dumps(value, default=_lasting, sort_keys=True)
        except Exception as error:
            raise MethodError(
                f"the option {key!r} of the method {method!r} cannot be stored ({said(error)}); make it numbers, texts "
                "and paths, or tuples and dicts of them with texts as keys"
            ) from error


def _lasting(value: Any) -> str:
    text = str(value)
    if _ADDRESS.search(text):
        raise TypeError(f"{text} has another name in every run")
    return text


def _wanted(errors: Sequence[Mapping[str, Any]]) -> str:
    """What an option takes, from pydantic's account of what is wrong."""
    error, place = errors[0], errors[0]["loc"]
    if error["type"] in ("enum", "literal_error"):
        wanted = f"it must be {error['ctx']['expected']}"
    elif error["type"] in _WANTED:
        wanted = f"write {_WANTED[error['type']]}"
    else:
        return error["msg"]
    if place and all(isinstance(step, int) for step in place):
        return f"{wanted} at place {place[0] + 1}"
    # Where an option takes one of several kinds, none of them is what it must be.
    return wanted if not place else error["msg"]


def _is_sequence(kind: Any) -> bool:
    kinds = typing.get_args(kind) if typing.get_origin(kind) in UNIONS else (kind,)
    return any(typing.get_origin(one) in (tuple, list) for one in kinds)
