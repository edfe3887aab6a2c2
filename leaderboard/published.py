"""Published rows from the literature: shown beside measured ones, never ranked with them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import pandas as pd

AVERAGE = "average"

_TITLES = {
    "mscxr-loc-1043-std-prompt": "Maps, whole set of 1,043 pairs, standardised prompts",
    "vindr-443-std-prompt": "Maps, test set of 443 pairs, standardised prompts",
    "microsoft-original": "Maps, whole set, the original sentences, the authors' own code",
    "medrpg-split-box": "Boxes, MedRPG's test split",
    "medrpg-split-box (likely; not checked)": "Boxes, a split that is not stated",
    "report-grounding": "Boxes, from a whole report",
    "anatomix-page": "Boxes, as on AnatomiX's project page",
    "third-party-anatomy": "Boxes of anatomical regions, measured by a third party",
}
_UNITS = {"_percent": " (%)", "_unconditional": " (all queries)", "_conditional": " (where a box was returned)"}


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """A number as printed.

    Attributes:
        value: In the unit of the paper: a name that ends in "(%)" is in per cent.
        low: Lower end of a printed 95 % interval.
        high: Upper end.
        plus_minus: A printed spread, whose meaning is the paper's.
        n: Samples of the class, where printed.
    """

    value: float
    low: float | None = None
    high: float | None = None
    plus_minus: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class PublishedRow:
    """One method in one paper's table.

    Attributes:
        method: As printed.
        paper: Authors, title, venue.
        year: Of publication.
        dataset: As printed.
        dataset_version: What is known of the version.
        split: What was evaluated.
        n: Number of samples, where stated.
        notes: How it was measured.
        values: By column ("average" or a pathology) and metric (as printed).
        source: Where the numbers were read.
        evidence: A: the paper, an official repository's image, or a model card; B: an abstract or an official page;
            C: a third party.
        caveat: Why to doubt it or what not to conclude; None where nothing is known.
        bibtex: BibTeX entry.
    """

    method: str
    paper: str
    year: int | None
    dataset: str
    dataset_version: str | None
    split: str
    n: int | None
    notes: str
    values: Mapping[str, Mapping[str, PublishedValue]]
    source: str
    evidence: str
    caveat: str | None
    bibtex: str

    @property
    def links(self) -> dict[str, str]:
        """Addresses by what is there: "paper" (its DOI, else arXiv) and "source", where the numbers were read."""
        found: dict[str, str] = {}
        if doi := re.search(r"doi=\{([^}]+)\}", self.bibtex):
            found["paper"] = f"https://doi.org/{doi[1]}"
        elif arxiv := re.search(r"arXiv[ :](\d{4}\.\d{4,5})", f"{self.bibtex} {self.source} {self.paper}"):
            found["paper"] = f"https://arxiv.org/abs/{arxiv[1]}"
        if page := re.match(r"https://\S+", self.source):
            found["source"] = page[0]
        elif repository := re.search(r"github ([\w.-]+/[\w.-]+)", self.source):
            found["source"] = f"https://github.com/{repository[1]}"
        return found


@dataclass(frozen=True)
class PublishedGroup:
    """Rows of one protocol group on one data set, the only ones that may be read against one another.

    Attributes:
        name: The protocol group.
        dataset: The data set, as printed.
        rows: In the order of the papers.
    """

    name: str
    dataset: str
    rows: tuple[PublishedRow, ...]

    @property
    def title(self) -> str:
        """What is measured, and on which samples, in words."""
        return _TITLES[self.name]

    @property
    def columns(self) -> tuple[str, ...]:
        """The average, then every pathology that any row has."""
        return tuple(dict.fromkeys([AVERAGE, *(column for row in self.rows for column in row.values)]))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that any row has, as printed."""
        return tuple(dict.fromkeys(name for row in self.rows for cells in row.values.values() for name in cells))

    def frame(self) -> pd.DataFrame:
        """One row for each method, column and metric.

        Returns:
            Columns `method`, `paper`, `year`, `split`, `column`, `metric`, `value`, `low`, `high`, `plus_minus`, `n`
            (of the class, else of the row), `source`, `evidence`, `caveat`.
        """
        return pd.DataFrame(
            [
                {
                    "method": row.method,
                    "paper": row.paper,
                    "year": row.year,
                    "split": row.split,
                    "column": column,
                    "metric": metric,
                    "value": value.value,
                    "low": value.low,
                    "high": value.high,
                    "plus_minus": value.plus_minus,
                    "n": row.n if value.n is None else value.n,
                    "source": row.source,
                    "evidence": row.evidence,
                    "caveat": row.caveat,
                }
                for row in self.rows
                for column, cells in row.values.items()
                for metric, value in cells.items()
            ]
        )


def published_groups(dataset: str | None = None) -> tuple[PublishedGroup, ...]:
    """Published rows by protocol group and data set.

    Args:
        dataset: Only groups of this data set ("ms-cxr" finds "MS-CXR"); all by default.
    """
    groups = _groups()
    return groups if dataset is None else tuple(group for group in groups if group.dataset.lower() == dataset.lower())


def published_by_dataset() -> dict[str, list[PublishedGroup]]:
    """The groups of each data set, by its name as printed, in the order of the papers."""
    found: dict[str, list[PublishedGroup]] = {}
    for group in published_groups():
        found.setdefault(group.dataset, []).append(group)
    return found


@lru_cache(maxsize=1)
def _groups() -> tuple[PublishedGroup, ...]:
    content = files(__package__ or "").joinpath("published.json").read_text(encoding="utf-8")
    found: dict[tuple[str, str], list[PublishedRow]] = {}
    for record in json.loads(content):
        found.setdefault((record["protocol_group"], record["dataset"]), []).append(_row(record))
    return tuple(PublishedGroup(name, dataset, tuple(rows)) for (name, dataset), rows in found.items())


def _row(record: Mapping[str, Any]) -> PublishedRow:
    columns = {AVERAGE: record["average"], **record["per_class"]}
    return PublishedRow(
        method=record["method"],
        paper=record["paper"],
        year=record["year"],
        dataset=record["dataset"],
        dataset_version=record["dataset_version"],
        split=record["split"],
        n=record["n"],
        notes=record["protocol_notes"],
        values={column: _values(printed) for column, printed in columns.items()},
        source=record["source_url_or_repo_path"],
        evidence=record["evidence_level"],
        caveat=record["caveat"],
        bibtex=record["bibtex"],
    )


def _values(printed: Mapping[str, Any]) -> dict[str, PublishedValue]:
    """Each number with its interval or spread, which stand beside it under a longer key."""
    values: dict[str, PublishedValue] = {}
    for key, value in printed.items():
        if key in ("n", "starred") or key.endswith(("_95CI", "_pm")) or value is None:
            continue
        low, high = printed.get(f"{key}_95CI") or (None, None)
        values[_name(key)] = PublishedValue(value, low, high, printed.get(f"{key}_pm"), printed.get("n"))
    return values


def _name(key: str) -> str:
    for ending, unit in _UNITS.items():
        if key.endswith(ending):
            return key.removesuffix(ending).replace("_", " ") + unit
    return key.replace("_", " ")
