"""Where the parts of a latent diffusion model lie: in folders, in hub repositories, or in both."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core import WeightsError
from ...core.fingerprint import digest, file_digest
from ..hub import HubFiles

MONAI = "monai:"
"""How `weights` starts where they are a MONAI checkpoint."""
MONAI_TEXT_ENCODER = "stabilityai/stable-diffusion-2-1-base"
"""The text encoder that the paper's checkpoint was trained with."""

_UNETS = ("unet_ema", "unet")
_NETWORK = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
_LANGUAGE_MODEL = ("model.safetensors", "pytorch_model.bin")
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
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "microsoft/BiomedVLP-CXR-BERT-specialized@v1.1",
    )
}


class Repository:
    """A local folder, or one revision of a hub repository whose files come as they are asked for."""

    def __init__(self, place: str, option: str, configs: Sequence[str]) -> None:
        """Find the folder, or fetch the repository's small files.

        Args:
            place: A folder, or a hub id: "owner/name" or "owner/name@revision".
            option: The option that gave the place, for messages.
            configs: Files of which it must hold at least one.

        Raises:
            WeightsError: If it does not exist, cannot be reached, or holds none of the files.
        """
        self.place, self.option = place, option
        self.folder = Path(place).expanduser()
        self._hub: HubFiles | None = None
        if not self.folder.is_dir():
            if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(@[\w./-]+)?", place):
                raise WeightsError(
                    f"method ldm finds no folder {self.folder}, given with --set {option}=DIR; "
                    "it may also be the id of a Hugging Face hub repository, such as owner/name"
                )
            repo_id, _, revision = place.partition("@")
            # Patterns of the hub's client match below folders too; these are configurations and vocabularies.
            small = ("*.json", "*.txt")
            self._hub = HubFiles(repo_id, revision or "main", (tuple(configs),), small, option=option)
            self.folder = self._hub.fetch("ldm")
        elif not any((self.folder / name).is_file() for name in configs):
            raise WeightsError(self._lacks(configs))

    def holds(self, name: str) -> bool:
        """Whether a file is there; of a hub repository, a small one."""
        return (self.folder / name).is_file()

    def file(self, *names: str) -> Path:
        """The first of the files that exists, downloaded if need be.

        Raises:
            WeightsError: If there is none.
        """
        unreachable: WeightsError | None = None
        for name in names:
            if self._hub and not self.holds(name):
                try:
                    replace(self._hub, required=((name,),), optional=()).fetch("ldm")
                except WeightsError as error:
                    unreachable = unreachable or error
            if self.holds(name):
                return self.folder / name
        raise unreachable or WeightsError(self._lacks(names))

    def identity(self, *choices: Sequence[str]) -> Any:
        """What tells files from others: the repository's commit, or the contents of the first of each choice."""
        if self._hub:
            return f"{self._hub.repo_id}@{self.folder.name}"
        return [(file.name, file_digest(file)) for file in (self.file(*names) for names in choices)]

    def _lacks(self, names: Sequence[str]) -> str:
        return (
            f"method ldm finds no {' or '.join(names)} in the folder {self.folder}, given with --set {self.option}; "
            "it must hold a diffusers pipeline, or the part that this option is for"
        )


@dataclass(frozen=True)
class Part:
    """One part of a model.

    Attributes:
        repository: Where it lies.
        subfolder: The folder within; "" for the top.
    """

    repository: Repository
    subfolder: str

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.repository.folder / self.subfolder

    def config(self, name: str = "config.json") -> dict[str, Any]:
        """Its configuration.

        Raises:
            WeightsError: If the file is missing or no JSON object.
        """
        return read_config(self.repository.file(self._path(name)))

    def network(self) -> Path:
        """The weights of a diffusers network."""
        return self.repository.file(*map(self._path, _NETWORK))

    def language_model(self) -> Path:
        """The weights of a transformers network, beside its configuration."""
        return self.repository.file(*map(self._path, _LANGUAGE_MODEL))

    def identity(self, *choices: Sequence[str]) -> Any:
        """What tells it from others."""
        return self.subfolder, self.repository.identity(*(list(map(self._path, names)) for names in choices))

    def _path(self, name: str) -> str:
        return f"{self.subfolder}/{name}" if self.subfolder else name


@dataclass(frozen=True)
class Text:
    """A text encoder and its tokenizer."""

    encoder: Part
    tokenizer: Part

    @classmethod
    def find(cls, place: str, option: str) -> Text:
        """In a diffusers pipeline, or in a folder or repository of their own.

        Raises:
            WeightsError: If there is none.
        """
        return cls._within(Repository(place, option, ("text_encoder/config.json", "config.json")))

    @classmethod
    def _within(cls, repository: Repository) -> Text:
        encoder = "text_encoder" if repository.holds("text_encoder/config.json") else ""
        tokenizer = "tokenizer" if (repository.folder / "tokenizer").is_dir() else encoder
        return cls(Part(repository, encoder), Part(repository, tokenizer))

    def identity(self) -> Any:
        """What tells them from others."""
        present = [(name,) for name in _TOKENIZER if (self.tokenizer.folder / name).is_file()]
        return self.encoder.identity(("config.json",), _LANGUAGE_MODEL), self.tokenizer.identity(*present)


@dataclass(frozen=True)
class DiffusersSource:
    """The parts of a diffusers pipeline, which may come from several places."""

    unet: Part
    vae: Part
    scheduler: Part
    text: Text

    def identity(self) -> Any:
        """What tells the parts from others."""
        return (
            self.unet.identity(("config.json",), _NETWORK),
            self.vae.identity(("config.json",), _NETWORK),
            self.scheduler.identity(("scheduler_config.json",)),
            self.text.identity(),
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

    def identity(self) -> Any:
        """What tells the parts from others."""
        files = [self.unet, self.autoencoder, *([self.config] if self.config else [])]
        return [[(file.name, file_digest(file)) for file in files], self.text.identity()]


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
    base, text_encoder = base or companions[0], text_encoder or companions[1]
    main = Repository(weights, "weights", [f"{name}/config.json" for name in _UNETS])
    others: list[Repository] = []

    def find(subfolder: str, config: str = "config.json") -> Part:
        wanted = f"{subfolder}/{config}"
        if main.holds(wanted):
            return Part(main, subfolder)
        if not base:
            option = " or text_encoder" if subfolder == "text_encoder" else ""
            raise WeightsError(
                f"method ldm finds no {wanted} in {weights}; give the pipeline that it was tuned from with "
                f"--set base{option}=FOLDER-OR-HUB-ID"
            )
        if not others:
            others.append(Repository(base, "base", [wanted]))
        others[0].file(wanted)
        return Part(others[0], subfolder)

    unet = next(Part(main, name) for name in _UNETS if main.holds(f"{name}/config.json"))
    vae, scheduler = find("vae"), find("scheduler", "scheduler_config.json")
    text = Text.find(text_encoder, "text_encoder") if text_encoder else Text._within(find("text_encoder").repository)
    return DiffusersSource(unet, vae, scheduler, text)


def weights_digest(weights: str, text_encoder: str = "", base: str = "") -> str:
    """SHA-256 over what `load_checkpoint` would load: contents of local files, commits of hub repositories.

    Of a hub repository only the small files are fetched for it.

    Raises:
        WeightsError: If a part is missing or cannot be reached.
    """
    return digest(locate(weights, text_encoder, base).identity())


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        WeightsError: If it is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as JSON ({error}); get the file again") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path} holds no JSON object; get the file again")
    return found


def _locate_monai(place: str, text_encoder: str) -> MonaiSource:
    folder = Path(place).expanduser()
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
