"""The samples of several methods in one list: searched, filtered, put in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
import pandas as pd

from ..comparison.pairing import paired_values
from .runs import Run

DESCRIBED = ("box_area", "n_boxes", "side", "zone")


class Order(StrEnum):
    """How samples can be put in order."""

    DATA = "as in the data"
    BEST = "best first"
    WORST = "worst first"
    LARGEST = "largest target"
    SMALLEST = "smallest target"
    DISAGREEMENT = "largest disagreement"
    RANDOM = "at random"


def browse(runs: Sequence[Run], metric: str) -> pd.DataFrame:
    """Every sample that any of the runs has.

    Args:
        runs: At least one run of one setting; those without the metric have no values.
        metric: The metric's key.

    Returns:
        One row per sample, by `sample_id`: `pathology`, `box_area`, `n_boxes`, `side`, `zone`, and a column of values
        for each run, named by its id.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    measured = [run for run in runs if run.metric(metric) is not None]
    if not measured:
        return runs[0].samples(["sample_id", "pathology", *DESCRIBED]).set_index("sample_id")
    paired = paired_values(measured, metric, also=DESCRIBED)
    rows = paired.rows.drop(columns="patient_key").set_index("sample_id")
    return rows.assign(**{run.id: paired.values[:, column] for column, run in enumerate(measured)})


def select(
    rows: pd.DataFrame,
    *,
    phrases: Mapping[str, str] | None = None,
    search: str = "",
    pathology: str | None = None,
    sample: str = "",
) -> pd.DataFrame:
    """The rows that filters leave.

    Args:
        rows: As `browse` gives them.
        phrases: By sample id, where the data is here.
        search: Words that the phrase must all hold, in any order and case.
        pathology: Only this class.
        sample: Only the sample of this id; the other filters then do not matter.
    """
    if sample:
        return rows.loc[rows.index == sample]
    if pathology is not None:
        rows = rows.loc[rows["pathology"] == pathology]
    words = search.casefold().split()
    if words and phrases is not None:
        folded = [phrases.get(str(sample_id), "").casefold() for sample_id in rows.index]
        rows = rows.loc[[all(word in phrase for word in words) for phrase in folded]]
    return rows


def arrange(
    rows: pd.DataFrame, order: Order, *, first: Run, second: Run, higher_is_better: bool = True, seed: int = 0
) -> pd.DataFrame:
    """The rows in an order; equals stay in the data's order, and what has no value comes last.

    Args:
        rows: As `browse` gives them.
        order: Which order.
        first: Whose values count.
        second: Whose values `first` disagrees with.
        higher_is_better: What "best" means.
        seed: Of the random order.
    """
    if order is Order.DATA or rows.empty:
        return rows
    if order is Order.RANDOM:
        return rows.iloc[np.random.default_rng(seed).permutation(len(rows))]
    if order in (Order.LARGEST, Order.SMALLEST):
        return rows.sort_values("box_area", ascending=order is Order.SMALLEST, kind="stable")
    values = _values(rows, first)
    if order is Order.DISAGREEMENT:
        key = -(values - _values(rows, second)).abs()
    else:
        key = -values if (order is Order.BEST) == higher_is_better else values
    return rows.loc[key.sort_values(kind="stable", na_position="last").index]


def _values(rows: pd.DataFrame, run: Run) -> pd.Series:
    return pd.Series(rows.get(run.id, np.nan), index=rows.index)
