"""Scoring: predictions, samples and a protocol become values and what looks wrong. Needs no model and no neighbour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..core import (
    GroundCXRError,
    Grounding,
    ImageError,
    MetricValue,
    ProtocolError,
    Sample,
    Status,
    Target,
    union_area,
)
from ..metrics import Protocol, Reducer
from .answer_doubts import AnswerDoubts
from .answers import Answer, Part, StoredPart
from .box_choice import BoxesInUnion
from .prediction import Failure, Prediction
from .scale_doubts import ScaleDoubts
from .schema import AnswersInfo
from .store import PredictionStore
from .written import Reading, read


@dataclass(frozen=True, slots=True)
class Row:
    """A scored sample.

    Attributes:
        index: The sample's place in the selection.
        key: Where the store has its prediction; "" where it was not stored.
        values: One for each metric of `Scoring.metrics`, None where it is left out.
        statuses: Why each value is what it is.
        parts: What the sample adds to the cells of each metric of `Scoring.reduced`.
        area: The ground truth's share of the image.
        truncated: Whether the phrase's end had no say.
        seconds: What grounding took, None where that is unknown.
        problem: What went wrong, if something did.
        reading: How an answer in words was read; None for any other.
    """

    index: int
    key: str
    values: tuple[float | None, ...]
    statuses: tuple[Status, ...]
    area: float
    truncated: bool
    seconds: float | None
    problem: Failure | None
    reading: Reading | None
    parts: tuple[tuple[Sequence[float], ...] | None, ...] = ()


@dataclass
class Scored:
    """What scoring a part of a run gave.

    Attributes:
        rows: The samples that the protocol does not skip.
        seen: What looks wrong in the answers.
        boxes: What is odd about the boxes that count.
        scale: Whether scores lie where the protocol expects them.
    """

    seen: AnswerDoubts
    boxes: BoxesInUnion
    scale: ScaleDoubts
    rows: list[Row] = field(default_factory=list)

    def join(self, other: Scored) -> None:
        """Count the part of a run that comes next as well."""
        self.rows += other.rows
        self.seen.join(other.seen)
        self.boxes.join(other.boxes)
        self.scale.join(other.scale)


@dataclass(frozen=True)
class Scoring:
    """How a run is scored: the same for all of its parts, each of which can be scored alone and in any process.

    Attributes:
        protocol: What to compute.
        kind: The method's.
        emits: What the method answers with.
        choice: Which boxes count; None for all.
        frames: Whether boxes are held against their images.
        store: Where stored predictions are.
    """

    protocol: Protocol
    kind: str
    emits: frozenset[str]
    choice: AnswersInfo | None
    frames: bool
    store: PredictionStore

    @property
    def metrics(self) -> list[str]:
        """The keys of the values."""
        return [metric.key for metric in self.protocol.metrics_for(self.emits)]

    @property
    def reduced(self) -> dict[str, Reducer]:
        """How samples become cells, by key of the metrics whose cells are no means."""
        metrics = self.protocol.metrics_for(self.emits)
        return {metric.key: metric.reducer for metric in metrics if metric.reducer is not None}

    def nothing(self) -> Scored:
        """No part scored yet."""
        return Scored(AnswerDoubts(frames=self.frames), BoxesInUnion(self.choice), ScaleDoubts(self.protocol))

    def score(self, part: Part, advance: Callable[[], object] = lambda: None) -> Scored:
        """Score a part of a run.

        Args:
            part: The answers.
            advance: Told of each sample that is done.

        Raises:
            GroundCXRError: If an answer is missing or damaged, or the choice of boxes needs a score that one lacks.
        """
        scored, metrics, reduced = self.nothing(), self.metrics, list(self.reduced)
        # Most samples have the same ones; what is kept of each sample is looked through by every garbage collection.
        same: dict[tuple[Status, ...], tuple[Status, ...]] = {}
        answers = part.answers(self.store) if isinstance(part, StoredPart) else part.answers()
        for answer in scored.boxes.chosen(scored.seen.passing(_read(answers))):
            sample = answer.sample
            values, problem = self._score_one(sample, answer.prediction, scored.scale)
            if values is not None:
                found = [values[key] for key in metrics]
                numbers, statuses = tuple(one.value for one in found), tuple(one.status for one in found)
                statuses = same.setdefault(statuses, statuses)
                truncated = isinstance(answer.prediction, Grounding) and answer.prediction.truncated
                share = _target_share(sample)
                parts = tuple(getattr(values[key], "parts", None) for key in reduced)
                how = (truncated, answer.seconds, problem, answer.reading, parts)
                scored.rows.append(Row(answer.index, answer.key, numbers, statuses, share, *how))
            advance()
        return scored

    def _score_one(
        self, sample: Sample, prediction: Prediction, scale: ScaleDoubts
    ) -> tuple[dict[str, MetricValue] | None, Failure | None]:
        """The sample's values, None where the protocol skips it; and what went wrong, if something did."""
        protocol = self.protocol
        failure = prediction if isinstance(prediction, Failure) else None
        grounding = None if isinstance(prediction, Failure) else protocol.prepare(prediction, self.kind)
        try:
            target = protocol.target(sample, grounding)
            if target is None:
                return None, failure
            if grounding is None:
                return protocol.missing(target, self.emits, Status.FAILED), failure
            scale.add(grounding, f"sample {sample.sample_id}")
            return self._score_grounding(grounding, target)
        except ImageError as error:
            # The ground truth itself (a mask file) cannot be had: the sample is left out, and counted as such.
            return dict.fromkeys(self.metrics, MetricValue(None, Status.EMPTY_TARGET)), Failure.of(error)

    def _score_grounding(self, grounding: Grounding, target: Target) -> tuple[dict[str, MetricValue], Failure | None]:
        try:
            return self.protocol.score(grounding, target, self.emits), None
        except ProtocolError as error:
            # The data set says another size than the image file has, say; the answer cannot be scored.
            without = Target(target.boxes, target.image_size)
            return self.protocol.missing(without, self.emits, Status.FAILED), Failure.of(error)


def _read(answers: Iterable[Answer]) -> Iterator[Answer]:
    """The answers, those in words as today's parser reads them."""
    for answer in answers:
        prediction, reading = read(answer.prediction, answer.sample.image_size)
        yield answer if reading is None else replace(answer, prediction=prediction, reading=reading)


def _target_share(sample: Sample) -> float:
    """The ground truth's share of the image's area; that of the boxes where a sample has boxes and a mask."""
    width, height = sample.image_size
    if not sample.boxes and sample.mask is not None:
        try:
            return float(sample.mask.load().mean())
        except GroundCXRError:
            return 0.0
    return union_area(box.clipped(sample.image_size) for box in sample.boxes) / (width * height)
