"""Where the parts of a latent diffusion model lie: in folders, in hub repositories, or in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....core import WeightsError
from ....core.fingerprint import file_digest
from ....core.paths import user_path
from ...repository import NETWORK, Part, Repository

MONAI = "monai:"
"""How `weights` starts where they are a MONAI checkpoint."""
MONAI_TEXT_ENCODER = "stabilityai/stable-diffusion-2-1-base"
"""The text encoder that the paper's checkpoint was trained with."""

USUAL_ARCHITECTURE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
"""Whose configurations and tokenizer drawn weights take where no other place is named."""

_UNETS = ("unet_ema", "unet")
_TOKENIZER = (
    "added_tokens.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
_SUFFIXES = (".safetensors", ".pth", ".pt")
# What a UNet that was published alone goes with: the base it was tuned from, and its text encoder.
_COMPANIONS = {
    "FelixNuetzel/cxr_bert_ldm": (
        USUAL_ARCHITECTURE,
        "microsoft/BiomedVLP-CXR-BERT-specialized@v1.1",
    )
}
# Hub ids, or how they start, of models whose authors say what they learnt from.
_TRAINED_ON = {
    "FelixNuetzel/cxr_bert_ldm": ("MIMIC-CXR train",),
    "StanfordAIMI/roent-gen": ("MIMIC-CXR",),
    "raman07/CheXGenBench-Models-": ("MIMIC-CXR",),
}


@dataclass(frozen=True)
class Text:
    """A text encoder and its tokenizer."""

    encoder: Part
    tokenizer: Part

    @classmethod
    def find(cls, place: str, option: str, method: str = "ldm") -> Text:
        """In a diffusers pipeline, or in a folder or repository of their own.

        Raises:
            WeightsError: If there is none.
        """
        return cls.within(Repository(method, place, option, ("text_encoder/config.json", "config.json")))

    @classmethod
    def within(cls, repository: Repository) -> Text:
        """In a repository that is known to hold an encoder."""
        encoder = "text_encoder" if repository.holds("text_encoder/config.json") else ""
        tokenizer = "tokenizer" if (repository.folder / "tokenizer").is_dir() else encoder
        return cls(Part(repository, encoder), Part(repository, tokenizer))

    def identity(self, *, weights: bool = True) -> Any:
        """What tells them from others; without their weights, where these are drawn."""
        present = [(name,) for name in _TOKENIZER if (self.tokenizer.folder / name).is_file()]
        files = [file.name for file in self.encoder.language_models()] if weights else []
        return self.encoder.identity(("config.json",), *((name,) for name in files)), self.tokenizer.identity(*present)


@dataclass(frozen=True)
class DiffusersSource:
    """The parts of a diffusers pipeline, which may come from several places.

    Attributes:
        network: The UNet, or the transformer in its place.
    """

    network: Part
    vae: Part
    scheduler: Part
    text: Text

    def options(self) -> set[str]:
        """The options that said where a part is."""
        parts = (self.network, self.vae, self.scheduler, self.text.encoder)
        return {part.repository.option for part in parts}

    def identity(self, *, weights: bool = True) -> Any:
        """What tells the parts from others; without their weights, where these are drawn."""
        files = (("config.json",), NETWORK) if weights else (("config.json",),)
        return (
            self.network.identity(*files),
            self.vae.identity(*files),
            self.scheduler.identity(("scheduler_config.json",)),
            self.text.identity(weights=weights),
        )


@dataclass(frozen=True)
class MonaiSource:
    """The files of a MONAI checkpoint, and the text encoder it was trained with.

    Attributes:
        config: None for the official one.
    """

    unet: Path
    autoencoder: Path
    config: Path | None
    text: Text

    def options(self) -> set[str]:
        """The options that said where a part is."""
        return {"weights", self.text.encoder.repository.option}

    def identity(self) -> Any:
        """What tells the parts from others."""
        files = [self.unet, self.autoencoder, *([self.config] if self.config else [])]
        return [[(file.name, file_digest(file)) for file in files], self.text.identity()]


def trained_on(weights: str) -> tuple[str, ...]:
    """The data sets that the paper's checkpoint or a hub repository's model has seen, as far as it is known here."""
    if weights.startswith(MONAI):
        # With a configuration beside it, it is of another architecture than the paper's checkpoint.
        own = (user_path(weights.removeprefix(MONAI)) / "config.json").is_file()
        return () if own else ("MIMIC-CXR",)
    return next((found for start, found in _TRAINED_ON.items() if weights.startswith(start)), ())


def locate(weights: str, text_encoder: str = "", base: str = "") -> DiffusersSource | MonaiSource:
    """Find the parts that `load_checkpoint` loads.

    Raises:
        WeightsError: If one is missing or cannot be reached.
    """
    if not weights:
        raise WeightsError(
            "method ldm needs weights: --set weights=FOLDER (a diffusers pipeline), weights=OWNER/NAME (one on the "
            "Hugging Face hub) or weights=monai:FOLDER (the paper's checkpoint)"
        )
    if weights.startswith(MONAI):
        return _locate_monai(weights.removeprefix(MONAI), text_encoder)
    companions = _COMPANIONS.get(weights.partition("@")[0], ("", ""))
    return pipeline("ldm", weights, _UNETS, text_encoder or companions[1], base or companions[0])


def pipeline(method: str, weights: str, networks: Sequence[str], text_encoder: str, base: str) -> DiffusersSource:
    """Find the parts of a diffusers pipeline.

    Args:
        method: The method's name, for messages.
        weights: The folder or hub id that holds the network at least.
        networks: The folders that the network may be in; the first that is there is taken.
        text_encoder: Where the text encoder comes from instead; "" for nowhere else.
        base: The pipeline that gives what `weights` lacks; "" for none.

    Raises:
        WeightsError: If a part is missing or cannot be reached.
    """
    main = Repository(method, weights, "weights", [f"{name}/config.json" for name in networks])
    others: list[Repository] = []

    def find(subfolder: str, config: str = "config.json") -> Part:
        wanted = f"{subfolder}/{config}"
        if main.holds(wanted):
            return Part(main, subfolder)
        if not base:
            option = " or text_encoder" if subfolder == "text_encoder" else ""
            raise WeightsError(
                f"method {method} finds no {wanted} in {weights}; give the pipeline that it was tuned from with "
                f"--set base{option}=FOLDER-OR-HUB-ID"
            )
        if not others:
            others.append(Repository(method, base, "base", [wanted]))
        others[0].file(wanted)
        return Part(others[0], subfolder)

    network = next(Part(main, name) for name in networks if main.holds(f"{name}/config.json"))
    vae, scheduler = find("vae"), find("scheduler", "scheduler_config.json")
    if text_encoder:
        text = Text.find(text_encoder, "text_encoder", method)
    else:
        text = Text.within(find("text_encoder").repository)
    return DiffusersSource(network, vae, scheduler, text)


def _locate_monai(place: str, text_encoder: str) -> MonaiSource:
    folder = user_path(place)
    if not folder.is_dir():
        raise WeightsError(
            f"method ldm finds no folder {folder}, given with --set weights=monai:DIR; it must hold autoencoder.pth "
            "and diffusion_model.pth of the paper's checkpoint"
        )

    def find(stem: str) -> Path:
        for suffix in _SUFFIXES:
            if (folder / f"{stem}{suffix}").is_file():
                return folder / f"{stem}{suffix}"
        raise WeightsError(
            f"method ldm finds no {stem}.pth, .pt or .safetensors in the folder {folder}, given with "
            "--set weights=monai:DIR; copy the paper's checkpoint there"
        )

    unet, autoencoder = find("diffusion_model"), find("autoencoder")
    config = folder / "config.json"
    beside = (folder / "text_encoder").is_dir() and not text_encoder
    text = Text.find(place if beside else text_encoder or MONAI_TEXT_ENCODER, "text_encoder")
    return MonaiSource(unet, autoencoder, config if config.is_file() else None, text)
