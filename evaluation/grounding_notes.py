"""What is noted of grounding beside the predictions: how long it took, and where and with what it was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from ..core.fingerprint import digest
from .schema import GitInfo


class Way(BaseModel):
    """Where and with what predictions are made, without a name of a machine or a path.

    Attributes:
        device: What the method was set up on.
        batch_size: Images in a batch.
        packages: Versions of what can move a number.
        git: The checkout, where it was one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str
    batch_size: int
    packages: dict[str, str]
    git: GitInfo | None

    @property
    def id(self) -> str:
        """A hash of all of it, to tell ways apart."""
        return digest("way", self.model_dump())[:16]


@dataclass(frozen=True)
class Made:
    """How the answers of a batch were made.

    Attributes:
        way: Where and with what.
        peak_memory_mb: The highest use of memory so far, by place.
        seconds: What one sample took.
    """

    way: Way
    peak_memory_mb: Mapping[str, float]
    seconds: float
