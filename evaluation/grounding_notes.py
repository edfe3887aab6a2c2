"""What the store notes of grounding beside the predictions: how long it took, and where and with what it was done."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from pydantic import BaseModel, ConfigDict, ValidationError

from ..core.files import append, make_private, write_atomically
from ..core.fingerprint import digest
from ..core.json_text import parse_json
from ..core.regular import read_regular
from .schema import GitInfo, GroundedWith

_LINES = "seconds.jsonl"
_WAYS = "grounded"


class Way(BaseModel):
    """Where and with what predictions are made; kept under its own hash, without a name of a machine or a path.

    Attributes:
        device: What the method was set up on.
        batch_size: Images in a batch.
        packages: Versions of what can move a number.
        git: The checkout, where it was one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str
    batch_size: int
    packages: dict[str, str]
    git: GitInfo | None

    @property
    def id(self) -> str:
        """The name under which it is kept."""
        return digest("way", self.model_dump())[:16]


@dataclass(frozen=True)
class Made:
    """How the answers of a batch were made.

    Attributes:
        way: Where and with what.
        peak_memory_mb: The highest use of memory so far, by place.
        seconds: What one sample took.
    """

    way: Way
    peak_memory_mb: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a method was on one device.

    Attributes:
        samples: How many were timed.
        seconds: What one took, in the mean; loading the method is not counted.
    """

    samples: int
    seconds: float


@dataclass
class _Noted:
    seconds: dict[str, float] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)
    peaks: dict[str, dict[str, float]] = field(default_factory=dict)


class GroundingNotes:
    """Notes in a method's folder of predictions, apart from them: equal predictions are equal bytes however made.

    Args:
        folder: The method's folder.
        root: The store's, which is as private as its owner made it.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root

    def add(self, made: Made, images: Mapping[str, Collection[str]]) -> None:
        """Note how images were grounded; before their answers are stored, so that no kill leaves answers unexplained.

        Args:
            made: How.
            images: By image key, the keys of the answers that were made.

        Raises:
            StoreError: If the store cannot be written.
        """
        way = made.way
        file = self._way_file(way.id)
        if not file.is_file():
            make_private(file.parent, self._root)
            write_atomically(file, (way.model_dump_json(indent=2) + "\n").encode(), private=True)
        peak = dict(made.peak_memory_mb)
        # A line break first: a kill may have left the last line without one.
        append(
            self._folder / _LINES,
            "".join(
                "\n" + json.dumps([image, round(made.seconds, 6), way.id, peak, list(queries)])
                for image, queries in images.items()
            ),
        )

    def seconds(self) -> dict[str, float]:
        """Seconds per sample by image key, the latest noted."""
        return self._read().seconds

    def paces(self) -> dict[str, Pace]:
        """How fast the method was, by the device that it was set up on."""
        noted = self._read()
        devices = {way: about.device for way in set(noted.ways.values()) if (about := self._way(way)) is not None}
        seconds: dict[str, list[float]] = {}
        for answer, way in noted.ways.items():
            if way in devices:
                seconds.setdefault(devices[way], []).append(noted.seconds[answer.partition("-")[0]])
        return {device: Pace(len(each), fmean(each)) for device, each in seconds.items()}

    def grounded_with(self, answers: Iterable[str]) -> list[GroundedWith]:
        """How answers were made, most first; those of which nothing is noted are in none of the ways.

        Args:
            answers: Keys, IMAGE-QUERY.
        """
        noted = self._read()
        counts = Counter(way for answer in answers if (way := noted.ways.get(answer)) is not None)
        found: list[GroundedWith] = []
        for way, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            if (about := self._way(way)) is not None:
                peak = noted.peaks.get(way, {})
                found.append(GroundedWith(**about.model_dump(), peak_memory_mb=peak, n_samples=count))
        return found

    def _way(self, way: str) -> Way | None:
        """A way by its name; None where its file is gone or damaged."""
        try:
            return Way.model_validate_json(read_regular(self._way_file(way)))
        except (OSError, ValidationError):
            return None

    def _way_file(self, way: str) -> Path:
        return self._folder / _WAYS / f"{way}.json"

    def _read(self) -> _Noted:
        """All lines; one that was cut by a kill is passed over, and older ones have seconds only."""
        noted = _Noted()
        try:
            lines = read_regular(self._folder / _LINES).decode("ascii", errors="replace").splitlines()
        except OSError:
            return noted
        for line in lines:
            try:
                image, seconds, *more = parse_json(line)
                noted.seconds[str(image)] = float(seconds)
                if more:
                    way, peak, queries = more
                    noted.ways.update({f"{image}-{query}": str(way) for query in queries})
                    known = noted.peaks.setdefault(str(way), {})
                    known.update({place: max(float(mb), known.get(place, 0.0)) for place, mb in peak.items()})
            except (ValueError, TypeError, AttributeError):
                continue
        return noted
