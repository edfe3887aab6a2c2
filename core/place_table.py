"""The table of where the regions of the chest usually are: its making, and its file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np

from .anatomy import REGIONS, Gaussian, regions_of
from .box import Box, ImageSize
from .errors import GroundCXRError
from .fingerprint import digest
from .json_text import parse_json

PHANTOM = "phantom"
"""What the table that comes with the package is called where a file may be named."""

_SHIPPED = Path(__file__).with_name("phantom_places.json")
_FORMAT, _VERSION = "groundcxr places", 1


@dataclass(frozen=True)
class PlaceTable:
    """The Gaussians of all regions.

    Attributes:
        gaussians: By region; all of `REGIONS`.
        source: What they were made of, as results and captions say it.
        images: How many images that was.
    """

    gaussians: Mapping[str, Gaussian]
    source: str
    images: int

    @classmethod
    def of_boxes(cls, boxes: Iterable[tuple[str, Box, ImageSize]], source: str, images: int) -> Self:
        """The mean Gaussians of regions' boxes.

        Args:
            boxes: (region, box in pixels, the image's size) of each box.
            source: What they are of.
            images: How many images have one.

        Raises:
            GroundCXRError: If a region has no box.
        """
        found: dict[str, list[tuple[float, ...]]] = {region: [] for region in REGIONS}
        for region, box, size in boxes:
            found[region].append(Gaussian.of_box(box, size).as_tuple())
        lacking = [region for region, ones in found.items() if not ones]
        if lacking:
            raise GroundCXRError(f"{source} has no box of {', '.join(lacking)}; a table of places needs all 13 regions")
        return cls(
            {region: Gaussian(*np.mean(ones, axis=0).round(6).tolist()) for region, ones in found.items()},
            source,
            images,
        )

    @classmethod
    def load(cls, place: str | Path) -> Self:
        """The table in a file, or the shipped one of the phantom.

        Args:
            place: The file, or "phantom".

        Raises:
            GroundCXRError: If it is missing, no such table, of another version, or changed since it was written.
        """
        path = _SHIPPED if str(place) == PHANTOM else Path(place).expanduser()
        step = "`groundcxr anatomy --chest-imagenome ROOT --out anatomy.json` makes one"
        try:
            content = parse_json(path.read_bytes())
        except OSError as error:
            raise GroundCXRError(f"the table of places {place} cannot be read ({error.strerror}); {step}") from error
        except ValueError as error:
            raise GroundCXRError(f"{place} is no table of places: {error}; {step}") from error
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise GroundCXRError(f"{place} is no table of places; {step}")
        if content.get("version") != _VERSION:
            raise GroundCXRError(
                f"the table of places {place} is of version {content.get('version')}, and this program reads version "
                f"{_VERSION}; {step}"
            )
        try:
            table = cls(
                {region: _read(content["places"][region]) for region in REGIONS},
                str(content["source"]),
                int(content["images"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise GroundCXRError(f"the table of places {place} is damaged ({error!r}); {step}") from error
        if content.get("digest") != table.digest:
            raise GroundCXRError(f"the table of places {place} is not as it was written: its digest differs; {step}")
        return table

    def to_json(self) -> str:
        """What `load` reads."""
        return json.dumps({**self._content(), "digest": self.digest}, indent=1) + "\n"

    @property
    def digest(self) -> str:
        """SHA-256 over all that the table says."""
        return digest(self._content())

    def of_phrase(self, phrase: str) -> tuple[Gaussian, ...]:
        """The Gaussians of the regions that a phrase names; none for a phrase without a place."""
        return tuple(self.gaussians[region] for region in regions_of(phrase))

    def nearest(self, box: Box, image_size: ImageSize) -> str:
        """The region whose Gaussian is the closest to a box's, by squared differences of means and deviations."""
        own = Gaussian.of_box(box, image_size)
        return min(REGIONS, key=lambda region: own.far_from(self.gaussians[region]))

    def _content(self) -> dict[str, object]:
        numbers = {region: asdict(self.gaussians[region]) for region in REGIONS}
        places = {region: {name: float(value) for name, value in one.items()} for region, one in numbers.items()}
        return {
            "format": _FORMAT,
            "version": _VERSION,
            "source": self.source,
            "images": self.images,
            "places": places,
        }


def _read(values: Mapping[str, object]) -> Gaussian:
    numbers = [float(str(values[name])) for name in ("x", "y", "sigma_x", "sigma_y")]
    if not np.isfinite(numbers).all() or min(numbers[2:]) <= 0:
        raise ValueError(f"{numbers} is no Gaussian")
    return Gaussian(*numbers)
