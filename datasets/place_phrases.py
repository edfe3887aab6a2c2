"""Phrases that name a place in the words of prompt tuning: "{location} {pathology}".

After Vilouras et al., MIDL 2026: `standard` of the place that a report's phrase names, `location` of where the true
boxes are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core import DatasetError, Sample
from ..core.anatomy import HEART, REGIONS, locations_of
from ..core.pathologies import common_name
from ..core.place_table import PlaceTable

STANDARD = "standard"
LOCATION = "location"

_CARDIOMEGALY = "cardiomegaly"


def standard_phrase(sample: Sample) -> str | None:
    """The locations that a sample's phrase names, and its pathology; None where it names none.

    That the heart is enlarged is a place of cardiomegaly alone.
    """
    named = locations_of(sample.phrase)
    if _is_cardiomegaly(sample):
        return _CARDIOMEGALY if _CARDIOMEGALY in named else _joined(named, sample)
    return _joined([location for location in named if location != _CARDIOMEGALY], sample)


def location_phrase(sample: Sample, table: PlaceTable) -> str:
    """The regions that are the closest to a sample's boxes, each once, and its pathology; that alone without a box."""
    found = {table.nearest(box, sample.image_size) for box in sample.boxes}
    if _is_cardiomegaly(sample):
        found.discard(HEART)
    return _joined([region for region in REGIONS if region in found], sample) or sample.pathology.lower()


def table_for(phrases: str | None, table: str | Path | None) -> PlaceTable | None:
    """The table that `phrases=location` needs; None for other phrases.

    Raises:
        DatasetError: If it is lacking, or given in vain.
        GroundCXRError: If it cannot be read.
    """
    if (phrases == LOCATION) == (table is not None):
        return None if table is None else PlaceTable.load(table)
    if table is not None:
        raise DatasetError(f"the option table={table} is of phrases={LOCATION} alone; leave it out, or add that")
    raise DatasetError(
        f"the option phrases={LOCATION} needs the table of places, the option table=FILE: `groundcxr anatomy "
        "--chest-imagenome ROOT --out FILE` makes one"
    )


def _is_cardiomegaly(sample: Sample) -> bool:
    return common_name(sample.pathology).lower() == _CARDIOMEGALY


def _joined(locations: Sequence[str], sample: Sample) -> str | None:
    """LOCATION and LOCATION, then the pathology; a word that ends the one and begins the other is said once."""
    if not locations:
        return None
    *before, last = " and ".join(locations).split()
    first, *rest = sample.pathology.lower().split()
    return " ".join([*before, last, *([] if first == last else [first]), *rest])
