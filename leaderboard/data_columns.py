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
    is averaged with what it overlaps, or with what measures something else. Data sets of one's own, whose name is that
    of their format, count each for itself.

    Args:
        runs: Runs under one protocol.
    """
    groups: dict[Setting, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.setting, []).append(run)
    found = [Column(tuple(group)) for group in groups.values()]
    first: dict[str, Column] = {}
    for column in sorted(found, key=_importance):
        first.setdefault(_kept_once(column), column)
    labels = dict(zip(found, _labels(found), strict=True))
    columns = []
    for column, label in labels.items():
        counted = first[_kept_once(column)]
        columns.append(Column(column.runs, label, _apart(column, counted, labels[counted])))
    return tuple(sorted(columns, key=lambda column: (not column.counted, column.apart, column.setting)))


def _kept_once(column: Column) -> str:
    own = column.runs[0].info.dataset.private_ids
    return f"{column.dataset} {column.fingerprint}" if own else column.dataset


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
