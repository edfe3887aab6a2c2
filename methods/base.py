"""The contract between a method and the evaluator."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from ..core import HEATMAP, Grounding, MethodError, Query, Radiograph, WeightsError
from ..core.errors import said
from ..core.fingerprint import digest, jsonable, tree_digest
from ..core.published import by_content, named_place, places_in
from .revision import live_state, revision_of

if TYPE_CHECKING:
    from ..core import Sample

KINDS = ("diffusion", "contrastive", "box", "control", "other")


@dataclass(frozen=True)
class NoOptions:
    """The options of a method that has none."""


class SomeFailed(MethodError):  # noqa: N818  (what a method raises, not a fault of ours)
    """Raised by a method that has answered a part of a batch: those answers count, and no query is asked again.

    Attributes:
        answers: For each query its grounding, or the exception that says why there is none.
    """

    def __init__(self, answers: Sequence[Grounding | Exception]) -> None:
        """Keep the answers.

        Args:
            answers: One for each query, in order.
        """
        failures = [said(one) for one in answers if isinstance(one, Exception)]
        first = f"; the first: {failures[0]}" if failures else ""
        super().__init__(f"{len(failures)} of {len(answers)} phrases have no answer{first}")
        self.answers = tuple(answers)


class GroundingMethod:
    """Marks where phrases are in a chest X-ray.

    An author writes `setup` and `ground`; a method that batches across images or reads the pathology overrides
    `ground_batch` instead of `ground`. A method sees nothing but image, phrase and pathology, and holds no random
    state: what is random takes its generator from `groundcxr.core.fingerprint.generator_from(image.sha256, phrase)`.

    Attributes:
        name: Set by `register_method`; a method given as a file takes its class's name.
        revision: Version of the code; None means the SHA-256 of the source, which is right nearly always.
        weights: Hub id or local path of the weights, None for a method without any.
        trained_on: Data sets whose images, phrases or boxes the weights have seen.
        supervision: What it has learnt places from, beside images and texts: "none", "weak: anatomy" (where regions of
            the chest usually are) or "boxes" (or masks); None where that is not stated.
        licence: Of the weights.
        citation: BibTeX.
        kind: One of `KINDS`; the leaderboard filters by it and protocols treat kinds differently.
        emits: Which of "heatmap" and "box" the answers hold; with "absolute" beside "heatmap" where a map's scores mean
            the same in every image, from 0 to 1 with .5 between "not here" and "here", as probabilities do.
        batch_size: Images in a batch unless the user says otherwise.
        Options: A frozen dataclass of typed options with defaults; a field's `metadata={"help": ...}` is its help text.
        note: What every table says of the method; for controls.
        requirements: Packages that it needs, as pip takes them: `("torch", "transformers>=4.48,<4.52")`. Literals:
            they are read without running the code. `groundcxr env create` makes an environment of them.
        requires_python: The versions of Python that it runs on, such as ">=3.9,<3.12"; a literal as well.
        places: Absolute paths of what weights and options named when it was set up; see `declared_places`.
        answered_by: What answers in the method's stead, a server and its model, as they say themselves: results name it
            among the versions. It may come to be known with the answers only.
        asks_others: Whether it asks methods that its options name: it runs in this Python then, and they in theirs.
    """

    name: ClassVar[str] = ""
    revision: str | None = None
    weights: str | None = None
    trained_on: tuple[str, ...] = ()
    supervision: str | None = None
    licence: str = "not stated"
    citation: str = ""
    kind: ClassVar[str] = "other"
    emits: ClassVar[AbstractSet[str]] = frozenset({HEATMAP})
    batch_size: ClassVar[int] = 16
    Options: ClassVar[type[Any]] = NoOptions
    note: str = ""
    requirements: ClassVar[tuple[str, ...]] = ()
    requires_python: ClassVar[str | None] = None
    places: frozenset[Path] = frozenset()
    answered_by: Mapping[str, str] = MappingProxyType({})
    asks_others: ClassVar[bool] = False
    _weights_digest: str | None = None

    def __init__(self, options: Any = None) -> None:
        """Keep the options; load nothing yet.

        Args:
            options: An instance of `Options`; None for the defaults.
        """
        self.options = self.Options() if options is None else options
        # An option `weights` is the weights: so their content is hashed, and the path is not published. Several paths
        # stay among the options, which are treated alike.
        given = getattr(self.options, "weights", None)
        self.weights = str((None if _is_several(given) else given) or self.weights or "") or None

    def setup(self, device: str) -> None:
        """Load the weights onto a device ("cpu", "cuda", "cuda:1"); called once, before any grounding."""

    def fetch(self) -> None:
        """Bring to this machine, and check, what `setup` needs from elsewhere; `groundcxr fetch` calls it.

        By default this is setting up on the cpu, so that nothing can be forgotten. A method that cannot be set up there
        brings its files in another way.
        """
        self.setup("cpu")

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """Answer every phrase of one image, in order.

        Args:
            image: The image.
            phrases: At least one phrase.

        Returns:
            One grounding for each phrase.
        """
        raise NotImplementedError(f"{type(self).__name__} must define ground(image, phrases) or ground_batch(queries)")

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """Answer a batch of queries, in order; queries of one image follow one another.

        Args:
            queries: Images with a phrase and a pathology each.

        Returns:
            One grounding for each query.

        Raises:
            SomeFailed: With the answers that there are, where asking again about the others would not help.
            GoneError: Where no further query can be answered in this run.
        """
        answers: list[Grounding] = []
        for mine in by_image(queries):
            found = self.ground(mine[0].image, [query.phrase for query in mine])
            answers.extend(check_answers(found, len(mine)))
        return answers

    def weights_fingerprint(self) -> str:
        """What tells these weights from others: the content's SHA-256 where they are a local path, else their id."""
        path = self._local_weights()
        if path is None:
            return self.weights or "none"
        # Asked for several times in a run, and gigabytes take a while.
        if self._weights_digest is None:
            try:
                self._weights_digest = tree_digest(path)
            except OSError as error:
                raise WeightsError(
                    f"cannot read {error.filename or path}, the weights of the method {self.name!r}: "
                    f"{error.strerror or error}"
                ) from error
        return self._weights_digest

    def weights_id(self) -> str | None:
        """The weights' name for publication: a hub id as it is, of a local path the last part only."""
        path = self._local_weights()
        return self.weights if path is None else f"local copy {path.name}"

    def options_dict(self) -> dict[str, Any]:
        """The options as plain JSON values; of a path, and of a text that names a file, last part and SHA-256.

        `weights` is left out, unless it is several: `weights_fingerprint` covers it.

        Raises:
            MethodError: If a file that an option names cannot be read.
        """
        options = asdict(self.options).items()
        return jsonable(by_content({key: value for key, value in options if key != "weights" or _is_several(value)}))

    def fingerprint(self) -> str:
        """SHA-256 over name, revision, weights and options: what a stored prediction depends on, but its input.

        An option that came later (`metadata={"since": "1.2"}`) counts only where it is not at its default, so that
        predictions made before it was there keep their name; one that changes no answer (`metadata={"answers": False}`)
        never does.
        """
        cls = type(self)
        apart = self._options_apart()
        options = {key: value for key, value in self.options_dict().items() if key not in apart}
        parts = (self.name, cls.__qualname__, revision_of(cls), self.weights_fingerprint(), options)
        return digest(*parts, *live_state(self))

    def declared_places(self) -> list[Path]:
        """The files and folders that `weights` and the options name: those that an answer may depend on."""
        weights = self._local_weights()
        return [*([weights] if weights else []), *places_in(asdict(self.options))]

    def answers_by_image(self) -> bool:
        """Whether a batch is answered image by image, so that nothing is gained by asking about several at once."""
        return type(self).ground_batch is GroundingMethod.ground_batch

    def answering(self) -> tuple[GroundingMethod, ...]:
        """The methods whose code answers: this one, unless it passes what it is asked to others."""
        return (self,)

    def _options_apart(self) -> set[str]:
        usual = self.Options()
        later = [field.name for field in fields(usual) if "since" in field.metadata]
        found = {name for name in later if getattr(self.options, name, None) == getattr(usual, name)}
        return found | {field.name for field in fields(usual) if not field.metadata.get("answers", True)}

    def _local_weights(self) -> Path | None:
        if not self.weights:
            return None
        # A plain word cannot be a hub id.
        path = named_place(self.weights, plain_folders=True)
        if path is None and re.match(r"[/~.]|file:|[A-Za-z]:[/\\]", self.weights):
            raise WeightsError(
                f"the weights of the method {self.name!r} are not there: {self.weights}; give an existing path"
            )
        return path


def by_image(queries: Sequence[Query]) -> list[list[Query]]:
    """The queries of each image, in order; those of one image follow one another."""
    return [list(group) for _, group in groupby(queries, key=lambda query: id(query.image))]


def _is_several(value: Any) -> bool:
    return isinstance(value, (tuple, list, dict, AbstractSet))


class ControlMethod(GroundingMethod):
    """A control that may read whole samples, the ground truth included. Its predictions are not stored.

    Attributes:
        learns: Whether it is fitted, and sees the whole data set, before it is asked.
    """

    kind: ClassVar[str] = "control"
    learns: ClassVar[bool] = True

    def fit(self, reference: Sequence[Sample], *, held_out: bool) -> None:
        """Learn from ground truth before grounding.

        Args:
            reference: Samples to learn from.
            held_out: True when `reference` is a training split; False when it holds the evaluated samples themselves,
                so that a sample's own patient must be left out.
        """

    def consult(self, second_reader: Callable[[Sample], Sample | None] | None) -> None:
        """Meet another reader of the data set before grounding, for a control that answers as he does.

        Args:
            second_reader: Gives a sample with his boxes and mask, None where he marked nothing; None where the data set
                has no other reader.

        Raises:
            MethodError: If the control needs one, and there is none.
        """

    def survey(self, samples: Sequence[Sample]) -> None:
        """See the whole data set before grounding, for a control whose answer depends on an image's other samples.

        Args:
            samples: All samples of the split, also those that are not evaluated in this run.
        """

    def ground_samples(self, samples: Sequence[Sample]) -> list[Grounding]:
        """Answer samples, in order, with their ground truth in sight."""
        raise NotImplementedError(f"{type(self).__name__} must define ground_samples(samples)")


class PhraseControl(ControlMethod):
    """A control that answers phrases about images as any method does, but other phrases than the samples' own.

    Samples decide what it is asked, not what it answers: so its predictions are stored, and it defines `ground` or
    `ground_batch`.

    Attributes:
        asks_about: Which samples it has a question for, where that is not all of them; for messages.
    """

    asks_about: ClassVar[str] = ""

    def question(self, sample: Sample) -> Sample | None:
        """The sample with the phrase and the pathology that are asked about in place of its own.

        Returns:
            None where the control has nothing to say about the sample, which then has no number.

        Raises:
            MethodError: If there should be a question, and is none; the sample has failed.
        """
        raise NotImplementedError(f"{type(self).__name__} must define question(sample)")


def check_answers(found: Any, expected: int) -> list[Grounding]:
    """A method's answers as a list, checked for count and type.

    Raises:
        MethodError: If the count is wrong or an answer is no `Grounding`.
    """
    if not isinstance(found, Sequence):
        raise MethodError(
            f"the method returned an object of type {type(found).__name__}, not a list of {expected} Grounding objects"
        )
    if len(found) != expected:
        raise MethodError(f"the method returned {len(found)} answers for {expected} phrases; return one for each")
    for answer in found:
        if not isinstance(answer, Grounding):
            raise MethodError(
                f"the method returned an object of type {type(answer).__name__} where a Grounding belongs; write "
                "Grounding(Heatmap.whole(values, image.size)) or Grounding(boxes=[Box(x0, y0, x1, y1)])"
            )
    return list(found)
