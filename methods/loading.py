"""From what a user types (a name, or a file with a class) to a method with options, here or in another environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import GroundingMethod
from .here import class_here, instance_here
from .isolated.declared import require_declared
from .isolated.place import interpreter_of
from .options import parse_options


def load_method_class(spec: str, *, to_run: bool = True) -> type[GroundingMethod]:
    """The class behind ``NAME``, ``FILE.py`` or ``FILE.py:CLASS``.

    Where another Python is chosen for it (see `isolated.place`), the class stands for the one there.

    Args:
        spec: The name or the file.
        to_run: Whether it will be set up, so that this Python must have what it requires where no other is chosen.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: If the file does not exist, requires what is not here, fails on import, or holds no method or
            several; if the other Python cannot be used.
    """
    python = interpreter_of(spec)
    if python is None:
        if to_run:
            require_declared(spec)
        return class_here(spec)
    from .isolated.method import isolated_class  # what starts processes is read by those who need it

    return isolated_class(spec, python)


def build_method(spec: str | type[GroundingMethod], settings: Mapping[str, Any] | None = None) -> GroundingMethod:
    """A method with its options set, nothing loaded yet.

    Args:
        spec: What `load_method_class` takes, or a class.
        settings: Options by name; strings are converted to the option's type.

    Raises:
        UnknownNameError: If the method has no such option.
        MethodError: If a value does not fit, or the constructor fails.
    """
    method = load_method_class(spec) if isinstance(spec, str) else spec
    return instance_here(method, settings or {}, parse_options)


def build_here(spec: str, settings: Mapping[str, Any] | None = None) -> GroundingMethod:
    """As `build_method`, in this Python whatever is chosen: for those who want to know of a method, not to ask it."""
    return instance_here(class_here(spec), settings or {}, parse_options)
