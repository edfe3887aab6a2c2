"""The methods that are known by name."""

from __future__ import annotations

from typing import Any

from ..core import Registry
from .base import GroundingMethod
from .contract import check_method_class, check_name

FILE_MODULE = "groundcxr_method_"
"""How the modules of method files are named."""


def _adopt(name: str, method: Any) -> type[GroundingMethod]:
    check_method_class(method)
    check_name(name, method.__name__)
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
        method = _adopt(name, method)
        # A file given by path is asked for by its path; its name must not stand in for another's.
        return method if method.__module__.startswith(FILE_MODULE) else METHODS.register(name)(method)

    return decorate
