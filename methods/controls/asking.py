"""What controls share that ask another method: about another phrase or image, or with weights that know nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core import Grounding, Query
from ..base import PhraseControl
from ..wrapping import WrappingMethod


class AskingControl(WrappingMethod, PhraseControl):
    """A method's answers to other questions than the samples', scored against the samples' own ground truth."""

    def __init__(self, options: Any = None) -> None:
        """Build the method that is asked; it loads its weights in `setup`.

        Args:
            options: An `AskedOptions`.

        Raises:
            MethodError: If no method is named, or a control that is not asked about phrases.
        """
        super().__init__(options)
        # The kind too: a protocol may treat maps of one kind in its own way.
        for name in ("kind", "emits"):
            self.__dict__[name] = getattr(self.only(), name)

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers of the method that is asked."""
        (spec,) = self.asked
        return self.answers(spec, queries)
