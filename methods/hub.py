"""Weights from the Hugging Face hub at a pinned revision, or from a local copy; checked either way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ..core import WeightsError
from ..core.errors import text_of
from ..core.fingerprint import digest, file_digest
from ..core.mistaken import HEAD, mistaken_for
from ..core.paths import user_path

# What is looked at where loading failed: weights, configurations, vocabularies.
_LOADED = (".bin", ".json", ".model", ".pt", ".pth", ".safetensors")


@dataclass(frozen=True)
class HubFiles:
    """The files of one hub repository that a method reads.

    Attributes:
        repo_id: "owner/name" on the Hugging Face hub.
        revision: The tag or commit that is loaded, never a branch that moves.
        required: The files it cannot do without; where one can stand in for another, they stand together.
        optional: Files that are read where they exist.
        checksums: File name -> "md5:HEX" or "sha256:HEX", as published.
        option: The method's option that takes a local copy instead.
        ignored: Patterns of files that `optional` would take, and that are not read.
    """

    repo_id: str
    revision: str
    required: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict)
    option: str = "weights"
    ignored: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.repo_id}@{self.revision}"

    @property
    def names(self) -> tuple[str, ...]:
        """Every file name that may be read."""
        return (*(name for names in self.required for name in names), *self.optional)

    def fingerprint(self) -> str:
        """The pinned revision and the published checksums; known without a download."""
        return "+".join([str(self), *(value for _, value in sorted(self.checksums.items()))])

    def fetch(self, method: str) -> Path:
        """The folder of the hub's cache that holds the files, downloaded if need be.

        Args:
            method: The method's name, for messages.

        Raises:
            WeightsError: If the hub cannot be reached and the cache lacks a file, or a file is not the published one.
        """
        from huggingface_hub import snapshot_download

        try:
            found = snapshot_download(
                self.repo_id,
                revision=self.revision,
                allow_patterns=list(self.names),
                ignore_patterns=list(self.ignored) or None,
            )
        except Exception as error:  # the hub's client raises its own, its transport's and the file system's types
            raise WeightsError(self._unreachable(method, first_sentence(error))) from error
        folder = Path(found)
        lacking = self.lacking(folder)
        if lacking:
            raise WeightsError(self._unreachable(method, f"the local cache lacks {', '.join(lacking)}"))
        self.verify(folder)
        return folder

    def local(self, path: str, method: str) -> Path:
        """A user's own copy of the files.

        Args:
            path: The folder given with the option `weights`.
            method: The method's name, for messages.

        Raises:
            WeightsError: If the folder or a file does not exist.
        """
        folder = local_folder(path, method, f"a copy of the Hugging Face hub repository {self}")
        lacking = self.lacking(folder)
        if lacking:
            raise WeightsError(
                f"method {method} finds no {', '.join(lacking)} in the folder {folder}, given with --set weights=DIR; "
                f"it must hold a copy of the Hugging Face hub repository {self}"
            )
        return folder

    def lacking(self, folder: Path) -> list[str]:
        """The required files that a folder does not hold, "a or b" where either would do."""
        absent = [names for names in self.required if not any((folder / name).is_file() for name in names)]
        return [" or ".join(names) for names in absent]

    def verify(self, folder: Path) -> None:
        """Compare a folder's files with the published checksums.

        Raises:
            WeightsError: If one differs.
        """
        for name, expected in self.checksums.items():
            algorithm, _, value = expected.partition(":")
            path = folder / name
            if not path.is_file():
                continue
            with path.open("rb") as file:
                found = hashlib.file_digest(file, algorithm).hexdigest()
            if found != value:
                raise WeightsError(
                    f"{path} is not the file that {self.repo_id} published: its {algorithm} is {found}, not {value}; "
                    "delete it and run again"
                )

    def folder_digest(self, folder: Path) -> str:
        """SHA-256 over the names and contents of the files in a folder that would be read."""
        present = [name for name in self.names if (folder / name).is_file()]
        return digest([(name, file_digest(folder / name)) for name in sorted(present)])

    def _unreachable(self, method: str, reason: str) -> str:
        files = ", ".join(" or ".join(names) for names in self.required)
        return (
            f"method {method} needs {files} of the Hugging Face hub repository {self}, which cannot be fetched "
            f"({reason}); go online once, or copy the repository and give its folder with --set {self.option}=DIR"
        )


def local_folder(path: str, method: str, content: str) -> Path:
    """A folder given with the option `weights`.

    Raises:
        WeightsError: If it does not exist.
    """
    folder = user_path(path)
    if not folder.is_dir():
        raise WeightsError(
            f"method {method} finds no folder {folder}, given with --set weights=DIR; it must hold {content}"
        )
    return folder


def unloadable(method: str, what: str, error: Exception, *folders: Path) -> WeightsError:
    """The error for weights that are there and cannot be loaded.

    Args:
        method: The method's name.
        what: What cannot be loaded.
        error: What was raised.
        folders: Where the files lie, configurations that may ask for code of their own among them.
    """
    if asks_for_code(error):
        return WeightsError(f"method {method} cannot load {what}: {code_refused(*folders)}")
    if found := mistaken_file(*folders):
        return WeightsError(f"method {method} cannot load {what}: {found}")
    return WeightsError(f"method {method} cannot load {what}: {first_sentence(error)}; get the files again")


def mistaken_file(*folders: Path) -> str | None:
    """Which file in folders is a web page or a pointer of Git LFS, and what helps; None where none is."""
    for folder in folders:
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            if file.suffix in _LOADED and file.is_file():
                with file.open("rb") as opened:
                    head = opened.read(HEAD)
                # Files of torch are such archives.
                found = None if head.startswith(b"PK") else mistaken_for(head, "a model's file")
                if found is not None:
                    return f"{file} is not what it is called: {'; '.join(found)}"
    return None


def asks_for_code(error: BaseException) -> bool:
    """Whether an error of transformers says that it would have to run code that comes with weights."""
    return "trust_remote_code" in text_of(error)


def code_refused(*folders: Path) -> str:
    """Why code that comes with weights is not run, with the file in these folders that asks for it."""
    for folder in folders:
        for name in ("tokenizer_config.json", "config.json", "open_clip_config.json"):
            file = folder / name
            if file.is_file() and re.search(rb'"(auto_map|trust_remote_code)"', file.read_bytes()):
                return f"{file} asks to run code that comes with the weights, which is never done; use others"
    return "they ask to run code that comes with them, which is never done; use others"


@contextmanager
def no_foreign_code() -> Iterator[None]:
    """Within it transformers runs no code that comes with weights and does not ask whether it may.

    For libraries that call transformers and pass no ``trust_remote_code=False`` on, or the configuration's own word.
    """
    try:
        from transformers import dynamic_module_utils as dynamic
    except ImportError:  # without it there is nothing that could run code
        yield
        return

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise ValueError("trust_remote_code is not allowed")

    # No seconds to answer in: transformers' own way to have the question refused.
    before = {name: getattr(dynamic, name) for name in ("TIME_OUT_REMOTE_CODE", "get_class_in_module")}
    dynamic.TIME_OUT_REMOTE_CODE, dynamic.get_class_in_module = 0, refuse
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(dynamic, name, value)


def first_sentence(error: BaseException) -> str:
    """What an error says first, as a part of a longer sentence; its type where it says nothing."""
    if isinstance(error, KeyError):
        return f"there is no {error} in it"
    lines = text_of(error).strip().splitlines() or [type(error).__name__]
    first = lines[0].rstrip()
    text = first if len(lines) == 1 or not first.endswith(":") else f"{first} {lines[1].strip()}"
    text = text.split(". ")[0].rstrip(" .")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
