"""Recipes of tuned prompts: what is trained, on which attention, with which losses and how fast."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class RecipeName(StrEnum):
    """What `groundcxr tune` trains."""

    WORDS = "words"
    PLACE_WORDS = "place-words"
    VECTORS = "vectors"
    VILOURAS2026 = "vilouras2026"


class Trained(StrEnum):
    """Which embeddings learn."""

    PLACE_WORDS = "the words of sides and zones"
    WORDS = "the words of sides, zones, heart and lungs"
    LOCATIONS = "a vector for each location, added to the content words of its phrases"


@dataclass(frozen=True)
class Recipe:
    """How a book is trained.

    Attributes:
        name: Of the recipe.
        trained: Which embeddings learn.
        whole_phrase: Whether the losses look at all tokens of the phrase, or at those only that learn (of locations, at
            the content words).
        alpha: How much of the Gaussian is in the target.
        diversity: Weight of the loss on tokens that are alike.
        rate: Of Adam.
        batch: Samples of a step.
        steps: How many; None for each sample once.
        from_middle: Layers read, counted from the middle block; None for those that the method reads.
        standard: Whether phrases are put as "{location} {pathology}".
        jitter: How far places are shifted and stretched at random, in shares of the image's side.
    """

    name: RecipeName
    trained: Trained
    whole_phrase: bool = False
    alpha: float = 0.1
    diversity: float = 0.0
    rate: float = 3e-3
    batch: int = 8
    steps: int | None = 200
    from_middle: tuple[int, ...] | None = None
    standard: bool = False
    jitter: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The values, as a book says them."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


RECIPES = {
    one.name: one
    for one in (
        Recipe(RecipeName.WORDS, Trained.WORDS),
        Recipe(RecipeName.PLACE_WORDS, Trained.PLACE_WORDS),
        Recipe(RecipeName.VECTORS, Trained.LOCATIONS),
        # The paper's; its optimiser, the number of time steps of an update and the number of epochs are not said there.
        Recipe(
            RecipeName.VILOURAS2026,
            Trained.WORDS,
            whole_phrase=True,
            diversity=1.0,
            rate=1e-4,
            batch=1,
            steps=None,
            from_middle=(0, 1, 2, 3),
            standard=True,
            jitter=0.05,
        ),
    )
}
"""By name; docs/tuning.md says what each is worth on the phantom."""

TIMES = (0.3, 0.61)
"""The part of the noise schedule from which time steps are drawn: steps 30 to 60 of 100."""
