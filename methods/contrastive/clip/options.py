"""The options of `clip`, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ....core import MethodError, unknown_name
from .dense import MODE_NAMES, PROJECTION, check_mode
from .presets import RECIPES


@dataclass(frozen=True)
class ClipOptions:
    """Which model, and how its patches come into the joint space."""

    model: str = field(
        default="openai-vit-b-16",
        metadata={
            "help": "openai-vit-b-16, biomedclip, chexzero (with weights=FILE), NAME/PRETRAINED (of open_clip), "
            "hf-hub:ID (its present state) or local-dir:DIR"
        },
    )
    weights: str = field(
        default="",
        metadata={
            "help": "in place of the model's: a folder with open_clip_config.json and the weights, a folder or hub id "
            "(OWNER/NAME[@REVISION]) with a CLIPModel of transformers, a FILE in OpenAI's layout, or "
            "random:SEED[:PLACE]"
        },
    )
    dense: str = field(
        default="",
        metadata={"help": f"one of {', '.join(MODE_NAMES)}; empty: {PROJECTION}, or the preset's"},
    )
    preset: str = field(
        default="",
        metadata={
            "help": f"a dense mode with the input and the prompt that it was published with: {', '.join(RECIPES)}",
        },
    )
    mean: float = field(
        default=0.0,
        metadata={"help": "subtracted from grey values in 0..1, in place of the model's; 0: the model's"},
    )
    std: float = field(
        default=0.0,
        metadata={"help": "divides grey values in 0..1, in place of the model's; 0: the model's"},
    )


def settings_of(options: Any) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    """Dense mode, templates of the phrases and changes to the frame that the options say.

    Args:
        options: A `ClipOptions`, or those of a method that has fewer.

    Raises:
        UnknownNameError: If there is no such mode or preset.
        MethodError: If preset and mode are two, or mean or deviation are not of grey values in 0..1.
    """
    dense, preset = getattr(options, "dense", PROJECTION), getattr(options, "preset", "")
    templates: tuple[str, ...] = ("{}",)
    changes: dict[str, Any] = {}
    if dense:
        check_mode(dense)
    if preset:
        if preset not in RECIPES:
            raise unknown_name("preset of clip", preset, RECIPES)
        recipe = RECIPES[preset]
        if dense not in ("", recipe.dense):
            raise MethodError(f"preset={preset} is dense={recipe.dense}, but dense={dense} is set too; leave out one")
        dense, changes = recipe.dense, dict(recipe.frame)
        templates = recipe.templates
    for name in ("mean", "std"):
        value = getattr(options, name, 0.0)
        if value and not 0 < value <= 1:
            raise MethodError(f"{name}={value:g} is not of grey values in 0..1; of values in 0..255 give a 255th of it")
        if value:
            changes[name] = value
    return dense or PROJECTION, templates, changes
