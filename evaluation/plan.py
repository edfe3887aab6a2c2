"""Which images are grounded together: fixed by the samples and the batch size, by nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ..core import GroundCXRError, Sample, unknown_name
from ..core.alterations import Alteration
from ..core.fingerprint import digest
from ..datasets import GroundingDataset
from .schema import ConditionInfo, DatasetInfo

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
        samples: In the data set's order, as they are asked about and scored.
        complete: Whether they are the whole split; an incomplete run is never ranked.
        condition: What images, phrases and ground truth become others by; None where they are those of the data set.
        plain: The samples as the data set has them, where there is a condition.
    """

    dataset: GroundingDataset
    samples: tuple[Sample, ...]
    complete: bool
    condition: Alteration | None = None
    plain: tuple[Sample, ...] = ()

    @property
    def as_released(self) -> tuple[Sample, ...]:
        """The samples as the data set has them."""
        return self.samples if self.condition is None else self.plain

    def under(self, condition: Alteration | None) -> Selection:
        """The same samples under a condition; None for none."""
        if condition is None:
            return self
        plain = self.as_released
        samples = tuple(map(condition.sample, plain))
        return replace(self, samples=samples, condition=condition, plain=plain)

    def describe_condition(self) -> ConditionInfo | None:
        """The condition as a result says it; None where there is none."""
        one = self.condition
        if one is None:
            return None
        plain = self.dataset.fingerprint(self.plain)
        return ConditionInfo(name=one.name, level=one.level, version=one.version, plain=plain)

    def fingerprint(self) -> str:
        """That of the data set over these samples; under a condition another, by which its results stand apart."""
        info = self.describe_condition()
        return self.dataset.fingerprint(self.samples) if info is None else digest("condition", info.model_dump())

    def image_key(self, image_sha256: str) -> str:
        """What the store knows an image by, of its file's hash."""
        return image_sha256 if self.condition is None else self.condition.key(image_sha256)


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


def select_as(
    dataset: GroundingDataset,
    data: DatasetInfo,
    pathologies: Iterable[str],
    condition: ConditionInfo | None = None,
) -> Selection | None:
    """The samples that a result is over; None where no part that `select` can choose has its fingerprint.

    Args:
        dataset: The data set, or what is taken for it.
        data: What the result says of its data.
        pathologies: The classes of its rows, which tell what a run over a part of the data was over.
        condition: Under which it was made.
    """
    classes = list(dict.fromkeys(pathologies))
    alteration = None if condition is None else alteration_of(condition)
    if condition is not None and (
        alteration is None or digest("condition", condition.model_dump()) != data.fingerprint
    ):
        return None
    wanted = data.fingerprint if condition is None else condition.plain
    for pathology in [None, *(classes if len(classes) == 1 else [])]:
        if _fingerprint(dataset, pathology, data.n_asked) == wanted:
            part = _part(dataset, pathology, data.n_asked)
            return Selection(dataset, part, complete=len(part) == len(dataset)).under(alteration)
    return None


def alteration_of(condition: ConditionInfo) -> Alteration | None:
    """What a result's condition does; None where this version of groundcxr has none that is the same."""
    try:
        alteration = Alteration.condition(condition.label)
    except GroundCXRError:
        return None
    same = (alteration.version, alteration.level) == (condition.version, condition.level)
    return alteration if same else None


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
