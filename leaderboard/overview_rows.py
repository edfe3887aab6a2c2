"""The rows of the table over all data sets: which results are of one method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..comparison.labels import told_apart
from ..comparison.significance import MACRO
from ..core.fingerprint import digest
from ..evaluation.imported import answered_elsewhere
from ..evaluation.schema import ResultFile
from .board import Board, BoardCell
from .data_columns import Column
from .runs import Run
from .zero_shot import seen_in


@dataclass(frozen=True)
class Entry:
    """A method's number on one data set.

    Attributes:
        run: Whose number it is.
        cell: The macro average, marked as on the data set's board; None where only zero-shot results are wanted and
            this is none.
        seen: What the method was trained on that the data set is of; None where it names nothing of the kind.
        derived: Whether the number is of the view that the method does not give itself.
    """

    run: Run
    cell: BoardCell | None
    seen: str | None
    derived: bool = False


@dataclass(frozen=True)
class OverviewRow:
    """One method.

    Attributes:
        label: Its name, unique in the table.
        entries: By column, what it has there.
        mean: The mean over the data sets that count; None where it lacks one of them, or one alone counts.
        rank: Its mean rank over them; None where it is not ranked.
    """

    label: str
    entries: dict[Column, Entry]
    mean: float | None = None
    rank: float | None = None

    def cell(self, column: Column) -> BoardCell | None:
        """Its number on a data set; None where it has none."""
        entry = self.entries.get(column)
        return None if entry is None else entry.cell

    @property
    def control(self) -> bool:
        """Whether it is a yardstick."""
        return any(entry.run.info.method.control for entry in self.entries.values())

    @property
    def imported(self) -> bool:
        """Whether any of its numbers was made elsewhere."""
        return any(entry.run.imported is not None for entry in self.entries.values())


def rows_of(columns: Sequence[Column], boards: Mapping[Column, Board | None]) -> tuple[list[OverviewRow], list[str]]:
    """A row for each method; a second result of one method on one data set has a row of its own."""
    groups: dict[str, list[dict[Column, Run]]] = {}
    notes: list[str] = []
    for column in columns:
        # The newest measured result is the method's; a copy made elsewhere, or before, stands below it.
        ordered = sorted(column.runs, key=lambda run: run.info.run.created, reverse=True)
        for run in sorted(ordered, key=lambda run: run.imported is not None):
            mine = groups.setdefault(identity(run.info), [{}])
            free = next((row for row in mine if column not in row), None)
            if free is None:
                mine.append({column: run})
                notes.append(
                    f"{run.label} is a second result of one method on {column.label}; it has a row of its own."
                )
            else:
                free[column] = run
    shown = [row for table in boards.values() if table for row in table.rows]
    cells = {row.run: row.cells[MACRO] for row in shown}
    derived = {row.run for row in shown if row.derived}
    members = [(key, place, row) for key, rows in groups.items() for place, row in enumerate(rows)]
    names = [_name(row, notes) if place == 0 else next(iter(row.values())).label for _, place, row in members]
    labels = told_apart(names, [next(iter(row.values())).info for _, _, row in members], [key for key, _, _ in members])
    return [
        OverviewRow(label, {c: Entry(run, cells.get(run), seen_in(run.info), run in derived) for c, run in row.items()})
        for label, (_, _, row) in zip(labels, members, strict=True)
    ], notes


def identity(info: ResultFile) -> str:
    """What is equal for one method on several data sets."""
    method = info.method
    answers = None if info.answers is None else info.answers.model_dump()
    if answered_elsewhere(method):
        return digest("predictions", method.name, method.kind, method.emits, answers)
    if method.control:
        return digest(method.name, method.revision, method.weights_fingerprint, method.options, answers)
    return digest(method.fingerprint, answers)


def _name(row: dict[Column, Run], notes: list[str]) -> str:
    """A method's label: the one that most of its results have."""
    labels = Counter(run.info.method.shown for run in row.values())
    name = labels.most_common(1)[0][0]
    for column, run in row.items():
        if run.info.method.shown != name:
            notes.append(f"{name} is called {run.info.method.shown} on {column.label}.")
    return name
