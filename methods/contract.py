"""What makes a class, or an instance of it, a usable method: the attributes that it states."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from ..core import ABSOLUTE, BOX, HEATMAP, MethodError
from ..core.errors import told_as
from ..core.supervision import SUPERVISIONS
from .base import KINDS, GroundingMethod
from .options import option_types
from .requirements import check_stated

_LONGEST_NAME = 100


def check_method_class(method: Any) -> None:
    """Raise unless something is a usable method class.

    Raises:
        MethodError: Saying what is wrong.
    """
    if not (isinstance(method, type) and issubclass(method, GroundingMethod)):
        raise MethodError(f"{method!r} is no method: derive the class from groundcxr.GroundingMethod")
    name = method.__name__
    if method.__dict__.get("name") == "":
        raise MethodError(f"{name}.name is empty; give it a name, or leave it out for {name!r}")
    check_attributes(method, name)
    if not (isinstance(method.Options, type) and is_dataclass(method.Options)):
        raise MethodError(f"{name}.Options must be a frozen dataclass")
    for field in fields(method.Options):
        if field.default is MISSING and field.default_factory is MISSING:
            raise MethodError(f"the option {field.name!r} of {name} needs a default")
    option_types(method.Options, name)


def check_attributes(method: type[GroundingMethod] | GroundingMethod, label: str) -> None:
    """Raise unless what a class or an instance states of itself is of the right types.

    Args:
        method: The class or the instance.
        label: Its name, for messages.

    Raises:
        MethodError: Saying what is wrong.
    """
    if not isinstance(method, type) and not hasattr(method, "options"):
        raise MethodError(f"the constructor of {label!r} must call super().__init__(options)")
    for name, (fits, wanted) in _WANTED.items():
        with told_as(f"{label}.{name} cannot be read"):
            value = getattr(method, name, "")
        # A property says something of instances only.
        if not (isinstance(method, type) and isinstance(value, property)) and not fits(value):
            raise MethodError(f"{label}.{name} is {value!r}; {wanted}")
    with told_as(f"{label}.requirements cannot be read"):
        requirements, requires_python = method.requirements, method.requires_python
    check_stated(label, requirements, requires_python)


def check_name(name: Any, label: str) -> None:
    """Raise unless a method can have a name.

    Raises:
        MethodError: Saying what is wrong.
    """
    if not name or not _is_name(name):
        raise MethodError(f"{label}.name is {name!r}; {_NAME}")


def _is_text(value: Any) -> bool:
    # A part of two, as of a file name that is no UTF-8, can be written nowhere.
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _is_name(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return False
    return value.isprintable() and not set(value) & set("/\\")


def _is_emitted(value: Any) -> bool:
    if not isinstance(value, (AbstractSet, tuple, list)) or not value:
        return False
    return all(one in (HEATMAP, BOX, ABSOLUTE) for one in value) and (ABSOLUTE not in value or HEATMAP in value)


def _is_tuple_of_texts(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(_is_text(one) for one in value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


_NAME = f"it must be a text of 1 to {_LONGEST_NAME} printable characters without slashes"
_WANTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_name, _NAME),
    "kind": (lambda value: value in KINDS, f"it must be one of {', '.join(KINDS)}"),
    "emits": (_is_emitted, "make it a set of 'heatmap' and 'box', or of these with 'absolute' beside 'heatmap'"),
    "revision": (lambda value: value is None or _is_text(value), "it must be a string or None"),
    "weights": (lambda value: value is None or isinstance(value, str), "it must be a string or None"),
    "licence": (_is_text, "it must be a string"),
    "citation": (_is_text, "it must be a string"),
    "note": (_is_text, "it must be a string"),
    "trained_on": (_is_tuple_of_texts, "make it a tuple of data-set names"),
    "supervision": (
        lambda value: value is None or value in SUPERVISIONS,
        f"it must be None or one of {', '.join(map(repr, SUPERVISIONS))}",
    ),
    "batch_size": (_is_count, "it must be a whole number of at least 1"),
}

STATED = tuple(name for name in _WANTED if name != "revision")
"""What a class or an instance states of itself, its revision apart."""
