"""The results in some folders: which runs are there, what they share, and what is there but cannot be used."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import pandas as pd

from ..core import GroundCXRError, StoreError
from ..core.fingerprint import SHORT, digest
from ..core.paths import user_path
from ..core.regular import check_regular, read_regular
from ..evaluation.columns import PREDICTION_KEY
from ..evaluation.imported import IMPORT_FILE, ImportFile, read_import
from ..evaluation.pair import RESULT_FILE, SAMPLES_FILE, rows_file
from ..evaluation.prediction import Prediction, decode
from ..evaluation.result import Result, load_result
from ..evaluation.schema import MetricInfo, ResultFile
from ..evaluation.store import METHOD_FILE, method_folder, sample_keys
from .foreign_text import one_line
from .labels import marks
from .rows import read_rows

Tier = Literal["measured here", "imported"]
MEASURED: Tier = "measured here"
IMPORTED: Tier = "imported"

_PREDICTION_KEY = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")
_STORE = "store"
_DEEPEST = 5
"""Folders below a results folder: imported/DATASET/PROTOCOL/METHOD, and one to spare."""


@dataclass(frozen=True, order=True)
class Setting:
    """What runs must share before their numbers may stand in one table.

    Attributes:
        dataset: Name of the data set.
        version: Its version.
        split: Its split.
        protocol: Name of the protocol.
        protocol_version: Its version.
        protocol_hash: SHA-256 of its definition.
        fingerprint: SHA-256 of the samples; a limited or filtered run has another than a whole one.
        n_samples: How many samples there are.
        complete: Whether they are the whole split; where not, nothing is ranked.
    """

    dataset: str
    version: str
    split: str
    protocol: str
    protocol_version: str
    protocol_hash: str
    fingerprint: str
    n_samples: int
    complete: bool

    @classmethod
    def of(cls, info: ResultFile) -> Setting:
        """The setting of a result."""
        data, protocol = info.dataset, info.protocol
        return cls(
            data.name,
            data.version,
            data.split,
            protocol.name,
            protocol.version,
            protocol.hash,
            data.fingerprint,
            data.n_samples,
            info.complete,
        )

    @property
    def id(self) -> str:
        """Eight digits that name the setting in a URL."""
        return digest(self.fingerprint, self.protocol_hash, self.complete)[:SHORT]

    @property
    def title(self) -> str:
        """As a headline: "phantom 1.0 (test), protocol v1"."""
        rest = "" if self.complete else f", incomplete: {self.n_samples} samples"
        return f"{self.dataset} {self.version} ({self.split}), protocol {self.protocol}{rest}"


@dataclass(frozen=True, eq=False)
class Run:
    """One method on one data set under one protocol, as it lies on disk.

    Attributes:
        path: The run's folder.
        info: The content of its `result.json`.
        tier: Whether it was measured with this copy of the results, or imported.
        label: The method's name in tables, unique among the runs of its setting.
        store: The folder of predictions of all methods, where there is one.
        imported: Where an imported run is from; None for a measured one.
    """

    path: Path
    info: ResultFile
    tier: Tier
    label: str
    store: Path | None
    imported: ImportFile | None = None

    def __eq__(self, other: object) -> bool:
        # A folder scanned again gives equal runs, so what was computed for them is found again.
        return isinstance(other, Run) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[object, ...]:
        return self.id, self.path, self.label, self.store

    @cached_property
    def id(self) -> str:
        """Twelve digits that name the run in a URL; equal for equal copies of a run."""
        return _identity(self.info, self.tier)

    @cached_property
    def setting(self) -> Setting:
        """What it shares with the runs that it may be compared with."""
        return Setting.of(self.info)

    def metric(self, key: str) -> MetricInfo | None:
        """What a metric's key stands for; None where the run does not have the metric."""
        return next((metric for metric in self.info.metrics if metric.key == key), None)

    def samples(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The run's rows, one per sample; kept in memory, so treat them as read-only.

        Args:
            columns: Only these columns of `samples.parquet`; all by default.

        Raises:
            StoreError: If the file is gone or has changed since the library was scanned.
        """
        wanted = None if columns is None else tuple(columns)
        sha256, data = self.info.samples_sha256, self.info.dataset
        return read_rows(rows_file(self.path, sha256), sha256, data.n_samples - data.n_skipped, wanted)

    @property
    def predictions(self) -> Path | None:
        """The folder of this method's stored predictions; None where there is none."""
        if self.store is None:
            return None
        folder = method_folder(self.store, self.info.method.name, self.info.method.fingerprint)
        # A store is its owner's alone: whoever may read nothing but the results sees them without pictures.
        return folder if os.path.isdir(folder) else None  # noqa: PTH112  (unlike Path's it bears a closed folder)

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """Where the predictions of the run's samples are, by sample id; empty where none is stored here."""
        if self.info.schema_version == 1:
            rows = self.samples(["sample_id", PREDICTION_KEY]).dropna(subset=[PREDICTION_KEY])
            return dict(zip(rows["sample_id"].astype(str), rows[PREDICTION_KEY].astype(str), strict=True))
        folder = self.predictions
        return {} if folder is None else sample_keys(folder, self.info.dataset.fingerprint)

    def prediction(self, sample_id: str) -> Prediction | None:
        """What the method answered.

        Args:
            sample_id: Of a row.

        Returns:
            The grounding, or the failure; None where it is not stored here.

        Raises:
            StoreError: If the stored file is damaged.
        """
        parts = _PREDICTION_KEY.fullmatch(self.keys.get(sample_id, ""))
        folder = self.predictions
        # The key is from a file that may be somebody else's: nothing but hexadecimal digits becomes a path.
        if parts is None or folder is None:
            return None
        file = folder / parts[1][:2] / f"{parts[1]}.npz"
        try:
            return decode(read_regular(file)).get(parts[2])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"the predictions in {file} cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise StoreError(f"the predictions in {file} are damaged: {error}; run evaluate again") from error


@dataclass(frozen=True)
class Library:
    """Everything usable in some result folders.

    Attributes:
        runs: The runs, sorted by setting and label.
        problems: One sentence for each file that is there and was skipped, and why.
    """

    runs: tuple[Run, ...]
    problems: tuple[str, ...]

    @classmethod
    def scan(cls, results: Sequence[Path], store: Path | None = None) -> Library:
        """Find and check every result below some folders.

        A file that was checked before and has not changed since is not read again.

        Args:
            results: Result folders (OUT of `evaluate`), folders of single runs, or `result.json` files.
            store: The folder of the predictions; FOLDER/store of each result folder by default.
        """
        found: dict[str, Run] = {}
        problems: list[str] = []
        for root in map(user_path, results):
            for entry in _walk(root):
                if isinstance(entry, str):
                    problems.append(entry)
                    continue
                run = _open(entry, store or _own_store(root))
                if isinstance(run, str):
                    problems.append(run)
                else:
                    # Copies of one run in two folders are one run: the first, or the first that has pictures.
                    known = found.setdefault(run.id, run)
                    if known.predictions is None and run.predictions is not None:
                        found[run.id] = run
        return cls(tuple(_labelled(found.values())), tuple(dict.fromkeys(problems)))

    def settings(self) -> tuple[Setting, ...]:
        """What there are tables for: complete ones first, then by name."""
        return settings_of(self.runs)

    def of(self, setting: Setting) -> tuple[Run, ...]:
        """The runs that may stand in one table."""
        return tuple(run for run in self.runs if run.setting == setting)

    def run(self, run_id: str) -> Run | None:
        """The run of an id."""
        return next((run for run in self.runs if run.id == run_id), None)


def settings_of(runs: Iterable[Run]) -> tuple[Setting, ...]:
    """Every setting of the runs: complete ones first, then by name."""
    return tuple(sorted({run.setting for run in runs}, key=lambda setting: (not setting.complete, setting)))


def metrics_of(runs: Iterable[Run]) -> tuple[MetricInfo, ...]:
    """Every metric that any of the runs has, in the order of tables."""
    return tuple({metric.key: metric for run in runs for metric in run.info.metrics}.values())


def _identity(info: ResultFile, tier: Tier) -> str:
    parts = (info.samples_sha256, info.method.fingerprint, info.protocol.hash, tier)
    return (digest(*parts) if info.answers is None else digest(*parts, info.answers.model_dump()))[:12]


def _own_store(root: Path) -> Path | None:
    store = root / _STORE
    return store if os.path.isdir(store) else None  # noqa: PTH112  (as above)


def _walk(root: Path) -> Iterator[Path | str]:
    """Folders of runs below a root, in a fixed order, and a sentence for each thing that looks like one and is none."""
    # Unlike those of Path, these bear a folder above that may not be read.
    if root.name == RESULT_FILE and os.path.isfile(root):  # noqa: PTH113
        yield root.parent
        return
    if not os.path.isdir(root):  # noqa: PTH112
        yield f"{root} is no folder of results; give the folder that evaluate wrote with --out"
        return
    start = len(root.parts)
    unread: list[OSError] = []
    for place, folders, files in os.walk(root, onerror=unread.append):
        here = Path(place)
        # A prediction store has a file for every image and no result below it.
        inside = METHOD_FILE not in files and RESULT_FILE not in files and len(here.parts) - start < _DEEPEST
        # Whatever has the name of a result is looked at, so that a folder or a pipe of that name is told.
        if RESULT_FILE in files or RESULT_FILE in folders:
            yield here
        elif SAMPLES_FILE in files:
            yield f"{here} has {SAMPLES_FILE} but no {RESULT_FILE}: half-written, or still being written; run it again"
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if inside else []
    for error in unread:
        if error.filename != str(root / _STORE):
            yield f"{error.filename} cannot be read: {error.strerror}"


def _open(folder: Path, store: Path | None) -> Run | str:
    """A run, or why it cannot be used."""
    try:
        stamps = tuple(_stamp(folder / name) for name in (RESULT_FILE, SAMPLES_FILE, IMPORT_FILE))
        checked = _checked(folder, stamps)
    except OSError as error:
        return f"{error.filename or folder} cannot be read: {error.strerror or error}"
    if isinstance(checked, str):
        return checked
    info, imported = checked
    return Run(folder, info, IMPORTED if imported else MEASURED, one_line(info.method.label), store, imported)


def _stamp(file: Path) -> tuple[int, int] | None:
    if file.is_symlink():
        raise OSError(errno.ELOOP, "it is a link, which is not followed", str(file))
    try:
        check_regular(file)
        state = file.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=4096)
def _checked(folder: Path, stamps: tuple[object, ...]) -> tuple[ResultFile, ImportFile | None] | str:
    """The result of a folder whose files have these times and sizes; the stamps are what makes a change seen."""
    try:
        result: Result = load_result(folder)
        return result.info, read_import(folder)
    except GroundCXRError as error:
        return str(error)


def _labelled(runs: Iterable[Run]) -> list[Run]:
    """Runs whose labels are unique in their setting: where some share a name, what differs stands behind it."""
    named: dict[tuple[Setting, str], list[Run]] = {}
    for run in runs:
        named.setdefault((run.setting, run.label), []).append(run)
    labelled = [
        Run(run.path, run.info, run.tier, one_line(run.label + mark), run.store, run.imported)
        for alike in named.values()
        for run, mark in zip(alike, marks([run.info for run in alike], [run.id for run in alike]), strict=True)
    ]
    return sorted(labelled, key=lambda run: (run.setting, run.label, run.id))
