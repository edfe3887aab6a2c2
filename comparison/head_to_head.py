"""Two methods on the samples that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core import GroundCXRError
from ..evaluation.schema import MetricInfo
from ..metrics.statistics import summarise
from .entrant import Entrant
from .paired_bootstrap import PairedCell, SharedDraws
from .pairing import Paired, paired_parts, paired_values
from .setting import Setting
from .significance import MACRO, MICRO, holm, paired_p_values


@dataclass(frozen=True, eq=False)
class HeadToHead:
    """What two methods' values differ by; a difference is the first's value minus the second's.

    Attributes:
        table: One row for each pathology, then "macro" and "micro": `column`, `first`, `second` (the cells over the
            shared samples), `difference`, `low`, `high` (95 %, bootstrap over patients), `p` (over patients: sign
            flips where cells are means, the paired bootstrap where they are not), `p_corrected` (Holm over the
            pathologies; of macro and micro, which are one question each, `p` itself), `wins`, `ties`, `losses` of the
            first (whichever direction is better) over samples by their own values, `n`.
        samples: One row for each sample of which both have a value: `sample_id`, `pathology`, `first`, `second`,
            `difference`.

    Both are kept in memory, so treat them as read-only.
    """

    table: pd.DataFrame
    samples: pd.DataFrame


def head_to_head(first: Entrant, second: Entrant, metric: str) -> HeadToHead:
    """Compare two results of one setting.

    Args:
        first: A result.
        second: Another.
        metric: The metric's key; both must have it.

    Raises:
        GroundCXRError: If the results cannot be compared.
        StoreError: If the rows of a run cannot be read any more.
    """
    info = first.metric(metric)
    if info is None or second.metric(metric) is None:
        raise GroundCXRError(f"{first.label} and {second.label} do not both have the metric {metric!r}")
    mine, theirs = Setting.of(first.info), Setting.of(second.info)
    if mine != theirs:
        raise GroundCXRError(f"{mine.title} and {theirs.title} cannot be compared")
    return difference_of(first, second, info)


def difference_of(first: Entrant, second: Entrant, info: MetricInfo) -> HeadToHead:
    """Compare two results of the same samples, which may have been altered for one of them.

    Args:
        first: A result.
        second: Another.
        info: The metric; both must have it.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    metric = info.key
    paired = paired_values([first, second], metric)
    if info.reducer is None:
        cells = _cells_of_means(paired, list(first.info.pathologies))
    else:
        cells = _cells_of_parts(paired, [first, second], info)
    both = np.flatnonzero(~np.isnan(paired.values).any(axis=1))
    values, pathology = paired.values[both], paired.pathology[both]
    difference = values[:, 0] - values[:, 1]
    names = [column for column in cells if column not in (MACRO, MICRO)]
    corrected = dict(zip(names, holm([cells[name].p for name in names]).tolist(), strict=True))
    better = difference if info.higher_is_better else -difference
    rows = [
        {
            "column": column,
            "first": cell.first,
            "second": cell.second,
            "difference": cell.difference,
            "low": cell.low,
            "high": cell.high,
            "n": cell.n,
            "p": cell.p,
            "p_corrected": corrected.get(column, cell.p),
            **_record(better if column in (MACRO, MICRO) else better[pathology == column]),
        }
        for column, cell in cells.items()
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


def _cells_of_means(paired: Paired, pathologies: list[str]) -> dict[str, PairedCell]:
    both = np.flatnonzero(~np.isnan(paired.values).any(axis=1))
    values, pathology, patient = paired.values[both], paired.pathology[both], paired.patient[both]
    difference = values[:, 0] - values[:, 1]
    present = set(pathology.tolist())
    names = [name for name in pathologies if name in present]
    summary = summarise(np.column_stack([values, difference]), pathology.tolist(), patient.tolist(), pathologies=names)
    p = paired_p_values(difference[:, None], pathology, patient, columns=[*names, MACRO, MICRO])
    found = {**summary.pathologies, MACRO: summary.macro, MICRO: summary.micro}
    return {
        column: PairedCell(one.value, other.value, apart.value, apart.low, apart.high, float(p[column][0]), apart.n)
        for column, (one, other, apart) in found.items()
    }


def _cells_of_parts(paired: Paired, entrants: Sequence[Entrant], metric: MetricInfo) -> dict[str, PairedCell]:
    cells = shared_draws(paired, entrants, metric).pair(0, 1)
    return {column: cell for column, cell in cells.items() if cell.n or column in (MACRO, MICRO)}


def shared_draws(paired: Paired, entrants: Sequence[Entrant], metric: MetricInfo) -> SharedDraws:
    """The draws of a metric whose cells are no means.

    Args:
        paired: What `paired_values` gave for these entrants.
        entrants: All have the metric.
        metric: Has a reducer.
    """
    names = dict.fromkeys(name for one in entrants for name in one.info.pathologies)
    columns = paired_parts(paired, entrants, metric)
    return SharedDraws(columns, paired.pathology.tolist(), paired.patient.tolist(), list(names))


def _record(better: NDArray[np.float64]) -> dict[str, int]:
    wins, losses = int((better > 0).sum()), int((better < 0).sum())
    return {"wins": wins, "ties": len(better) - wins - losses, "losses": losses}
