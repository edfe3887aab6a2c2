"""Which preset a model is asked by: the one that the user names, or the one that is known for the model."""

from __future__ import annotations

from dataclasses import replace

from ...core import MethodError
from .preset_type import Preset
from .presets import PRESETS, preset, preset_for

ASKED = tuple(name for name, one in PRESETS.items() if one.generates)
"""The presets that a model can be asked by; others are of answers made elsewhere."""


def chosen_preset(method: str, model: str, name: str, prompt: str, max_new_tokens: int | None) -> Preset:
    """A preset that a model can be asked by, with what the user says in place of its prompt and length.

    Args:
        method: Who asks, for messages.
        model: The model: a hub id, a folder, or what a server calls it.
        name: The preset that the user names, or his file; "" for that of the model.
        prompt: Stands for the preset's, where there is one.
        max_new_tokens: Likewise.

    Raises:
        UnknownNameError: If there is no such preset.
        MethodError: If none is named and the model is not known, or it is for imports only.
    """
    found = preset(name) if name else preset_for(model)
    if found is None:
        raise MethodError(
            f"method {method} does not know how {model} writes boxes, and a wrong guess would be scored as a bad "
            f"model: --set preset=NAME, one of {', '.join(ASKED)}, or a FILE.toml of your own"
        )
    if not found.generates:
        raise MethodError(
            f"the preset {found.name} is for answers that were made elsewhere: groundcxr import ANSWERS.jsonl "
            f"--preset {found.name}"
        )
    return replace(found, prompt=prompt or found.prompt, max_new_tokens=max_new_tokens or found.max_new_tokens)
