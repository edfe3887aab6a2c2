"""What a method is asked for each sample: its phrase, or, by a control, another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
        """What a method is asked about a selection."""
        if not isinstance(method, PhraseControl):
            return cls(selection, tuple(range(len(selection.samples))))
        asked, refused = {}, {}
        for place, sample in enumerate(selection.samples):
            try:
                asked[place] = method.question(sample)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                refused[place] = Failure.of(error)
        return cls(replace(selection, samples=tuple(asked.values())), tuple(asked), refused)
