"""Which images are grounded together: fixed by the samples and the batch size, by nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..core import GroundCXRError, Sample, unknown_name
from ..datasets import GroundingDataset
from .schema import DatasetInfo

USERS_OWN = ("outside", "secret")
"""Options that let a data set read other files than those below its root: no result's to choose."""


@dataclass(frozen=True, slots=True)
class ImageTask:
    """One image and the samples (by index) that ask about it."""

    path: Path
    samples: tuple[int, ...]


Batch = tuple[ImageTask, ...]


@dataclass(frozen=True)
class Selection:
    """The samples of a run.

    Attributes:
        dataset: The data set that they are from.
        samples: In the data set's order.
        complete: Whether they are the whole split; an incomplete run is never ranked.
    """

    dataset: GroundingDataset
    samples: tuple[Sample, ...]
    complete: bool


@dataclass(frozen=True)
class Shard:
    """Part `index` (1-based) of `count` of a plan."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``i/n``.

        Raises:
            GroundCXRError: If it is not two whole numbers with 1 <= i <= n.
        """
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
            raise GroundCXRError(f"the shard {text!r} does not fit: write i/n with 1 <= i <= n, such as 1/4")
        return cls(int(index), int(count))


def select(dataset: GroundingDataset, *, pathology: str | None = None, limit: int | None = None) -> Selection:
    """The samples to run on.

    Args:
        dataset: A loaded split.
        pathology: Keep this class only.
        limit: Keep this many, from the start.

    Raises:
        UnknownNameError: If the data set has no such pathology.
        GroundCXRError: If the limit is below 1 or nothing is left.
    """
    samples = tuple(dataset)
    if pathology is not None:
        # Two classes may differ in case alone; then the exact name counts.
        known = {**{name.lower(): name for name in dataset.pathologies}, **{name: name for name in dataset.pathologies}}
        chosen = known.get(pathology, known.get(pathology.lower()))
        if chosen is None:
            raise unknown_name(f"pathology of {dataset.name}", pathology, dataset.pathologies)
        samples = tuple(sample for sample in samples if sample.pathology == chosen)
    if limit is not None:
        if limit < 1:
            raise GroundCXRError(f"the limit {limit} does not fit: give at least 1 sample")
        samples = samples[:limit]
    if not samples:
        raise GroundCXRError(f"no sample of {dataset.name} (split {dataset.split}) is left to run on")
    return Selection(dataset, samples, complete=len(samples) == len(dataset))


def select_as(dataset: GroundingDataset, data: DatasetInfo, pathologies: Iterable[str]) -> Selection | None:
    """The samples that a result is over; None where no part that `select` can choose has its fingerprint.

    Args:
        dataset: The data set, or what is taken for it.
        data: What the result says of its data.
        pathologies: The classes of its rows, which tell what a run over a part of the data was over.
    """
    classes = list(dict.fromkeys(pathologies))
    for pathology in [None, *(classes if len(classes) == 1 else [])]:
        if _fingerprint(dataset, pathology, data.n_asked) == data.fingerprint:
            part = _part(dataset, pathology, data.n_asked)
            return Selection(dataset, part, complete=len(part) == len(dataset))
    return None


@lru_cache(maxsize=64)
def _fingerprint(dataset: GroundingDataset, pathology: str | None, count: int) -> str:
    return dataset.fingerprint(_part(dataset, pathology, count))


def _part(dataset: GroundingDataset, pathology: str | None, count: int) -> tuple[Sample, ...]:
    return tuple(sample for sample in dataset if pathology in (None, sample.pathology))[:count]


def make_plan(samples: Sequence[Sample], batch_size: int, shard: Shard | None = None) -> list[Batch]:
    """Batches of images in the samples' order, all samples of an image together.

    Args:
        samples: What to ground.
        batch_size: Images in a batch.
        shard: Keep every `count`-th batch only; the batches are those of the whole plan.

    Raises:
        GroundCXRError: If the batch size is below 1.
    """
    if batch_size < 1:
        raise GroundCXRError(f"the batch size {batch_size} does not fit: give at least 1 image")
    by_image: dict[Path, list[int]] = {}
    for index, sample in enumerate(samples):
        by_image.setdefault(sample.image_path, []).append(index)
    tasks = [ImageTask(path, tuple(indices)) for path, indices in by_image.items()]
    batches = [tuple(tasks[start : start + batch_size]) for start in range(0, len(tasks), batch_size)]
    return batches if shard is None else batches[shard.index - 1 :: shard.count]
