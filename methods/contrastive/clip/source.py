"""What a source of CLIP models offers, and what it loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .frame import Frame


@dataclass(frozen=True)
class Loaded:
    """A model, ready to be asked.

    Attributes:
        model: Of open_clip, or with what is asked of those: `encode_image`, `encode_text`, `visual`, `to`.
        tokenizer: Texts to token ids `[m, length]`.
        frame: What it gets of an image.
    """

    model: Any
    tokenizer: Any
    frame: Frame


class Source(Protocol):
    """Where a model comes from.

    Attributes:
        spec: What the user wrote, for messages.
        weights: What is published as the weights' name: a hub id, or a path.
        trained_on: Data sets that the weights have seen.
        licence: Of the weights.
        citation: BibTeX.
    """

    @property
    def spec(self) -> str: ...  # noqa: D102
    @property
    def weights(self) -> str: ...  # noqa: D102
    @property
    def trained_on(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def licence(self) -> str: ...  # noqa: D102
    @property
    def citation(self) -> str: ...  # noqa: D102

    def fingerprint(self, method: str, /) -> str:
        """What tells these weights from others."""
        ...

    def weights_id(self) -> str | None:
        """The weights' name for publication."""
        ...

    def places(self) -> list[Path]:
        """The user's files and folders that it reads."""
        ...

    def load(self, method: str, changes: Mapping[str, Any], /) -> Loaded:
        """The model on the CPU, in float32 and evaluation mode.

        Args:
            method: The method's name, for messages.
            changes: To its frame; see `Frame.changed`.
        """
        ...
