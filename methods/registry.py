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
        "random": ".controls.priors",
        "center-prior": ".controls.priors",
        "whole-image": ".controls.priors",
        "class-mean-box": ".controls.class_mean_box",
        "text-prior": ".controls.text_prior",
        "location-prior": ".controls.location_prior",
        "shuffled-phrase": ".controls.shuffled_phrase",
        "mirrored": ".controls.altered",
        "other-side": ".controls.altered",
        "generic-phrase": ".controls.altered",
        "blank-image": ".controls.altered",
        "random-weights": ".controls.random_weights",
        "oracle": ".controls.oracle",
        "second-reader": ".controls.second_reader",
        "format-ceiling": ".boxes.format_ceiling",
        "biovil": ".contrastive.biovil",
        "biovil-t": ".contrastive.biovil",
        "clip": ".contrastive.clip.method",
        "siglip": ".contrastive.siglip",
        "cxr-clip": ".contrastive.cxr_clip",
        "gloria": ".contrastive.chest.gloria",
        "carzero": ".contrastive.chest.carzero",
        "afloc": ".contrastive.chest.afloc",
        "kad": ".contrastive.chest.kad",
        "maco": ".contrastive.chest.maco",
        "radzero": ".contrastive.radzero",
        "gradcam": ".contrastive.gradcam",
        "ldm": ".diffusion.ldm.method",
        "dit": ".diffusion.dit.method",
        "vlm": ".boxes.vlm",
        "endpoint": ".boxes.endpoint",
        "florence": ".boxes.florence",
        "detector": ".boxes.detector",
        "segmenter": ".boxes.segmenter",
        "boxes": ".refine.boxes",
        "sam": ".refine.sam",
        "average": ".refine.average",
        "with-prior": ".refine.with_prior",
        "clip-phantom": ".contrastive.clip.phantom",
        "ldm-phantom": ".diffusion.ldm.phantom",
        "ldm-phantom-tuned": ".diffusion.ldm.phantom",
    },
    entry_point_group="groundcxr.methods",
    adopt=_adopt,
    own="; one of your own is given by its file, FILE.py",
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
