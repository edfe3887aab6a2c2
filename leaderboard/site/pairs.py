"""Every two methods against each other, worked out beforehand, as the page of the site shows them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ...comparison.captions import difference_said, p_shown
from ...comparison.head_to_head import head_to_head
from ...comparison.significance import LEVEL
from ...evaluation.derived import DERIVED_SAID, is_derived
from ...evaluation.numbers import digits_of, write_number
from ...evaluation.schema import MetricInfo
from ..board import board
from ..runs import Run

MOST = 24
"""Methods that are held against one another: their pairs, 276, and the time that they take, grow with the square."""

SHOWN = "{first}"
"""Stands in a sentence for the name of the method that is chosen first."""


def pairs_of(runs: Sequence[Run], metrics: Sequence[MetricInfo]) -> dict[str, Any]:
    """What the page of two methods needs, as JSON.

    Args:
        runs: Runs of one setting.
        metrics: Which metrics; those that fewer than two runs have are left out.

    Returns:
        `methods`, the labels; `derived_said`, what the mark of derived values means; `metrics`, for each: `label`,
        `higher` (is better), `said` (what the table shows),
        `order` (places in `methods`: the best first, controls last), `left_out` (labels beyond the `MOST` best),
        `derived` (places) and `pairs`, by "first-second" (places): a list for each pathology, macro and micro of its
        name, n, the first's value, the second's, the difference, its interval's ends, p and whether it is below the
        level, both corrected, won, tied, lost. Numbers are as they are printed, without a sign before what is above 0;
        "-" where there is none.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    place = {run: number for number, run in enumerate(runs)}
    found = []
    for metric in metrics:
        having = [run for run in runs if run.metric(metric.key) is not None]
        if len(having) < 2:
            continue
        ordered = [row.run for row in board(having, metric.key).rows]
        ordered.sort(key=lambda run: run.info.method.control)
        ordered, left = ordered[:MOST], ordered[MOST:]
        found.append(
            {
                "key": metric.key,
                "label": metric.label,
                "higher": metric.higher_is_better,
                "said": f"{difference_said(metric, SHOWN, [run.info for run in runs])} "
                f"In colour: corrected p below {LEVEL:g}.",
                "level": LEVEL,
                "order": [place[run] for run in ordered],
                "left_out": [run.label for run in left],
                "derived": [place[run] for run in ordered if is_derived(run.info, metric.key)],
                "pairs": {
                    f"{place[first]}-{place[second]}": _rows(first, second, metric)
                    for first, second in combinations(sorted(ordered, key=place.__getitem__), 2)
                },
            }
        )
    return {"methods": [run.label for run in runs], "metrics": found, "derived_said": DERIVED_SAID}


def _rows(first: Run, second: Run, metric: MetricInfo) -> list[list[Any]]:
    digits = digits_of(metric)

    def number(value: float | None) -> str:
        return "-" if value is None or np.isnan(value) else write_number(value, digits)

    return [
        [
            row["column"],
            row["n"],
            *(number(row[key]) for key in ("first", "second", "difference", "low", "high")),
            p_shown(row["p_corrected"]),
            int(row["p_corrected"] < LEVEL),
            row["wins"],
            row["ties"],
            row["losses"],
        ]
        for row in head_to_head(first, second, metric.key).table.to_dict("records")
    ]
