"""Pictures of a few samples, of data that everybody may see."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...core import GroundCXRError, Grounding, Sample
from ...core.alterations import Alteration
from ...datasets import DATASETS
from ...evaluation.box_choice import choose
from ..answered import protocol_of
from ..film import Film
from ..joining import join
from ..overlays import Picture
from ..runs import Run

MOST = 4
WIDTH = 320
"""Of a picture, in pixels."""

QUALITY = 75
"""Of WebP: four samples of 20 methods take 1 MB, a quarter of what the app's pictures would."""


@dataclass(frozen=True)
class Example:
    """One sample with what a method answered.

    Attributes:
        pathology: Its class.
        phrase: What was asked.
        truth: File of the image with the true boxes.
        answer: File of the image with the map or the boxes of the method, and the true boxes.
        size: (width, height) of both.
    """

    pathology: str
    phrase: str
    truth: str
    answer: str
    size: tuple[int, int]


@dataclass
class Gallery:
    """The samples of a setting that are shown of every method: the first of each of some pathologies.

    Attributes:
        files: The pictures, by path within the site; filled as methods are asked for.
    """

    samples: Sequence[Sample]
    films: Sequence[Film]
    files: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Gallery:
        """The gallery of a setting; empty where its images are not everybody's, or no prediction is stored."""
        info = runs[0].info
        samples = _samples(runs) if is_free(info.dataset.name) and any(run.predictions for run in runs) else ()
        # Its samples were found, so the condition is one that is known here.
        altered = None if info.condition is None else Alteration.condition(info.condition.label)
        try:
            return cls(samples, [Film.open(sample.image_path, WIDTH, altered) for sample in samples])
        except GroundCXRError:
            return cls((), ())

    def examples(self, run: Run) -> list[Example]:
        """What a method answered, of the samples whose answers are stored here."""
        found = []
        for sample, film in zip(self.samples, self.films, strict=True):
            answer = _answer(run, sample, film)
            if answer is not None:
                truth = self._keep(Picture(film, truth=sample.boxes, mask=None if sample.boxes else sample.mask))
                found.append(Example(sample.pathology, sample.phrase, truth, self._keep(answer), film.shown_size))
        return found

    def _keep(self, picture: Picture) -> str:
        name = f"images/{picture.key[:16]}.webp"
        if name not in self.files:
            self.files[name] = _small(picture.jpeg())
        return name


def is_free(dataset: str) -> bool:
    """Whether a data set's images may be put where everybody sees them, as this package knows it.

    What a result says of its data does not count: it may be somebody else's.
    """
    return DATASETS.is_builtin(dataset) and not DATASETS.get(dataset).credentialed


def _small(jpeg: bytes) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()


def _samples(runs: Sequence[Run]) -> tuple[Sample, ...]:
    """The first sample of each of the first pathologies that have one; none where the data are not here."""
    info = runs[0].info
    joined = join(info.dataset, {}, info.pathologies, condition=info.condition)
    first: dict[str, Sample] = {}
    for sample in joined.samples.values():
        first.setdefault(sample.pathology, sample)
    return tuple(first[name] for name in info.pathologies if name in first)[:MOST]


def _answer(run: Run, sample: Sample, film: Film) -> Picture | None:
    protocol = protocol_of(run)
    if protocol is None:
        return None
    try:
        found = run.prediction(sample.sample_id)
        if not isinstance(found, Grounding):
            return None
        prepared = protocol.prepare(choose(found, run.info.answers), run.info.method.kind)
    except (GroundCXRError, ValueError):
        return None
    heatmap = prepared.heatmap
    if heatmap is not None and heatmap.image_size != film.image_size:
        return None
    return Picture(
        film,
        heatmap=heatmap,
        scale=(0.0, 1.0) if heatmap is None else protocol.scale(heatmap),
        boxes=tuple(prepared.boxes),
        truth=sample.boxes,
        mask=None if sample.boxes else sample.mask,
    )
