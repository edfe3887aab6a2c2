"""The contract of a protocol: everything that turns groundings into numbers, as one named and hashed object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from ..core import (
    BOX,
    HEATMAP,
    Box,
    GroundCXRError,
    Grounding,
    Heatmap,
    MetricValue,
    ProtocolError,
    Sample,
    Status,
    Target,
)
from ..core.fingerprint import digest
from ..core.install import install_step
from .reducers import Reducer
from .region import Region, region_of
from .statistics import ClassWeights


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that a protocol gives a sample.

    Attributes:
        key: Its name in files; never changes.
        label: Its name in tables.
        needs: What of a grounding it is computed from; "either" where any will do.
        low: The smallest value it can have, None where there is no bound.
        high: The largest value it can have, None where there is no bound.
        higher_is_better: Which of two values is the better one.
        headline: Whether tables that cannot show all metrics show this one.
        reducer: How samples become a cell; None where it is their mean. A sample's value is then its own number alone,
            for tables of samples, and `PartsValue.parts` what it adds to cells.
    """

    key: str
    label: str
    needs: Literal["heatmap", "box", "either"]
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True
    headline: bool = False
    reducer: Reducer | None = None


class Protocol(ABC):
    """Which pixels count, how maps are treated, which metrics there are, and what an undefined value counts as.

    A protocol is never edited: another constant, rule or metric is another protocol with another name or version. A new
    one derives from this class, defines the attributes and the abstract methods, and is registered with
    ``PROTOCOLS.register(name)`` or through the entry point group ``groundcxr.protocols``.

    Attributes:
        name: The name on the command line.
        version: Told apart in results together with the name.
        title: One line that says what it is.
        citation: BibTeX of where it is defined.
        metrics: All metrics, in the order of tables.
        uses_negatives: Whether it has something to say of phrases about what their image does not show. Unless it does,
            `target` never sees them; where it does, averages rest on every sample whose value is not None, so a metric
            that is not about negatives is None there, and one that is about them is None elsewhere.
        class_weights: How classes weigh in a third average beside macro and micro; None where there is none.
        printed_on: The data sets for which its authors print numbers, in their words, for those who compare.
        requires: Packages that it needs beside those of every installation, by the names they are imported and
            installed under.
        unit_scores: Whether scores are held as they are against thresholds between 0 and 1, so that scores on another
            scale, such as logits, get numbers that mean little; results then say where any lie outside.
        both_views: Whether a map is scored as boxes too and boxes as a map, so that every method has every metric;
            `derived_for` says which of them are of the other view.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    title: ClassVar[str]
    citation: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    uses_negatives: ClassVar[bool] = False
    class_weights: ClassVar[ClassWeights | None] = None
    printed_on: ClassVar[tuple[str, ...]] = ()
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({})
    unit_scores: ClassVar[bool] = False
    both_views: ClassVar[bool] = False

    @abstractmethod
    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names, as plain JSON values."""

    @abstractmethod
    def target(self, sample: Sample, grounding: Grounding | None) -> Target | None:
        """The ground truth that a sample's grounding is scored against.

        Args:
            sample: A sample of a data set.
            grounding: The method's answer, None where it failed.

        Returns:
            The target; None when the protocol skips the sample.
        """

    @abstractmethod
    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """Every metric that needs a heatmap."""

    @abstractmethod
    def score_boxes(self, boxes: Sequence[Box], region: Region) -> dict[str, MetricValue]:
        """Every metric that needs boxes; there is at least one box."""

    @abstractmethod
    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """Every metric, as a sample counts whose grounding is missing.

        Args:
            region: What the grounding should have marked.
            status: FAILED or EMPTY_PREDICTION.
        """

    def check_installed(self) -> None:
        """Refuse where a package lacks that scoring needs, before anything is grounded.

        Raises:
            GroundCXRError: With the command that installs what lacks.
        """
        missing = [package for module, package in self.requires.items() if find_spec(module) is None]
        if missing:
            raise GroundCXRError(
                f"the protocol {self.name} needs {', '.join(missing)}, which is not installed; {install_step(*missing)}"
            )

    @property
    def hash(self) -> str:
        """SHA-256 over name, version, the metrics' keys and reducers, `constants`, and whether it uses negatives."""
        keys = [metric.key for metric in self.metrics]
        used = ["negatives"] if self.uses_negatives else []
        reduced = {metric.key: metric.reducer.said() for metric in self.metrics if metric.reducer is not None}
        # Said only where there are any, so that other protocols keep their hashes.
        also = [one for one in (reduced, self.class_weights) if one]
        return digest(self.name, self.version, keys, self.constants(), *used, *also)

    def prepare(self, grounding: Grounding, kind: str) -> Grounding:
        """The grounding as the protocol treats it before scoring; unchanged unless a protocol says otherwise.

        Args:
            grounding: A method's answer.
            kind: The method's kind, such as "contrastive".
        """
        return grounding

    def scale(self, heatmap: Heatmap) -> tuple[float, float]:
        """The scores that a picture of a map shows as nothing and as most, and a threshold counts as 0 and as 1.

        Args:
            heatmap: What `prepare` gave.

        Returns:
            The map's lowest and highest score unless a protocol says otherwise; equal for a constant map.
        """
        return float(heatmap.values.min()), float(heatmap.values.max())

    def iou_at(self, heatmap: Heatmap, region: Region, threshold: float) -> float | None:
        """IoU of ground truth and what the protocol marks at one threshold.

        Args:
            heatmap: What `prepare` gave.
            region: The ground truth.
            threshold: On the `scale` of the map, in [0, 1].

        Returns:
            The IoU; None where it is not defined, or the protocol thresholds no maps.
        """
        return None

    def metrics_for(self, emits: Collection[str]) -> tuple[Metric, ...]:
        """The metrics of methods that answer with these kinds ("heatmap", "box")."""
        if self.both_views:
            return self.metrics if HEATMAP in emits or BOX in emits else ()
        return tuple(metric for metric in self.metrics if metric.needs in emits)

    def derived_for(self, emits: Collection[str]) -> list[str] | None:
        """The keys of the metrics that are of the view which methods that answer with these kinds do not give.

        Args:
            emits: As of `metrics_for`.

        Returns:
            None where the protocol never makes one view out of the other.
        """
        if not self.both_views:
            return None
        return [metric.key for metric in self.metrics_for(emits) if metric.needs not in {*emits, "either"}]

    def score(
        self, grounding: Grounding, target: Target, emits: Collection[str] | None = None
    ) -> dict[str, MetricValue]:
        """Score one grounding.

        Args:
            grounding: What `prepare` gave.
            target: What `target` gave, or any ground truth of the same image.
            emits: What the method promises to answer with; a kind that the grounding lacks counts as an empty
                prediction. None for what the grounding holds, or for both kinds where it holds nothing.

        Returns:
            A value for the key of every metric of `metrics_for(emits)`.

        Raises:
            ProtocolError: If grounding and target are of differently sized images, or the target's mask is of another
                size than its image.
        """
        kinds = held(grounding) if emits is None else emits
        metrics = self.metrics_for(kinds)
        if not metrics:
            return {}
        refuse_other_size(grounding, target)
        heatmap, boxes = grounding.heatmap, grounding.boxes
        region = region_of(target)
        values: dict[str, MetricValue] = {}
        if (HEATMAP in kinds and heatmap is None) or (BOX in kinds and not boxes):
            values |= self.absent(region, Status.EMPTY_PREDICTION)
        if HEATMAP in kinds and heatmap is not None:
            values |= self.score_heatmap(heatmap, region)
        if BOX in kinds and boxes:
            values |= self.score_boxes(boxes, region)
        return {metric.key: values[metric.key] for metric in metrics}

    def missing(self, target: Target, emits: Collection[str], status: Status) -> dict[str, MetricValue]:
        """What a sample counts as that has no grounding at all.

        Args:
            target: What `target` gave.
            emits: What the method promises to answer with.
            status: Why there is none, such as FAILED.

        Raises:
            ProtocolError: If the target's mask is of another size than its image.
        """
        values = self.absent(region_of(target), status)
        return {metric.key: values[metric.key] for metric in self.metrics_for(emits)}


def with_status(values: Mapping[str, float | None], status: Status) -> dict[str, MetricValue]:
    """Values that all have one status."""
    return {key: MetricValue(value, status) for key, value in values.items()}


def held(grounding: Grounding) -> frozenset[str]:
    """What a grounding holds of "heatmap" and "box"; both where it holds nothing."""
    kinds = {HEATMAP} if grounding.heatmap is not None else set[str]()
    if grounding.boxes:
        kinds.add(BOX)
    return frozenset(kinds or {HEATMAP, BOX})


def refuse_other_size(grounding: Grounding, target: Target) -> None:
    """Raise where a grounding is of another image than its ground truth.

    Raises:
        ProtocolError: If the heatmap's image has another size than the target's.
    """
    heatmap = grounding.heatmap
    if heatmap is not None and heatmap.image_size != tuple(target.image_size):
        raise ProtocolError(
            f"the heatmap is of a {_by(heatmap.image_size)} image and the ground truth of a"
            f" {_by(target.image_size)} one; a method must answer in the original image's pixels"
        )


def _by(size: Sequence[int]) -> str:
    return f"{size[0]}x{size[1]}"
