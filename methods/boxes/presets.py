"""How models that answer in words are asked, and what their numbers mean: one table, and files of the user's own.

A preset is chosen by the user and never derived from an architecture: fine-tuned models write other conventions than
the networks that they come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from ...core import ImageSize
from ...core.registry import unknown_name
from .conventions import CONVENTIONS, Convention

PHRASE = "{phrase}"
"""Where a prompt has the phrase."""


@dataclass(frozen=True)
class Preset:
    """How a model is asked, and what its answer means.

    Attributes:
        name: How it is asked for.
        convention: What the numbers of an answer mean.
        prompt: What is asked; `{phrase}` stands for the phrase.
        chat: Whether the prompt goes through the model's chat template; else the model gets the image and the prompt.
        max_new_tokens: Tokens of an answer.
        skip_special_tokens: Whether special tokens are left out of the text; not where they are the grammar.
        multiple_of: The image is resized to sides that are multiples of so many pixels before the model gets it; None
            where the model's processor resizes in its own way and the convention does not care.
        max_pixels: The area in pixels that the image is resized to at most, with `multiple_of`.
        processor: Further arguments of the model's processor.
        models: Hub ids that this preset is the default for.
        generates: Whether it can be asked through transformers; else its answers are imported.
        source: Where all this stands.
    """

    name: str
    convention: Convention
    prompt: str
    chat: bool = True
    max_new_tokens: int = 128
    skip_special_tokens: bool = True
    multiple_of: int | None = None
    max_pixels: int | None = None
    processor: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    models: tuple[str, ...] = ()
    generates: bool = True
    source: str = ""

    def asked(self, phrase: str) -> str:
        """The prompt for a phrase."""
        return self.prompt.replace(PHRASE, phrase)

    def asking(self) -> dict[str, Any]:
        """What an answer depends on, as plain JSON values: for the fingerprint of a method that asks by this preset.

        What the numbers of the answer mean is not among it, but for the frame: that is the parser's.
        """
        apart = {"name", "convention", "models", "generates", "source"}
        asked = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in apart}
        return {**asked, "processor": dict(self.processor), "frame": self.convention.frame}

    def input_size(self, image_size: ImageSize, max_pixels: int | None = None) -> ImageSize:
        """The (width, height) that an image is resized to before the model gets it.

        Sides are multiples of `multiple_of` and the area is at most `max_pixels`, the aspect kept as well as that
        allows (Qwen's `smart_resize`), so that the model's own processor resizes no more. Without `multiple_of` the
        size is the image's.

        Args:
            image_size: (width, height) of the image.
            max_pixels: Stands for the preset's.
        """
        unit, most = self.multiple_of, max_pixels or self.max_pixels
        if unit is None:
            return image_size
        width, height = (max(round(side / unit), 1) * unit for side in image_size)
        if most is None or width * height <= most:
            return width, height
        shrink = math.sqrt(image_size[0] * image_size[1] / most)
        width, height = (max(math.floor(side / shrink / unit), 1) * unit for side in image_size)
        return width, height


_DETECT_JSON = (
    "Locate every instance that belongs to the following categories: {phrase}. Report bbox coordinates in JSON format."
)
_BOX_2D = (
    "Where in this image is the following: {phrase}? First think about where it lies, then give the answer. The answer "
    "is a JSON list of boxes in the form [y0, x0, y1, x1], each number from 0 to 1000 relative to the image's height "
    "and width; an empty list if it is not there. "
)
_FINAL = 'End with: Final Answer: ```json[{"box_2d": [y0, x0, y1, x1], "label": "..."}]```'

_MPX_28 = 1280 * 28 * 28
_MPX_32 = 1024 * 32 * 32


def _table(*presets: Preset) -> Mapping[str, Preset]:
    return MappingProxyType({preset.name: preset for preset in presets})


PRESETS: Mapping[str, Preset] = _table(
    Preset(
        "qwen2_vl",
        CONVENTIONS["qwen2_vl"],
        "Detect the bounding box of {phrase}.",
        skip_special_tokens=False,
        multiple_of=28,
        max_pixels=_MPX_28,
        models=("Qwen/Qwen2-VL-2B-Instruct", "Qwen/Qwen2-VL-7B-Instruct", "Qwen/Qwen2-VL-72B-Instruct"),
        source="arXiv 2409.12191",
    ),
    Preset(
        "qwen2_5_vl",
        CONVENTIONS["qwen2_5_vl"],
        _DETECT_JSON,
        max_new_tokens=256,
        multiple_of=28,
        max_pixels=_MPX_28,
        models=(
            "Qwen/Qwen2.5-VL-3B-Instruct",
            "Qwen/Qwen2.5-VL-7B-Instruct",
            "Qwen/Qwen2.5-VL-32B-Instruct",
            "Qwen/Qwen2.5-VL-72B-Instruct",
        ),
        source="github.com/QwenLM/Qwen3-VL, cookbooks of Qwen2.5-VL; arXiv 2502.13923",
    ),
    Preset(
        "qwen3_vl",
        CONVENTIONS["qwen3_vl"],
        _DETECT_JSON,
        max_new_tokens=256,
        multiple_of=32,
        max_pixels=_MPX_32,
        models=(
            "Qwen/Qwen3-VL-2B-Instruct",
            "Qwen/Qwen3-VL-4B-Instruct",
            "Qwen/Qwen3-VL-8B-Instruct",
            "Qwen/Qwen3-VL-32B-Instruct",
        ),
        source="github.com/QwenLM/Qwen3-VL, cookbooks/2d_grounding and evaluation/ODinW-13",
    ),
    Preset(
        "chexagent2",
        CONVENTIONS["chexagent2"],
        "Please locate the following phrase: {phrase}",
        max_new_tokens=512,
        skip_special_tokens=False,
        multiple_of=28,
        max_pixels=512 * 512,
        models=("StanfordAIMI/CheXOne",),
        source="github.com/Stanford-AIMI/CheXagent, ms_cxr.py; github.com/YBZh/CheXOne",
    ),
    Preset(
        "medgemma",
        CONVENTIONS["medgemma"],
        _BOX_2D + _FINAL,
        max_new_tokens=1000,
        skip_special_tokens=False,  # <unused95> ends the reasoning
        models=("google/medgemma-1.5-4b-it",),
        source="github.com/Google-Health/medgemma, notebook cxr_anatomy_localization (convention and frame; the prompt "
        "is in our words)",
    ),
    Preset(
        "gemma3",
        CONVENTIONS["gemma3"],
        _BOX_2D + _FINAL,
        max_new_tokens=512,
        models=("google/gemma-3-4b-it", "google/gemma-3-12b-it", "google/gemma-3-27b-it"),
        source="the convention of Google's models; not trained for, so prompted",
    ),
    Preset(
        "paligemma",
        CONVENTIONS["paligemma"],
        "detect {phrase}\n",
        chat=False,
        max_new_tokens=64,
        skip_special_tokens=False,
        models=("google/paligemma-3b-mix-448", "google/paligemma2-3b-mix-448", "google/paligemma2-10b-mix-448"),
        source="github.com/google-research/big_vision, configs/proj/paligemma",
    ),
    Preset(
        "kosmos2",
        CONVENTIONS["kosmos2"],
        "<grounding><phrase> {phrase}</phrase>",
        chat=False,
        max_new_tokens=64,
        skip_special_tokens=False,
        processor=MappingProxyType({"use_square_size": True}),
        models=("microsoft/kosmos-2-patch14-224",),
        source="arXiv 2306.14824; transformers, Kosmos2Processor",
    ),
    Preset(
        "internvl",
        CONVENTIONS["internvl"],
        "Please provide the bounding box coordinate of the region this sentence describes: <ref>{phrase}</ref>",
        skip_special_tokens=False,
        models=(
            "OpenGVLab/InternVL3-1B-hf",
            "OpenGVLab/InternVL3-2B-hf",
            "OpenGVLab/InternVL3-8B-hf",
            "OpenGVLab/InternVL3_5-1B-HF",
            "OpenGVLab/InternVL3_5-4B-HF",
            "OpenGVLab/InternVL3_5-8B-HF",
        ),
        source="github.com/OpenGVLab/InternVL, eval/refcoco/evaluate_grounding.py",
    ),
    Preset(
        "llava_fractions",
        CONVENTIONS["llava_fractions"],
        "Where is the {phrase} located in this Chest X-ray?",
        source="RadVLM, arXiv 2502.03333",
    ),
    Preset(
        "deepseek_vl2",
        CONVENTIONS["deepseek_vl2"],
        "Locate <|ref|>{phrase}<|/ref|> in the given image.",
        skip_special_tokens=False,
        source="github.com/deepseek-ai/DeepSeek-VL2",
    ),
    Preset(
        "maira2",
        CONVENTIONS["maira2"],
        "{phrase}",
        skip_special_tokens=False,
        generates=False,
        source="microsoft/maira-2 on the hub, whose own processor makes the prompt",
    ),
)
"""The presets by name."""


def preset(name_or_file: str) -> Preset:
    """A preset of the table, or of a file of the user's own.

    Args:
        name_or_file: A name, or the path of a TOML file (see `preset_file.read_preset`).

    Raises:
        UnknownNameError: If there is neither a preset nor a file of this name.
        MethodError: If the file is no preset.
    """
    if name_or_file in PRESETS:
        return PRESETS[name_or_file]
    if not name_or_file.lower().endswith(".toml"):
        raise unknown_name("preset", name_or_file, PRESETS, see="A preset of your own is a file NAME.toml.")
    from .preset_file import read_preset

    return read_preset(name_or_file)


def preset_for(model: str) -> Preset | None:
    """The preset that is a model's default, None where none is.

    Args:
        model: A hub id, with or without @REVISION.
    """
    asked = model.partition("@")[0]
    return next((one for one in PRESETS.values() if asked in one.models), None)
