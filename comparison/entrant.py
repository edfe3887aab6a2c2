"""What can be compared: a run as the leaderboard finds it, or a result that a script holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Shape

import pandas as pd

from ..evaluation.result import Result
from ..evaluation.schema import MetricInfo, ResultFile
from .labels import told_apart


class Entrant(Shape):
    """One method on one data set under one protocol."""

    @property
    def info(self) -> ResultFile:
        """The content of its `result.json`."""
        ...

    @property
    def label(self) -> str:
        """The method's name, unique among those that it is compared with."""
        ...

    def metric(self, key: str) -> MetricInfo | None:
        """What a metric's key stands for; None where it does not have the metric."""
        ...

    def samples(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Its rows, one for each sample, which are read-only: these columns of them, or all."""
        ...


@dataclass(frozen=True, eq=False)
class ResultEntrant:
    """A result, as an `Entrant`.

    Attributes:
        result: The result.
        label: The method's name, unique among those that it is compared with.
    """

    result: Result
    label: str

    @property
    def info(self) -> ResultFile:
        """As `Entrant.info`."""
        return self.result.info

    def metric(self, key: str) -> MetricInfo | None:
        """As `Entrant.metric`."""
        return next((metric for metric in self.result.info.metrics if metric.key == key), None)

    def samples(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """As `Entrant.samples`."""
        return self.result.samples if columns is None else self.result.samples.loc[:, list(columns)]


def entrants_of(results: Sequence[Result]) -> list[ResultEntrant]:
    """Results under names that tell them apart."""
    infos = [result.info for result in results]
    labels = told_apart([info.method.shown for info in infos], infos, [result.fingerprint for result in results])
    return [ResultEntrant(result, label) for result, label in zip(results, labels, strict=True)]
