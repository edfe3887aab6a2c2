"""The methods that are known by name, and what makes a class a usable method."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from ..core import MethodError, Registry
from .base import KINDS, GroundingMethod

FILE_MODULE = "groundcxr_method_"
"""How the modules of method files are named."""


def check_method_class(method: Any) -> None:
    """Raise unless something is a usable method class.

    Raises:
        MethodError: Saying what is wrong.
    """
    if not (isinstance(method, type) and issubclass(method, GroundingMethod)):
        raise MethodError(f"{method!r} is no method: derive the class from groundcxr.GroundingMethod")
    if method.kind not in KINDS:
        raise MethodError(f"{method.__name__}.kind is {method.kind!r}; it must be one of {', '.join(KINDS)}")
    if isinstance(method.emits, str) or not method.emits or not set(method.emits) <= {"heatmap", "box"}:
        raise MethodError(f"{method.__name__}.emits is {method.emits!r}; make it a set of 'heatmap' and 'box'")
    for name in ("revision", "weights"):
        if not isinstance(getattr(method, name), str | None | property):
            raise MethodError(f"{method.__name__}.{name} is {getattr(method, name)!r}; it must be a string or None")
    for name in ("licence", "citation"):
        if not isinstance(getattr(method, name), str):
            raise MethodError(f"{method.__name__}.{name} is {getattr(method, name)!r}; it must be a string")
    if isinstance(method.trained_on, str):
        raise MethodError(f"{method.__name__}.trained_on is one string; make it a tuple of data-set names")
    if not (isinstance(method.Options, type) and is_dataclass(method.Options)):
        raise MethodError(f"{method.__name__}.Options must be a frozen dataclass")
    for field in fields(method.Options):
        if field.default is MISSING and field.default_factory is MISSING:
            raise MethodError(f"the option {field.name!r} of {method.__name__} needs a default")


def _adopt(name: str, method: Any) -> type[GroundingMethod]:
    check_method_class(method)
    method.name = name
    return method


METHODS: Registry[type[GroundingMethod]] = Registry(
    "method",
    __package__ or "",
    {
        "random": ".controls",
        "center-prior": ".controls",
        "whole-image": ".controls",
        "class-mean-box": ".class_mean_box",
        "text-prior": ".text_prior",
        "shuffled-phrase": ".shuffled_phrase",
        "oracle": ".oracle",
        "biovil": ".biovil",
        "biovil-t": ".biovil",
        "clip": ".clip",
        "ldm": ".ldm.method",
        "clip-phantom": ".clip_phantom",
        "ldm-phantom": ".ldm.phantom",
    },
    entry_point_group="groundcxr.methods",
    adopt=_adopt,
)


def register_method(name: str) -> Any:
    """Class decorator that makes a method known under a name.

    Raises:
        MethodError: If the class is no `GroundingMethod`, its kind is unknown, or the name is taken.
    """

    def decorate(method: type[GroundingMethod]) -> type[GroundingMethod]:
        check_method_class(method)
        method.name = name
        # A file given by path is asked for by its path; its name must not stand in for another's.
        return method if method.__module__.startswith(FILE_MODULE) else METHODS.register(name)(method)

    return decorate
