"""Runs as they lie on disk: what each is, what it shares with others, its rows and its stored predictions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ..core import DEFAULT_PROTOCOL
from ..core.fingerprint import SHORT, digest
from ..evaluation.columns import PREDICTION_KEY
from ..evaluation.imported import ImportFile
from ..evaluation.pair import rows_file
from ..evaluation.prediction import Prediction
from ..evaluation.schema import MetricInfo, ResultFile
from ..evaluation.store import StoredPredictions, method_folder, sample_keys
from .rows import read_rows

ProtocolKey = tuple[str, str, str]
"""Name, version and hash of a protocol."""

Tier = Literal["measured here", "imported"]
MEASURED: Tier = "measured here"
IMPORTED: Tier = "imported"

_PREDICTION_KEY = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")


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
    def protocol_key(self) -> ProtocolKey:
        """What is equal under one protocol, whatever the data."""
        return self.protocol, self.protocol_version, self.protocol_hash

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
        # The key is from a file that may be somebody else's: nothing but hexadecimal digits is looked for.
        if parts is None or folder is None:
            return None
        return _stored(folder).answer(parts[1], parts[2])


@lru_cache(maxsize=64)
def _stored(folder: Path) -> StoredPredictions:
    """A folder's predictions, whose directories are read once."""
    return StoredPredictions(folder)


def settings_of(runs: Iterable[Run]) -> tuple[Setting, ...]:
    """Every setting of the runs: complete ones first, then by name, the default protocol before the others."""
    return tuple(sorted({run.setting for run in runs}, key=_order))


def _order(setting: Setting) -> tuple[Any, ...]:
    data = setting.dataset, setting.version, setting.split
    return not setting.complete, *data, setting.protocol != DEFAULT_PROTOCOL, setting


def metrics_of(runs: Iterable[Run]) -> tuple[MetricInfo, ...]:
    """Every metric that any of the runs has, in the order of tables."""
    return tuple({metric.key: metric for run in runs for metric in run.info.metrics}.values())


def _identity(info: ResultFile, tier: Tier) -> str:
    parts = (info.samples_sha256, info.method.fingerprint, info.protocol.hash, tier)
    return (digest(*parts) if info.answers is None else digest(*parts, info.answers.model_dump()))[:12]
