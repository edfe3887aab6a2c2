"""Methods that ask other methods: controls that change the question, refiners that change the answer."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any, ClassVar

from ..core import GroundCXRError, Grounding, ImageSize, MethodError, Query, WeightsError
from ..core.errors import told_as
from ..core.fingerprint import digest
from .base import ControlMethod, GroundingMethod, SomeFailed, check_answers
from .boxes.reading import parsed
from .isolated.errors import SetupFailed
from .loading import build_method
from .watching import watched

_SHOWN = 80

StoredAnswers = Callable[[GroundingMethod, Query], "Grounding | None"]
"""What a method has answered to a query before; None where that is not known."""


@dataclass(frozen=True)
class AskedOptions:
    """Which method is asked."""

    method: str = field(default="", metadata={"help": "the method that is asked: NAME or FILE.py[:CLASS]"})
    settings: str = field(default="", metadata={"help": "its options, with spaces between them: 'KEY=VALUE KEY=VALUE'"})


class WrappingMethod(GroundingMethod):
    """A method whose answers are made of those of other methods.

    What it asks runs where it is meant to run; this one runs in this Python. Where stored answers are lent to it, the
    others are loaded with the first question that is not among them.

    Attributes:
        asked: The methods that it asks, by the name that messages and options have for them.
        stored: What they have answered before; None where nothing is stored.
        setting: How an option of one of them is written in the option `settings`.
    """

    Options: ClassVar[type[Any]] = AskedOptions
    asks_others: ClassVar[bool] = True
    setting: ClassVar[str] = "KEY=VALUE"
    asked: Mapping[str, GroundingMethod]
    stored: StoredAnswers | None = None

    def __init__(self, options: Any = None) -> None:
        """Build the methods that are asked; they load their weights later.

        Raises:
            MethodError: If none is named, or a control that is not asked about phrases.
        """
        super().__init__(options)
        with self._saying_where_options_stand():
            self.asked = self.build_asked()
        for spec, one in self.asked.items():
            if isinstance(one, ControlMethod):
                raise MethodError(f"{self.name} cannot ask the control {spec!r}, which reads samples and not phrases")
        methods = list(self.asked.values())
        self.trained_on: tuple[str, ...] = _together(self.trained_on, *(one.trained_on for one in methods))
        own = [] if self.licence == GroundingMethod.licence else [self.licence]
        self.licence: str = "; ".join(_together(own, [one.licence for one in methods]))
        self.citation: str = "\n".join(filter(None, _together([self.citation], [one.citation for one in methods])))
        # Instances differ in what the class of the method asked declares.
        self.__dict__["batch_size"] = min(one.batch_size for one in methods)
        self._device = "cpu"
        self._loaded: set[str] = set()

    def build_asked(self) -> Mapping[str, GroundingMethod]:
        """The methods that are asked, nothing loaded yet; by default the one that the options name.

        Raises:
            MethodError: If none is named.
        """
        if not self.options.method:
            raise MethodError(f"{self.name} needs the method that it asks, its option method=NAME")
        return {self.options.method: build_method(self.options.method, pairs(self.options.settings, self.name))}

    def only(self) -> GroundingMethod:
        """The method that is asked, where it is one."""
        (one,) = self.asked.values()
        return one

    def fetch(self) -> None:
        """Bring what the methods that are asked need."""
        for one in self.asked.values():
            one.fetch()

    def setup(self, device: str) -> None:
        """Load the weights of the methods that are asked, unless stored answers may make that needless.

        Raises:
            MethodError: If one cannot be set up.
        """
        self._device, self._loaded = device, set()
        if self.stored is None:
            for spec in self.asked:
                self._load(spec)

    def weights_fingerprint(self) -> str:
        """That of the method that is asked; of several, of all."""
        with self._saying_where_options_stand():
            prints = [one.weights_fingerprint() for one in self.asked.values()]
        return prints[0] if len(prints) == 1 else digest(*prints)

    def weights_id(self) -> str | None:
        """That of the method that is asked; of several, of all that have weights."""
        with self._saying_where_options_stand():
            ids = _together([found for one in self.asked.values() if (found := one.weights_id()) is not None])
        return "; ".join(ids) or None

    def options_dict(self) -> dict[str, Any]:
        """The method's own options, and the method that is asked with all of its."""
        asked = fields(AskedOptions)
        mine = {key: value for key, value in super().options_dict().items() if key not in {one.name for one in asked}}
        return {**mine, **described(self.only())}

    def fingerprint(self) -> str:
        """SHA-256 over this method and those that it asks."""
        return digest(super().fingerprint(), *(one.fingerprint() for one in self.asked.values()))

    def answering(self) -> tuple[GroundingMethod, ...]:
        """The methods that are asked, or those that they ask."""
        return tuple(found for one in self.asked.values() for found in one.answering())

    def answers_by_image(self) -> bool:
        """As the methods that are asked."""
        return all(one.answers_by_image() for one in self.asked.values())

    def answers(self, spec: str, queries: Sequence[Query]) -> list[Grounding]:
        """What one of the methods answers, in order: as it is stored, else asked now.

        Args:
            spec: The method's key in `asked`.
            queries: The questions.

        Raises:
            SetupFailed: If the method is needed and cannot be set up.
        """
        one = self.asked[spec]
        found = [None if self.stored is None else self.stored(one, query) for query in queries]
        missing = [place for place, answer in enumerate(found) if answer is None]
        if missing:
            if spec not in self._loaded:
                try:
                    with told_as(f"the method {name_of(one)!r} could not be set up on {self._device}"):
                        self._load(spec)
                except GroundCXRError as error:
                    raise SetupFailed(f"{self.name} needs {name_of(one)}: {error}") from error
            made = check_answers(self._asked_now(one, [queries[place] for place in missing]), len(missing))
            for place, answer in zip(missing, made, strict=True):
                found[place] = answer
        return [answer for answer in found if answer is not None]

    @staticmethod
    def _asked_now(one: GroundingMethod, queries: Sequence[Query]) -> Sequence[Grounding]:
        try:
            return one.ground_batch(queries)
        except SomeFailed as partly:
            # Its answers to the others are none of this method's, as which they would be taken.
            raise next((one for one in partly.answers if isinstance(one, Exception)), partly) from partly

    def _load(self, spec: str) -> None:
        one = self.asked[spec]
        if isinstance(one, WrappingMethod):
            one.stored = self.stored
        with self._saying_where_options_stand(), watched(one, loading=True):
            one.setup(self._device)
        self._loaded.add(spec)

    @contextmanager
    def _saying_where_options_stand(self) -> Iterator[None]:
        try:
            yield
        except WeightsError as error:
            raise WeightsError(
                f"{error} (an option of the method that {self.name} asks stands in its own option "
                f"settings='{self.setting}')"
            ) from error


def pairs(settings: str, method: str) -> dict[str, str]:
    """Options of a method that is asked, from one text: "KEY=VALUE KEY=VALUE", quoted as in a shell.

    Args:
        settings: The text.
        method: The method that asks, for messages.

    Raises:
        MethodError: If it cannot be read.
    """
    try:
        found = [setting.partition("=") for setting in shlex.split(settings)]
    except ValueError as error:
        raise MethodError(f"the settings {settings!r} of {method} cannot be read: {error}") from error
    for key, equals, _ in found:
        if not equals:
            raise MethodError(f"the setting {key!r} of {method} does not fit: write KEY=VALUE")
    return {key: value for key, _, value in found}


def name_of(method: GroundingMethod) -> str:
    """A method's name in messages and results."""
    return method.name or type(method).__name__


def described(method: GroundingMethod) -> dict[str, Any]:
    """A method that is asked as options tell it: by name, and with its weights among its settings."""
    weights = method.weights_id()
    settings = {**method.options_dict(), **({} if weights is None else {"weights": weights})}
    return {"method": name_of(method), "settings": settings}


def unreadable(answer: Grounding, image_size: ImageSize, method: GroundingMethod) -> MethodError | None:
    """Why an answer cannot be passed on: it is in words that cannot be read, and not one in which there is nothing.

    Args:
        answer: Of a method that is asked.
        image_size: (width, height) of its image.
        method: Whose it is, for the message.
    """
    if answer.written is None or parsed(answer.written, image_size).kind != "unparseable":
        return None
    return MethodError(f"what {name_of(method)} wrote cannot be read: {answer.written.text[:_SHOWN]}")


def require_emitted(wrapper: str, method: GroundingMethod, kind: str) -> None:
    """Refuse to ask a method that does not answer with what is needed.

    Args:
        wrapper: The method that asks, for the message.
        method: Who would be asked.
        kind: "heatmap" or "box".

    Raises:
        MethodError: If it answers without.
    """
    if kind not in method.emits:
        emits = " and ".join(sorted(method.emits))
        raise MethodError(
            f"{wrapper} needs a method that answers with a {kind}, and {name_of(method)} answers with {emits}; "
            "ask another"
        )


def _together(*texts: Sequence[str]) -> tuple[str, ...]:
    """Each text once, in order."""
    return tuple(dict.fromkeys(chain(*texts)))
