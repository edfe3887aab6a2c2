"""Where the answers that are scored come from, image by image: the store, or a control that is asked now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core import ImageError, Radiograph, Sample, StoreError
from ..methods import ControlMethod
from .asking import control_safely
from .plan import Selection, make_plan
from .prediction import Failure, Prediction, image_key, query_key
from .questions import Questions
from .store import PredictionStore
from .written import Reading

_IMAGES_IN_PART = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run has for one sample.

    Attributes:
        index: The sample's place in the selection.
        sample: The sample.
        prediction: The answer, or why there is none.
        key: Where the store has it; "" where it was not stored.
        seconds: What grounding it took, None where that is unknown.
        reading: How an answer in words was read, once it was; None for any other.
    """

    index: int
    sample: Sample
    prediction: Prediction
    key: str = ""
    seconds: float | None = None
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class GivenPart:
    """A part of a run whose answers are at hand."""

    given: tuple[Answer, ...]

    def answers(self) -> Iterator[Answer]:
        """The answers."""
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


@dataclass(frozen=True, slots=True)
class AskedImage:
    """An image of a run.

    Attributes:
        path: Its file.
        sha256: The file's hash.
        asked: Of each sample its place in the selection, itself, and with what the method was asked in its stead.
        seconds: What grounding a sample of it took, None where that is unknown.
    """

    path: Path
    sha256: str
    asked: tuple[tuple[int, Sample, Sample], ...]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of a run whose answers are in the store; they are read when they are asked for, in any process."""

    images: tuple[AskedImage, ...]

    def answers(self, store: PredictionStore) -> Iterator[Answer]:
        """The answers.

        Raises:
            StoreError: If a prediction is missing or its file is damaged.
        """
        for image in self.images:
            stored = store.read(image.sha256)
            file = image_key(image.sha256)
            keys = [query_key(image.sha256, one.phrase, one.pathology) for _, _, one in image.asked]
            failure = None
            if any(key not in stored for key in keys):
                failure = _undecodable(image.path)
                if failure is None:
                    raise StoreError(
                        f"{store.folder} lacks predictions (sample {image.asked[0][1].sample_id} among them); run "
                        "evaluate with the same method and options first"
                    )
            for (index, sample, _), key in zip(image.asked, keys, strict=True):
                if failure is not None:
                    yield Answer(index, sample, failure)
                else:
                    yield Answer(index, sample, stored[key], f"{file}-{key}", image.seconds)

    def __len__(self) -> int:
        return sum(len(image.asked) for image in self.images)


Part = StoredPart | GivenPart


def stored_parts(
    selection: Selection, questions: Questions, images: Mapping[Path, str | Failure], store: PredictionStore
) -> list[Part]:
    """Every sample of a run, with where its answer is, some images to a part.

    Args:
        selection: The run's samples.
        questions: What the method was asked about them.
        images: The hash of each image file, or why it could not be read.
        store: Where the predictions are.
    """
    seconds = store.notes.seconds()
    asked = questions.selection.samples
    parts: list[Part] = []
    for batch in make_plan(asked, _IMAGES_IN_PART):
        there: list[AskedImage] = []
        for task in batch:
            places = [(questions.places[index], asked[index]) for index in task.samples]
            image = images[task.path]
            if isinstance(image, Failure):
                parts += [StoredPart(tuple(there))] if there else []
                parts.append(GivenPart(tuple(Answer(at, selection.samples[at], image) for at, _ in places)))
                there = []
                continue
            of_run = tuple((at, selection.samples[at], question) for at, question in places)
            there.append(AskedImage(task.path, image, of_run, seconds.get(image_key(image))))
        parts += [StoredPart(tuple(there))] if there else []
    if questions.refused:
        refused = questions.refused.items()
        parts.append(GivenPart(tuple(Answer(place, selection.samples[place], failure) for place, failure in refused)))
    return parts


def control_parts(selection: Selection, method: ControlMethod, batch_size: int) -> Iterator[GivenPart]:
    """Every sample of a run with the answer of a control that sees the ground truth, asked now; nothing is stored."""
    samples = selection.samples
    for batch in make_plan(samples, batch_size):
        indices = [index for task in batch for index in task.samples]
        found = control_safely(method, [samples[index] for index in indices])
        yield GivenPart(tuple(Answer(i, samples[i], answer) for i, answer in zip(indices, found, strict=True)))


def _undecodable(path: Path) -> Failure | None:
    """Why an image has no predictions, where that is because it cannot be decoded."""
    try:
        Radiograph.open(path)
    except ImageError as error:
        return Failure.of(error)
    return None
