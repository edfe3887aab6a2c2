"""The methods that part 1 of `benchmarks/gpu.sh` asks on both devices, with the same weights on every machine.

Small networks are those of the tests, as `gpu_folders.py` saves them, and carried along. Of large ones, which have
their real size, and of many small ones the weights would be too much to carry: each is drawn from its name by NumPy,
whose draws are the same everywhere, after the method has built its network from `weights=random:0`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_folders import save_folders

from groundcxr import GroundingMethod
from groundcxr.methods.loading import build_method

BYTES = {"max_new_tokens": "6"}
SOME, FEW = 24, 8
"""Samples that a method is asked about beside the main ones, and of those that write token by token."""


@dataclass(frozen=True)
class Case:
    """One method of the comparison.

    Attributes:
        method: Its name.
        settings: Its options; a place that begins with "@" is a folder of the models.
        drawn: Whether its weights are drawn by their names.
        gains: What drawn weights are multiplied by, by a part of their names: so that no softmax of theirs is all but
            0 and 1, which turns the rounding of a device into another answer.
        samples: How many samples it is asked about at the most; those that write an answer token by token take long.
    """

    method: str
    settings: dict[str, str] = field(default_factory=dict)
    drawn: bool = False
    gains: dict[str, float] = field(default_factory=dict)
    samples: int = 10_000

    def build(self, models: Path) -> GroundingMethod:
        """The method; it draws its weights when it is set up, and is set up once."""
        settings = {key: value.replace("@", f"{models}/") for key, value in self.settings.items()}
        method = build_method(self.method, settings)
        usual, done = method.setup, []

        def setup(device: str) -> None:
            if not done:
                usual(device)
                if self.drawn:
                    draw(method, self.gains)
                done.append(device)

        method.setup = setup
        return method


CHEST = {"weights": "random:0", "text": "@bert"}
CLIP = {"weights": "random:0:@clip"}


def _detector(place: str, **options: Any) -> Case:
    return Case("detector", {"weights": place}, **options)


def _vlm(name: str, preset: str = "", weights: str = "random:0:", **options: Any) -> Case:
    settings = {"weights": f"{weights}@{name}", "preset": preset or name, "dtype": "float32", **BYTES}
    return Case("vlm", settings, drawn=bool(weights), **{"samples": FEW, **options})


CASES = {
    # The longest first, since what begins last ends last.
    "ldm-phantom, bimodal": Case("ldm-phantom", {"steps": "20", "extraction": "bimodal"}, samples=12),
    "clip-phantom": Case("clip-phantom"),
    "ldm-phantom": Case("ldm-phantom", {"steps": "30"}),
    "ldm-phantom, noise-once": Case("ldm-phantom", {"steps": "30", "extraction": "noise-once"}),
    "ldm-phantom, noise-difference": Case("ldm-phantom", {"extraction": "noise-difference"}),
    "biovil": Case("biovil", {"weights": "random:0:@cxr-bert"}, drawn=True),
    "clip ViT-B/16": Case("clip", {"model": "ViT-B-16-quickgelu/drawn", "weights": "random:0"}, drawn=True),
    "biovil-t": Case("biovil-t", {"weights": "random:0:@cxr-bert"}, drawn=True),
    "gloria": Case("gloria", CHEST, drawn=True, gains={"local_embedder": 0.1}),
    "carzero": Case("carzero", CHEST, drawn=True),
    "afloc": Case("afloc", CHEST, drawn=True),
    "kad": Case("kad", CHEST, drawn=True),
    "maco": Case("maco", {**CHEST, "text": "@words.json"}, drawn=True),
    "cxr-clip": Case("cxr-clip", CHEST, drawn=True),
    "ldm-phantom-tuned": Case("ldm-phantom-tuned", {"steps": "10"}, samples=SOME),
    "ldm, CLIP's text encoder": Case(
        "ldm", {"weights": "random:0:@sd", "steps": "10", "otsu": "false"}, drawn=True, samples=SOME
    ),
    "ldm, CXR-BERT": Case(
        "ldm", {"weights": "random:0:@sd-cxr-bert", "steps": "10", "otsu": "false"}, drawn=True, samples=SOME
    ),
    "clip, gem": Case("clip", {**CLIP, "dense": "gem"}, drawn=True, samples=SOME),
    "clip, sclip": Case("clip", {**CLIP, "dense": "sclip"}, drawn=True, samples=SOME),
    "clip, naclip": Case("clip", {**CLIP, "dense": "naclip"}, drawn=True, samples=SOME),
    "clip of timm, gem": Case("clip", {"weights": "random:0:@clip-timm", "dense": "gem"}, drawn=True, samples=SOME),
    "gradcam of clip-phantom": Case("gradcam", {"method": "clip-phantom"}),
    "gradcam of clip": Case("gradcam", {"method": "clip", "settings": "weights=random:0:@clip"}, True, samples=SOME),
    "siglip": Case("siglip", {"weights": "@siglip"}),
    "radzero": Case("radzero", {"weights": "@radzero"}, samples=SOME),
    "dit, PixArt": Case("dit", {"weights": "@pixart", "steps": "10"}, samples=SOME),
    "dit, Sana": Case("dit", {"weights": "@sana", "steps": "10"}, samples=SOME),
    "detector, GroundingDINO": _detector("@grounding_dino"),
    "detector, MM-GroundingDINO and LLMDet": _detector("random:0:@mm_grounding_dino", drawn=True, samples=SOME),
    "detector, OWL-ViT": _detector("random:0:@owl_vit", drawn=True, samples=SOME),
    "detector, OWLv2": _detector("@owlv2", samples=SOME),
    "detector, OmDet-Turbo": _detector("random:0:@omdet_turbo", drawn=True, samples=SOME),
    "segmenter, CLIPSeg": Case("segmenter", {"weights": "@clipseg"}, samples=SOME),
    "segmenter, SAM 3": Case("segmenter", {"weights": "random:0:@sam3"}, drawn=True, samples=SOME),
    "sam of clip-phantom": Case("sam", {"method": "clip-phantom", "weights": "@sam"}, samples=SOME),
    "average of two": Case(
        "average", {"methods": "clip-phantom,radzero", "settings": "radzero.weights=@radzero"}, samples=SOME
    ),
    "boxes of clip-phantom": Case("boxes", {"method": "clip-phantom"}, samples=SOME),
    "with-prior of clip-phantom": Case("with-prior", {"method": "clip-phantom", "table": "phantom"}, samples=SOME),
    "florence": Case("florence", {"weights": "@florence", "preset": "florence2", **BYTES}, samples=SOME),
    "vlm, Qwen2-VL": _vlm("qwen2_vl", weights="", samples=SOME),
    "vlm, Qwen2.5-VL": _vlm("qwen2_5_vl"),
    "vlm, Qwen3-VL": _vlm("qwen3_vl"),
    "vlm, Gemma 3": _vlm("gemma3", "medgemma"),
    "vlm, PaliGemma": _vlm("paligemma"),
    "vlm, Kosmos-2": _vlm("kosmos2"),
    "vlm, InternVL": _vlm("internvl"),
    "vlm, LLaVA-OneVision": _vlm("llava_onevision", "llava_fractions"),
}
SMOKE = ("clip-phantom", "ldm-phantom", "detector, OWLv2")
"""What the smoke test asks: a method of maps of its own size, one of maps of the image's, one of boxes."""


def save_models(folder: Path, names: tuple[str, ...]) -> None:
    """Write the small networks, and the vocabularies of the large ones, that cases need."""
    save_folders(folder, [value for name in names for value in CASES[name].settings.values()])


def draw(method: GroundingMethod, gains: dict[str, float]) -> None:
    """Give every weight of a method's networks values that follow from its name."""
    for where, network in _networks(vars(method)):
        for name, weight in network.state_dict(keep_vars=True).items():
            if not weight.is_floating_point():
                continue
            rng = np.random.default_rng(zlib.crc32(f"{where}.{name}".encode()))
            values = rng.random(tuple(weight.shape), dtype=np.float32) * 2 - 1
            if weight.ndim > 1:  # so that what goes through stays as large as it was, about
                values *= (3 / (weight.numel() / weight.shape[0])) ** 0.5
            elif name.endswith(("weight", "running_var")):
                values = 1 + values / 10
            else:
                values /= 10
            for part, gain in gains.items():
                values = values * np.float32(gain) if part in name else values
            with torch.no_grad():
                weight.copy_(torch.from_numpy(np.asarray(values)))


def _networks(held: dict[str, Any], where: str = "") -> Iterator[tuple[str, torch.nn.Module]]:
    for name, value in held.items():
        if isinstance(value, torch.nn.Module):
            yield f"{where}{name}", value
        elif isinstance(value, dict):
            yield from _networks(value, f"{where}{name}.")
        elif hasattr(value, "__dict__") and type(value).__module__.startswith("groundcxr."):
            yield from _networks(vars(value), f"{where}{name}.")
