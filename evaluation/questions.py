"""What a method is asked for each sample: its phrase, or, by a control, another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..core import GroundCXRError, Sample
from ..methods import GroundingMethod, PhraseControl
from .plan import Selection
from .prediction import Failure


@dataclass(frozen=True)
class Questions:
    """The questions of a run.

    Attributes:
        selection: The run's samples with the phrases asked about; those without a question are left out.
        places: Each one's place in the run's selection.
        refused: Why there is no question for the samples at these places.
    """

    selection: Selection
    places: tuple[int, ...]
    refused: Mapping[int, Failure] = field(default_factory=dict)

    @classmethod
    def of(cls, method: GroundingMethod, selection: Selection) -> Questions:
        """What a method is asked about a selection.

        Raises:
            GroundCXRError: If it is a control that has nothing to ask about any of the samples.
        """
        if not isinstance(method, PhraseControl):
            return cls(selection, tuple(range(len(selection.samples))))
        asked: dict[int, Sample] = {}
        refused: dict[int, Failure] = {}
        condition = selection.condition
        for place, sample in enumerate(selection.as_released):
            try:
                question = method.question(sample)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                refused[place] = Failure.of(error)
            else:
                if question is not None:
                    asked[place] = question if condition is None else condition.sample(question)
        if not asked and not refused:
            raise GroundCXRError(
                f"none of the {len(selection.samples):,} samples is one that {method.name} asks about"
                f"{f': {method.asks_about}' if method.asks_about else ''}"
            )
        return cls(replace(selection, samples=tuple(asked.values())), tuple(asked), refused)
