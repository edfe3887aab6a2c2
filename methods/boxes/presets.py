"""How models that answer in words are asked, and what their numbers mean: one table, and files of the user's own.

A preset is chosen by the user and never derived from an architecture: fine-tuned models write other conventions than
the networks that they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...core.registry import unknown_name
from .conventions import CONVENTIONS
from .preset_file import read_preset
from .preset_type import Preset

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
    return read_preset(name_or_file)


def preset_for(model: str) -> Preset | None:
    """The preset that is a model's default, None where none is.

    Args:
        model: A hub id, with or without @REVISION.
    """
    asked = model.partition("@")[0]
    return next((one for one in PRESETS.values() if asked in one.models), None)
