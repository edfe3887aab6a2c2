"""Phrases for data sets that have none: made from the class, as one asks for it zero-shot."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter

from ..core import DatasetError
from ..core.definitions import definition_of

CLASS = "class"
DEFINITION = "definition"

DEFAULT = "there is {class}"
"""How data sets make phrases that have classes alone, unless the option `phrases` says otherwise."""

STEP = "--set dataset.phrases=class makes phrases of the classes, --set dataset.phrases='there is {class}' sentences"

_PATTERNS = {CLASS: "{class}", DEFINITION: "{class} means {definition}"}
"""What the two words stand for; the second as published detectors with definitions were asked."""


@dataclass(frozen=True, slots=True)
class PhraseTemplate:
    """How a phrase is made from a class.

    Attributes:
        text: As the user gave it: "class" for the class itself, "definition" for the class and what it means, else a
            text in which ``{class}`` and ``{definition}`` are filled in.
    """

    text: str

    @classmethod
    def of(cls, text: str) -> PhraseTemplate:
        """A template from the option `phrases` of a data set.

        Raises:
            DatasetError: If the text is neither "class" nor "definition" nor one with ``{class}`` or ``{definition}``
                and no other field.
        """
        template = cls(text) if isinstance(text, str) else None
        try:
            fields = list(Formatter().parse(template._pattern)) if template else []
        except ValueError as error:
            raise _unfit(text, str(error)) from error
        named = [(name, spec, conversion) for _, name, spec, conversion in fields if name is not None]
        if not named:
            raise _unfit(text, "it has no {class}")
        known = [(name, "", None) for name in _PATTERNS]
        wrong = next((field for field in named if field not in known), None)
        if template is None or wrong is not None:
            raise _unfit(text, f"{{{wrong[0] if wrong else ''}}} is not {{class}}")
        return template

    def fill(self, pathology: str) -> str:
        """The phrase for a class.

        Raises:
            DatasetError: If the class is to be defined and is none of those in `groundcxr.core.definitions`.
        """
        meaning = definition_of(pathology)
        if meaning is None and any(field == DEFINITION for _, field, _, _ in Formatter().parse(self._pattern)):
            raise DatasetError(
                f"the option phrases={self.text!a} needs a definition of the class {pathology!r}, and there is none; "
                "write phrases=class, or a text with {class} in it such as 'there is {class}'"
            )
        return self._pattern.format(**{CLASS: pathology, DEFINITION: meaning})

    @property
    def _pattern(self) -> str:
        return _PATTERNS.get(self.text, self.text)


def _unfit(text: object, reason: str) -> DatasetError:
    return DatasetError(
        f"the option phrases={text!a} is no way to make phrases: {reason}; write 'class', 'definition', or a text with "
        "{class} in it such as 'there is {class}' (braces of its own as {{ and }})"
    )
