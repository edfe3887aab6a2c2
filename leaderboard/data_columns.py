"""The columns of the table over all data sets, and which of them count for means and ranks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..comparison.setting import Setting
from ..datasets import DATASETS
from ..datasets.phrases import DEFAULT
from .data_names import titled
from .runs import Run

PHANTOM = "phantom"


@dataclass(frozen=True, eq=False)
class Column:
    """A data set, version and split with its options: the very same samples.

    Attributes:
        runs: Its runs, under one protocol.
        label: Its name, unique in the table.
        apart: Why it counts for no mean and no rank; "" where it does.
    """

    runs: tuple[Run, ...]
    label: str = ""
    apart: str = ""

    @property
    def counted(self) -> bool:
        """Whether means and ranks are taken over it."""
        return not self.apart

    @property
    def setting(self) -> Setting:
        """What its runs share."""
        return self.runs[0].setting

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.setting.dataset

    @property
    def version(self) -> str:
        """Its version."""
        return self.setting.version

    @property
    def split(self) -> str:
        """Its split."""
        return self.setting.split

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the samples."""
        return self.setting.fingerprint

    @property
    def task(self) -> str:
        """What is looked for: "findings" or "anatomy"."""
        return self.runs[0].info.dataset.task

    @cached_property
    def unusual(self) -> dict[str, Any]:
        """The options that are not at their defaults."""
        data = self.runs[0].info.dataset
        usual = _defaults(data.name)
        return {key: value for key, value in data.options.items() if str(value) != str(usual.get(key))}


def columns_of(runs: Sequence[Run]) -> tuple[Column, ...]:
    """A column for each setting, with those that count first.

    Of each data set one column counts: a complete one with the default options, of the default split, of the newest
    version, in this order of importance. The others stand apart, as do phantoms, anatomy and parts of splits: nothing
    is averaged with what it overlaps, or with what measures something else. Of data sets of one's own, whose name is
    that of their format, those are one that are of the same file or share images.

    Args:
        runs: Runs under one protocol.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    groups: dict[Setting, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.setting, []).append(run)
    found = [Column(tuple(group)) for group in groups.values()]
    first: dict[str, Column] = {}
    names = _data_sets(found)
    for column in sorted(found, key=_importance):
        first.setdefault(names[column], column)
    labels = dict(zip(found, _labels(found), strict=True))
    columns = []
    for column, label in labels.items():
        counted = first[names[column]]
        columns.append(Column(column.runs, label, _apart(column, counted, labels[counted])))
    return tuple(sorted(columns, key=lambda column: (not column.counted, column.apart, column.setting)))


def _data_sets(columns: Sequence[Column]) -> dict[Column, str]:
    """What tells the data set of each column from others."""
    names = {column: column.dataset for column in columns}
    # Of one's own, those met so far, and by what others are known to be the same.
    known: list[tuple[set[str], list[Column]]] = []
    for column in columns:
        if not column.runs[0].info.dataset.private_ids:
            continue
        marks = {column.version, *column.runs[0].samples(["image_key"])["image_key"]}
        members = [column]
        for same in [one for one in known if not marks.isdisjoint(one[0])]:
            known.remove(same)
            marks |= same[0]
            members += same[1]
        known.append((marks, members))
    for number, (_, members) in enumerate(known):
        names |= dict.fromkeys(members, f"{number} of one's own")
    return names


def _importance(column: Column) -> tuple[Any, ...]:
    newest = [-int(part) if part.isdigit() else 0 for part in column.version.replace("-", ".").split(".")]
    split = DATASETS.get(column.dataset).default_split if DATASETS.is_builtin(column.dataset) else column.split
    return (
        not column.setting.complete,
        bool(column.setting.condition),
        len(column.unusual),
        column.split != split,
        newest,
        -len(column.runs),
        [-ord(letter) for letter in max(run.info.run.created for run in column.runs)],
        column.setting,
    )


def _apart(column: Column, counted: Column, name: str) -> str:
    if not column.setting.complete:
        return "incomplete"
    if column.setting.condition:
        return "under a condition"
    if column.dataset == PHANTOM:
        return "drawn, not clinical"
    if column.task == "anatomy":
        return "anatomy"
    if column is counted:
        return ""
    if (column.version, column.split) == (counted.version, counted.split):
        return f"other {'options' if column.unusual != counted.unusual else 'samples'} than {name}"
    return f"another {'split' if column.split != counted.split else 'version'} than {name}"


def _labels(columns: Sequence[Column]) -> list[str]:
    labels = [_label(column) for column in columns]
    # Data sets of one name may differ in their samples alone, which the fingerprint tells.
    return [
        f"{label} {column.fingerprint[:8]}" if labels.count(label) > 1 else label
        for label, column in zip(labels, columns, strict=True)
    ]


def _label(column: Column) -> str:
    setting = column.setting
    options = "".join(f", {key}={value}" for key, value in column.unusual.items() if value not in (None, ""))
    part = (
        "" if setting.complete else f", {setting.n_samples:,} {'sample' if setting.n_samples == 1 else 'samples'} only"
    )
    under = f", {setting.condition}" if setting.condition else ""
    return f"{titled(column.runs[0].info.dataset)} ({setting.split}){options}{under}{part}"


def _defaults(name: str) -> Mapping[str, Any]:
    """The options of a data set of this package with their defaults; what others call theirs is not known."""
    if not DATASETS.is_builtin(name):
        return {}
    parameters = inspect.signature(DATASETS.get(name).load).parameters
    usual = {key: parameter.default for key, parameter in parameters.items() if key not in ("root", "split")}
    return usual | {key: DEFAULT for key, value in usual.items() if key == "phrases" and value is None}
