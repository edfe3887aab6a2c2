"""Phrases for data sets that have none: made from the class, as one asks for it zero-shot."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter

from ..core import DatasetError

CLASS = "class"

DEFAULT = CLASS
"""How data sets that have no phrases of their own make them, unless the user says otherwise."""

STEP = "--set dataset.phrases=class makes phrases of the classes, --set dataset.phrases='there is {class}' sentences"


@dataclass(frozen=True, slots=True)
class PhraseTemplate:
    """How a phrase is made from a class.

    Attributes:
        text: As the user gave it: "class" for the class itself, else a text in which ``{class}`` is filled in.
    """

    text: str

    @classmethod
    def of(cls, text: str) -> PhraseTemplate:
        """A template from the option `phrases` of a data set.

        Raises:
            DatasetError: If the text is neither "class" nor one with ``{class}`` and no other field.
        """
        template = cls(text) if isinstance(text, str) else None
        try:
            fields = list(Formatter().parse(template._pattern)) if template else []
        except ValueError as error:
            raise _unfit(text, str(error)) from error
        named = [(name, spec, conversion) for _, name, spec, conversion in fields if name is not None]
        if not named:
            raise _unfit(text, "it has no {class}")
        wrong = next((field for field in named if field != (CLASS, "", None)), None)
        if template is None or wrong is not None:
            raise _unfit(text, f"{{{wrong[0] if wrong else ''}}} is not {{class}}")
        return template

    def fill(self, pathology: str) -> str:
        """The phrase for a class."""
        return self._pattern.format(**{CLASS: pathology})

    @property
    def _pattern(self) -> str:
        return f"{{{CLASS}}}" if self.text == CLASS else self.text


def _unfit(text: object, reason: str) -> DatasetError:
    return DatasetError(
        f"the option phrases={text!a} is no way to make phrases: {reason}; "
        "write 'class', or a text with {class} in it such as 'there is {class}' (braces of its own as {{ and }})"
    )
