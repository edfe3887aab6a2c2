"""A local folder or a hub repository whose files are found, fetched and told from others alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core import WeightsError
from ..core.fingerprint import file_digest
from ..core.json_text import parse_json
from ..core.paths import user_path
from ..core.regular import read_regular
from .hub import HubFiles

NETWORK = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
"""The weights of a diffusers network; the first that exists is read."""
LANGUAGE_MODEL = ("model.safetensors", "pytorch_model.bin")
"""The weights of a transformers network; the first that exists is read."""


# Beside a model, transformers takes it in where peft is installed, and not where it is not.
_ADAPTER = "adapter_config.json"


class Repository:
    """A local folder, or one revision of a hub repository whose files come as they are asked for."""

    def __init__(self, method: str, place: str, option: str, configs: Sequence[str]) -> None:
        """Find the folder, or fetch the repository's small files.

        Args:
            method: The method's name, for messages.
            place: A folder, or a hub id: "owner/name" or "owner/name@revision".
            option: The option that gave the place, for messages.
            configs: Files of which it must hold at least one.

        Raises:
            WeightsError: If it does not exist, cannot be reached, or holds none of the files.
        """
        self._method, self.place, self.option = method, place, option
        self.folder = user_path(place)
        self._hub: HubFiles | None = None
        if self.folder.is_file():
            raise WeightsError(
                f"method {method} reads a folder or a Hugging Face hub repository, and {self.folder} is a file; give "
                f"the folder that it lies in with --set {option}=DIR"
            )
        if not self.folder.is_dir():
            if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(@[\w./-]+)?", place):
                raise WeightsError(
                    f"method {method} finds no folder {self.folder}, given with --set {option}=DIR; "
                    "it may also be the id of a Hugging Face hub repository, such as owner/name"
                )
            repo_id, _, revision = place.partition("@")
            # Patterns of the hub's client match below folders too; these are configurations, vocabularies, templates.
            small = ("*.json", "*.txt", "*.jinja", "*.model")
            # Where the model lies at the top, folders hold other things, such as the data it was trained on.
            below = () if any("/" in name for name in configs) else ("*/*",)
            self._hub = HubFiles(repo_id, revision or "main", (tuple(configs),), small, option=option, ignored=below)
            try:
                self.folder = self._hub.fetch(method)
            except WeightsError as error:
                raise WeightsError(
                    f"{place} is no folder here, and as a repository it is not to be had: {error}"
                ) from error
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
                    replace(self._hub, required=((name,),), optional=(), ignored=()).fetch(self._method)
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

    def weights(self, subfolder: str = "") -> list[Path]:
        """The files of a transformers network's weights: one, or an index and all its shards.

        Args:
            subfolder: The folder that it lies in; "" for the top.

        Raises:
            WeightsError: If one is missing.
        """
        within = f"{subfolder}/" if subfolder else ""
        whole = [within + name for name in LANGUAGE_MODEL]
        names = [name for one in whole for name in (one, f"{one}.index.json")]
        if not self._hub and not any(map(self.holds, names)):
            raise WeightsError(self._lacks(whole))
        if self.holds(f"{within}{_ADAPTER}"):
            raise WeightsError(
                f"{self.folder / within / _ADAPTER} says that there is an adapter, such as LoRA, beside the model, and "
                "only a whole model is loaded; merge it (merge_and_unload of peft), save the result in a folder of its "
                "own and give that, or take the file away to have the model without it"
            )
        first = self.file(*names)
        if first.suffix != ".json":
            return [first]
        shards = read_config(first).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise WeightsError(f"{first} has no weight_map, which names the files of the weights; get the file again")
        names = sorted({str(name) for name in shards.values()})
        return [first, *(self.file(within + name) for name in names)]

    def identity_of_all(self, suffixes: Sequence[str], *, weights: bool) -> Any:
        """What tells all that is read from others: the repository's commit, or the contents of files.

        Args:
            suffixes: Of the small files that count.
            weights: Whether the weights of a transformers network count too.
        """
        if self._hub:
            return f"{self._hub.repo_id}@{self.folder.name}"
        small = [path for path in self.folder.iterdir() if path.suffix in suffixes and path.is_file()]
        files = {*small, *(self.weights() if weights else ())}
        return [(file.name, file_digest(file)) for file in sorted(files)]

    def local_folder(self) -> Path | None:
        """The user's folder; None of a hub repository."""
        return None if self._hub else self.folder

    def name(self) -> str:
        """For publication: the hub id with its revision, or the last part of a folder."""
        return str(self._hub) if self._hub else f"local copy {self.folder.name}"

    def _lacks(self, names: Sequence[str]) -> str:
        if self.holds(_ADAPTER):
            return (
                f"the folder {self.folder}, given with --set {self.option}, holds an adapter, such as LoRA, and no "
                f"{' or '.join(names)}; merge it into its model (merge_and_unload of peft), and give the folder of that"
            )
        return (
            f"method {self._method} finds no {' or '.join(names)} in the folder {self.folder}, given with --set "
            f"{self.option}; it must hold a model as save_pretrained writes it, or the part that this option is for"
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
        return self.repository.file(*map(self._path, NETWORK))

    def language_models(self) -> list[Path]:
        """The weights of a transformers network, beside its configuration: one file, or an index and its shards."""
        return self.repository.weights(self.subfolder)

    def identity(self, *choices: Sequence[str]) -> Any:
        """What tells it from others."""
        return self.subfolder, self.repository.identity(*(list(map(self._path, names)) for names in choices))

    def _path(self, name: str) -> str:
        return f"{self.subfolder}/{name}" if self.subfolder else name


def published(place: str, form: str = "") -> str:
    """Where weights are, without the folders that lead to a local copy.

    Args:
        place: A folder, a file or a hub id.
        form: What may stand before it, such as "monai:".
    """
    form = form if place.startswith(form) else ""
    local = user_path(place.removeprefix(form))
    return f"{form}local copy {local.name}" if local.exists() else place


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        WeightsError: If it is none.
    """
    try:
        found = parse_json(read_regular(path))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as JSON ({error}); get the file again") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path} holds no JSON object; get the file again")
    return found
