"""The table over all data sets in the form that a paper, a page or a program wants."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from ..evaluation.numbers import digits_of, write_number
from . import export_latex as latex
from .citation import bibtex
from .data_columns import Column
from .export import write_csv
from .export_markdown import markdown_cell, markdown_lines
from .formats import Format
from .overview import Overview
from .overview_caption import overview_caption, overview_names
from .overview_rows import OverviewRow
from .zero_shot import SEEN

MEAN, RANK = "mean", "mean rank"


def export_overviews(tables: Sequence[Overview], form: Format, *, intervals: bool = True) -> str:
    """Write tables over all data sets out.

    Args:
        tables: The tables, one after another.
        form: As for `export.export`.
        intervals: Whether LaTeX and Markdown show the 95 % intervals.

    Returns:
        The text, with a line break at its end.
    """
    match form:
        case Format.LATEX:
            return "\n".join(_latex(table, intervals) for table in tables)
        case Format.MARKDOWN:
            return "\n".join(_markdown(table, intervals) for table in tables)
        case Format.CSV:
            frames = [table.frame().astype(object) for table in tables]
            if not any(table.tells_derived for table in tables):
                frames = [frame.drop(columns="derived", errors="ignore") for frame in frames]
            return write_csv([row for frame in frames for row in frame.to_dict("records")])
        case Format.JSON:
            return json.dumps([_record(table) for table in tables], indent=2, allow_nan=False) + "\n"
        case Format.BIBTEX:
            # A run stands in a table for each metric.
            return bibtex(list(dict.fromkeys(run for table in tables for run in table.runs)))


def _heads(table: Overview) -> dict[str, int | None]:
    """By column, how many samples it has."""

    def head(column: Column) -> tuple[str, int | None]:
        return f"{column.label}, {column.apart}" if column.apart else column.label, table.n[column]

    return dict(table.in_order(head, (MEAN, None), (RANK, None)))


def _markdown(table: Overview, intervals: bool) -> str:
    def cell(row: OverviewRow, column: Column) -> str:
        entry = row.entries.get(column)
        if entry is None:
            return "-"
        if entry.cell is None:
            return SEEN if entry.seen else "-"
        shown = markdown_cell(entry.cell, table.metric, table.n[column], intervals, derived=entry.derived)
        return f"{shown} {SEEN}" if entry.seen else shown

    rows = []
    for name, row in zip(overview_names(table), table.rows, strict=True):
        mean = "-" if row.mean is None else write_number(row.mean, digits_of(table.metric))
        rank = "-" if row.rank is None else f"{row.rank:.2f}"
        rows.append([name, *table.in_order(partial(cell, row), mean, rank)])
    return markdown_lines(_heads(table), rows, overview_caption(table, intervals=intervals))


def _latex(table: Overview, intervals: bool) -> str:
    def value(row: OverviewRow, column: Column) -> str:
        entry = row.entries.get(column)
        if entry is None or entry.cell is None:
            return SEEN if entry and entry.seen else "--"
        shown = latex.value(entry.cell, table.metric, table.n[column], derived=entry.derived)
        return rf"{shown} {{\scriptsize {SEEN}}}" if entry.seen else shown

    def below(row: OverviewRow, column: Column) -> str:
        cell = row.cell(column)
        return "" if cell is None else latex.interval(cell, table.metric)

    body: list[str] = []
    for name, row in zip(overview_names(table), table.rows, strict=True):
        mean = "--" if row.mean is None else latex.number(row.mean, digits_of(table.metric))
        rank = "--" if row.rank is None else f"{row.rank:.2f}"
        values = table.in_order(partial(value, row), mean, rank)
        ends = table.in_order(partial(below, row), "", "") if intervals else None
        body += latex.latex_row(name, values, ends)
    name, _, sha256 = table.protocol
    named = f"datasets-{name}-{table.metric.key}-{sha256[:8]}"
    heads = [(latex.capital(head) if head in (MEAN, RANK) else head, n) for head, n in _heads(table).items()]
    return latex.latex_float(heads, body, overview_caption(table, intervals=intervals), named)


def _record(table: Overview) -> dict[str, Any]:
    name, version, sha256 = table.protocol
    ranks = table.ranks
    return {
        "protocol": name,
        "protocol_version": version,
        "protocol_hash": sha256,
        "metric": table.metric.key,
        "label": table.metric.label,
        "zero_shot": table.zero_shot,
        "caption": overview_caption(table, intervals=True),
        "datasets": [
            {
                "label": column.label,
                "dataset": column.dataset,
                "version": column.version,
                "split": column.split,
                "fingerprint": column.fingerprint,
                "task": column.task,
                "complete": column.setting.complete,
                "apart": column.apart,
                "n": table.n[column],
            }
            for column in table.columns
        ],
        "ranks": None
        if ranks is None
        else {"friedman_p": ranks.p, "nemenyi_critical_difference": ranks.critical, "n_datasets": ranks.n_sets},
        "unranked": table.unranked,
        "rows": [
            {
                "method": row.label,
                "control": row.control,
                "mean": row.mean,
                "mean_rank": row.rank,
                "cells": {
                    column.label: {
                        "run": entry.run.id,
                        "tier": entry.run.tier,
                        "seen": entry.seen,
                        **({"derived": entry.derived} if table.tells_derived else {}),
                        **dataclasses.asdict(entry.cell),
                    }
                    for column in table.columns
                    if (entry := row.entries.get(column)) is not None and entry.cell is not None
                },
            }
            for row in table.rows
        ],
    }
