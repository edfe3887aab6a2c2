"""What a store knows of how its answers were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from ..grounding_notes import Way
from ..schema import GroundedWith
from .batch_file import Item
from .index import Index


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a method was on one device.

    Attributes:
        samples: How many were timed.
        seconds: What one took, in the mean; loading the method is not counted.
    """

    samples: int
    seconds: float


class GroundingNotes:
    """How long grounding took, and where and with what it was done; told by the files that hold the answers.

    Args:
        index: Of the method's folder.
    """

    def __init__(self, index: Index) -> None:
        self._index = index

    def seconds(self) -> dict[str, float]:
        """Seconds per sample by image key, of the answer about it that was written last."""
        latest: dict[str, tuple[float, float]] = {}
        for item in self._items():
            if item.origin.seconds is not None:
                noted = (item.origin.written, item.origin.seconds)
                latest[item.image] = max(noted, latest.get(item.image, noted))
        return {image: seconds for image, (_, seconds) in latest.items()}

    def paces(self) -> dict[str, Pace]:
        """How fast the method was, by the device that it was set up on; how fast it failed does not count."""
        seconds: dict[str, list[float]] = {}
        for item in self._items():
            if item.answered and item.origin.seconds is not None and item.origin.way is not None:
                seconds.setdefault(item.origin.way.device, []).append(item.origin.seconds)
        return {device: Pace(len(each), fmean(each)) for device, each in seconds.items()}

    def grounded_with(self, answers: Iterable[str]) -> list[GroundedWith]:
        """How answers were made, most first; those of which nothing is noted are in none of the ways.

        Args:
            answers: Keys, IMAGE-QUERY.
        """
        wanted = set(answers)
        ways: dict[str, Way] = {}
        peaks: dict[str, dict[str, float]] = {}
        counts: Counter[str] = Counter()
        for item in self._items():
            origin = item.origin
            if origin.way is None or origin.way_id is None:
                continue
            ways[origin.way_id] = origin.way
            peak = peaks.setdefault(origin.way_id, {})
            peak.update({place: max(mb, peak.get(place, 0.0)) for place, mb in origin.peak_memory_mb.items()})
            counts[origin.way_id] += f"{item.image}-{item.query}" in wanted
        return [
            GroundedWith(**ways[way].model_dump(), peak_memory_mb=peaks[way], n_samples=count)
            for way, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
            if count
        ]

    def _items(self) -> Iterable[Item]:
        self._index.refresh()
        return self._index.items()
