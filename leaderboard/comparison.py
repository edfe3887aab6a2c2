"""Two methods on the samples that both have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from ..core import GroundCXRError
from ..metrics.statistics import Cell, summarise
from .pairing import paired_values
from .runs import Run
from .significance import MACRO, MICRO, holm, paired_p_values


@dataclass(frozen=True, eq=False)
class HeadToHead:
    """What two methods' values differ by; a difference is the first's value minus the second's.

    Attributes:
        table: One row for each pathology, then "macro" and "micro": `column`, `first`, `second` (means over the shared
            samples), `difference`, `low`, `high` (95 %, bootstrap over patients), `p` (sign flips over patients),
            `p_corrected` (Holm over the pathologies; of macro and micro, which are one question each, `p` itself),
            `wins`, `ties`, `losses` of the first (whichever direction is better), `n`.
        samples: One row for each shared sample: `sample_id`, `pathology`, `first`, `second`, `difference`.

    Both are kept in memory, so treat them as read-only.
    """

    table: pd.DataFrame
    samples: pd.DataFrame


def head_to_head(first: Run, second: Run, metric: str) -> HeadToHead:
    """Compare two runs of one setting.

    Args:
        first: A run.
        second: Another.
        metric: The metric's key; both must have it.

    Raises:
        GroundCXRError: If the runs cannot be compared.
        StoreError: If the rows of a run cannot be read any more.
    """
    if first.metric(metric) is None or second.metric(metric) is None:
        raise GroundCXRError(f"{first.label} and {second.label} do not both have the metric {metric!r}")
    if first.setting != second.setting:
        raise GroundCXRError(f"{first.setting.title} and {second.setting.title} cannot be compared")
    return _compare(first, second, metric)


# Pages ask for the same two again whenever something else on them changes.
@lru_cache(maxsize=32)
def _compare(first: Run, second: Run, metric: str) -> HeadToHead:
    info = next(one for one in first.info.metrics if one.key == metric)
    paired = paired_values([first, second], metric)
    both = np.flatnonzero(~np.isnan(paired.values).any(axis=1))
    values, pathology, patient = paired.values[both], paired.pathology[both], paired.patient[both]
    difference = values[:, 0] - values[:, 1]
    present = set(pathology.tolist())
    names = [name for name in first.info.pathologies if name in present]
    columns = [*names, MACRO, MICRO]
    summary = summarise(np.column_stack([values, difference]), pathology.tolist(), patient.tolist(), pathologies=names)
    cells = {**summary.pathologies, MACRO: summary.macro, MICRO: summary.micro}
    p_values = paired_p_values(difference[:, None], pathology, patient, columns=columns)
    p = {column: float(p_values[column][0]) for column in columns}
    corrected = {**p, **dict(zip(names, holm([p[name] for name in names]).tolist(), strict=True))}
    better = difference if info.higher_is_better else -difference
    rows = [
        {
            "column": column,
            **_row(cells[column]),
            "p": p[column],
            "p_corrected": corrected[column],
            **_record(better if column in (MACRO, MICRO) else better[pathology == column]),
        }
        for column in columns
    ]
    samples = pd.DataFrame(
        {
            "sample_id": paired.rows["sample_id"].to_numpy()[both],
            "pathology": pathology,
            "first": values[:, 0],
            "second": values[:, 1],
            "difference": difference,
        }
    )
    return HeadToHead(pd.DataFrame(rows), samples)


def _row(cells: list[Cell]) -> dict[str, float | int | None]:
    first, second, difference = cells
    return {
        "first": first.value,
        "second": second.value,
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
        "n": difference.n,
    }


def _record(better: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> dict[str, int]:
    wins, losses = int((better > 0).sum()), int((better < 0).sum())
    return {"wins": wins, "ties": len(better) - wins - losses, "losses": losses}
