"""Models and published combinations that are known by a short name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...hub import HubFiles

CONFIG = "open_clip_config.json"
"""What open_clip's folders and repositories describe a model in."""


@dataclass(frozen=True)
class Preset:
    """A model known by a short name.

    Attributes:
        hub: Its repository, at a pinned revision; None where the authors give out a file, which the user names.
        architecture: open_clip's name of the architecture; None where the repository's configuration says it.
        trained_on: Data sets that the weights have seen.
        licence: Of the weights.
        citation: BibTeX.
        frame: What of open_clip's preprocessing is another than the architecture's; see `Frame.changed`.
    """

    hub: HubFiles | None
    architecture: str | None
    trained_on: tuple[str, ...]
    licence: str
    citation: str
    frame: Mapping[str, Any] = field(default_factory=dict)


_RADFORD = """@inproceedings{radford2021clip,
  title = {Learning Transferable Visual Models From Natural Language Supervision},
  author = {Radford, Alec and Kim, Jong Wook and Hallacy, Chris and Ramesh, Aditya and Goh, Gabriel and
            Agarwal, Sandhini and Sastry, Girish and Askell, Amanda and Mishkin, Pamela and Clark, Jack and
            Krueger, Gretchen and Sutskever, Ilya},
  booktitle = {International Conference on Machine Learning},
  year = {2021}
}"""

PRESETS = {
    "openai-vit-b-16": Preset(
        HubFiles(
            "timm/vit_base_patch16_clip_224.openai",
            "977e3dd0ec55ab8da155f2fbeb6b5f54948b6e3d",
            (("open_clip_model.safetensors",),),
            checksums={
                "open_clip_model.safetensors": "sha256:4b8699299b1e8997753c64b052ba32031449d5d853f55a039148560ee02b820f"
            },
        ),
        "ViT-B-16-quickgelu",
        ("WebImageText (OpenAI)",),
        "MIT",
        _RADFORD,
    ),
    "biomedclip": Preset(
        HubFiles(
            "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
            "9f341de24bfb00180f1b847274256e9b65a3a32e",
            ((CONFIG,), ("open_clip_pytorch_model.bin",), ("tokenizer.json", "vocab.txt")),
            ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt"),
            {"open_clip_pytorch_model.bin": "sha256:52cc993c5c5ff962bd0c60931874bc001e7e9b41666a385530f4a036294576be"},
        ),
        None,
        ("PMC-15M",),
        "MIT",
        """@article{zhang2025biomedclip,
  title = {A Multimodal Biomedical Foundation Model Trained from Fifteen Million Image--Text Pairs},
  author = {Zhang, Sheng and Xu, Yanbo and Usuyama, Naoto and others},
  journal = {NEJM AI},
  year = {2025},
  doi = {10.1056/AIoa2400640}
}""",
    ),
    # The authors pad images to squares of 320 pixels before training; of grey values in 0..255 they take the mean.
    "chexzero": Preset(
        None,
        "ViT-B-32-quickgelu",
        ("MIMIC-CXR train", "WebImageText (OpenAI)"),
        "MIT",
        """@article{tiu2022chexzero,
  title = {Expert-Level Detection of Pathologies from Unannotated Chest X-ray Images via Self-Supervised Learning},
  author = {Tiu, Ekin and Talius, Ellie and Patel, Pujan and Langlotz, Curtis P. and Ng, Andrew Y. and
            Rajpurkar, Pranav},
  journal = {Nature Biomedical Engineering},
  year = {2022},
  doi = {10.1038/s41551-022-00936-9}
}""",
        {"resize_mode": "longest", "mean": 101.48761 / 255, "std": 83.43944 / 255},
    ),
}


@dataclass(frozen=True)
class Recipe:
    """How a method was published: its dense mode, and what goes into the model.

    Attributes:
        dense: The mode.
        templates: What the phrase is put into, each with a "{}"; the embeddings of several are averaged.
        frame: What the input is, where it is not the model's own; see `Frame.changed`.
    """

    dense: str
    templates: tuple[str, ...]
    frame: Mapping[str, Any]


ENSEMBLE = "ensemble"
"""Stands in `Recipe.templates` for the templates of `ensemble()`."""

RECIPES = {
    "gem": Recipe("gem", ("a photo of a {}.",), {"size": 448, "resize_mode": "squash"}),
    "surgery": Recipe("surgery", (ENSEMBLE,), {"size": 512, "resize_mode": "squash"}),
}


def ensemble() -> tuple[str, ...]:
    """The templates of CLIP Surgery: the 80 that CLIP was published with for ImageNet, and five of scenes."""
    from open_clip import OPENAI_IMAGENET_TEMPLATES

    scenes = ("there is a {}", "there is the {}", "this is a {}", "this is the {}", "this is one {}")
    return (*(template("{}") for template in OPENAI_IMAGENET_TEMPLATES), *(f"{one} in the scene." for one in scenes))
