"""Runs as they lie on disk: what each is, what it shares with others, its rows and its stored predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ..comparison.setting import Setting
from ..core import DEFAULT_PROTOCOL
from ..core.fingerprint import digest
from ..evaluation.imported import ImportFile
from ..evaluation.pair import rows_file
from ..evaluation.prediction import Prediction
from ..evaluation.reproduction import ReproductionFile
from ..evaluation.schema import MetricInfo, ResultFile
from ..evaluation.stored_answers import KEY_COLUMNS, prediction_keys, predictions_folder, stored_prediction
from .rows import read_rows

Tier = Literal["measured here", "reproduced", "imported"]
MEASURED: Tier = "measured here"
REPRODUCED: Tier = "reproduced"
IMPORTED: Tier = "imported"


@dataclass(frozen=True, eq=False)
class Run:
    """One method on one data set under one protocol, as it lies on disk.

    Attributes:
        path: The run's folder.
        info: The content of its `result.json`.
        tier: Whether it was measured with this copy of the results, or imported, or, wherever it is from, made again
            with the same numbers.
        label: The method's name in tables, unique among the runs of its setting.
        store: The folder of predictions of all methods, where there is one.
        imported: Where an imported run is from; None for a measured one.
        reproduction: What came of making it again; None where nobody has.
    """

    path: Path
    info: ResultFile
    tier: Tier
    label: str
    store: Path | None
    imported: ImportFile | None = None
    reproduction: ReproductionFile | None = None

    def __eq__(self, other: object) -> bool:
        # A folder scanned again gives equal runs, so what was computed for them is found again.
        return isinstance(other, Run) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[object, ...]:
        return self.id, self.path, self.label, self.store, self.tier

    @cached_property
    def id(self) -> str:
        """Twelve digits that name the run in a URL; equal for equal copies of a run."""
        return _identity(self.info, MEASURED if self.imported is None else IMPORTED)

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
        return None if self.store is None else predictions_folder(self.info, self.store)

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """Where the predictions of the run's samples are, by sample id; empty where none is stored here."""
        return prediction_keys(self.info, self.predictions, lambda: self.samples(list(KEY_COLUMNS)))

    def prediction(self, sample_id: str) -> Prediction | None:
        """What the method answered.

        Args:
            sample_id: Of a row.

        Returns:
            The grounding, or the failure; None where it is not stored here.

        Raises:
            StoreError: If the stored file is damaged.
        """
        folder = self.predictions
        return None if folder is None else stored_prediction(folder, self.keys.get(sample_id, ""))


def settings_of(runs: Iterable[Run]) -> tuple[Setting, ...]:
    """Every setting of the runs: complete ones first, then by name, those under a condition behind the others.

    The default protocol comes before the others.
    """
    return tuple(sorted({run.setting for run in runs}, key=_order))


def _order(setting: Setting) -> tuple[Any, ...]:
    data = setting.dataset, setting.version, setting.split
    under = bool(setting.condition)
    return not setting.complete, under, *data, setting.protocol != DEFAULT_PROTOCOL, setting


def metrics_of(runs: Iterable[Run]) -> tuple[MetricInfo, ...]:
    """Every metric that any of the runs has, in the order of tables."""
    return tuple({metric.key: metric for run in runs for metric in run.info.metrics}.values())


def _identity(info: ResultFile, tier: Tier) -> str:
    parts = (info.samples_sha256, info.method.fingerprint, info.protocol.hash, tier)
    # Said only where somebody chose, so that other runs keep their ids. Rows may be the same under a condition.
    chosen = [one.model_dump() for one in (info.answers, info.condition) if one is not None]
    return digest(*parts, *chosen)[:12]
