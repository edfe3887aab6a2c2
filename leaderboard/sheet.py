"""A table on its way to be printed: rows, columns, cells and caption, whatever the table is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core import GroundCXRError, unknown_name
from ..core.names import one_line, printable
from ..evaluation.schema import MetricInfo
from .board import BoardCell
from .runs import Run
from .table_style import TableStyle


@dataclass(frozen=True)
class Head:
    """What names a row or a column.

    Attributes:
        name: As shown.
        names: What it may be asked for by, `name` among them.
        marks: What stands behind the name, whatever that becomes, such as " (control)".
        n: The most samples of its cells; None where that is not said.
        capital: Whether LaTeX writes the name with a capital.
        control: Whether it is a control's.
        renamed: Whether `name` is the user's.
    """

    name: str
    names: tuple[str, ...]
    marks: str = ""
    n: int | None = None
    capital: bool = False
    control: bool = False
    renamed: bool = False

    @property
    def shown(self) -> str:
        """Its name with the marks."""
        return self.name + self.marks


@dataclass(frozen=True)
class SheetCell:
    """What stands in one place of a table.

    Attributes:
        metric: Of what the number is.
        number: The number with its marks; None where there is none.
        most: The most samples that a cell of its column rests on, so that one with fewer says so.
        derived: Whether it is of the view that the method does not give itself.
        seen: Whether the method has seen the data.
        signed: Whether it is a difference.
        text: What is shown instead of a number.
        record: Its line of CSV; None where it has none.
    """

    metric: MetricInfo
    number: BoardCell | None
    most: int | None = None
    derived: bool = False
    seen: bool = False
    signed: bool = False
    text: str = ""
    record: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        corners: What rows and columns are, such as "Method" and "Pathology".
        rows: The rows.
        columns: The columns.
        cells: By row, a cell for each column.
        title: One sentence on what the table shows.
        caption: All that must be known of it.
        label: What a reference to it is made of.
        keys: The fields of a line of CSV that hold the names of row and column.
        scaled: The fields that hold values of the metric.
        untold: Fields that need no telling in this table.
    """

    corners: tuple[str, str]
    rows: tuple[Head, ...]
    columns: tuple[Head, ...]
    cells: tuple[tuple[SheetCell, ...], ...]
    title: str
    caption: str
    label: str
    keys: tuple[str, str]
    scaled: tuple[str, ...] = ("value", "low", "high")
    untold: frozenset[str] = field(default_factory=frozenset)

    def records(self, style: TableStyle) -> Iterable[dict[str, Any]]:
        """The lines of CSV, row by row."""
        for row, cells in zip(self.rows, self.cells, strict=True):
            for column, cell in zip(self.columns, cells, strict=True):
                if cell.record is None:
                    continue
                line = dict(cell.record)
                for key, head in zip(self.keys, (row, column), strict=True):
                    line[key] = head.name if head.renamed else line[key]
                for key in self.scaled:
                    line[key] = line[key] if _absent(line[key]) else style.whole(line[key], cell.metric)
                if style.percent:
                    line["unit"] = "%" if style.in_percent(cell.metric) else ""
                yield line


def chosen_runs(runs: Sequence[Run], names: Sequence[str]) -> list[Run]:
    """The runs of the methods that tables are to have, in the order of `runs`; all where no name is given.

    Args:
        runs: All runs.
        names: What tables call the methods, or their aliases.

    Raises:
        UnknownNameError: If a name is no run's.
    """
    if not names:
        return list(runs)
    known = [Head(run.label, known_as(run)) for run in runs]
    places = {place for name in names for place in _places(name, known, "method in these results")}
    return [run for place, run in enumerate(runs) if place in places]


def known_as(*runs: Run) -> tuple[str, ...]:
    """What a method may be asked for by: what tables call it, and its alias."""
    each = ((run.label, one_line(run.info.method.shown), one_line(run.info.method.label)) for run in runs)
    return tuple(dict.fromkeys(name for names in each for name in names))


def arranged(sheets: Sequence[Sheet], style: TableStyle) -> list[Sheet]:
    """Tables as a user wishes them.

    Args:
        sheets: Tables of the methods that are wished already.
        style: The wishes. A name must be in one of the tables; a table that has none of the columns is left out.

    Raises:
        UnknownNameError: If a name is in no table.
        GroundCXRError: If two rows or two columns would have one name.
    """
    rows = list(dict.fromkeys(head for sheet in sheets for head in sheet.rows))
    columns = list(dict.fromkeys(head for sheet in sheets for head in sheet.columns))
    for name in style.columns:
        _places(name, columns, "column in these tables", rows)
    for name in style.renamed:
        _places(name, [*rows, *columns], "row or column in these tables")
    done: list[Sheet] = []
    for sheet in sheets:
        down = in_order(sheet.rows, style.rows)
        across = in_order(sheet.columns, style.columns)
        if not across:
            continue
        renamed = replace(
            sheet,
            rows=_renamed([sheet.rows[place] for place in down], style),
            columns=_renamed([sheet.columns[place] for place in across], style),
            cells=tuple(tuple(sheet.cells[i][j] for j in across) for i in down),
        )
        done.append(_turned(renamed) if style.transpose else renamed)
    return done


def _turned(sheet: Sheet) -> Sheet:
    """The table with rows and columns exchanged; the caption speaks of its columns, which are rows then."""
    words = sheet.caption.replace("of the column", "of the row").replace("the column's n", "the row's n")
    return replace(
        sheet,
        corners=sheet.corners[::-1],
        rows=sheet.columns,
        columns=sheet.rows,
        cells=tuple(zip(*sheet.cells, strict=True)),
        caption=words,
        keys=sheet.keys[::-1],
    )


def names_shown(heads: Sequence[Head], style: TableStyle) -> list[str]:
    """What rows or columns are called in the end, without their marks: so captions speak of them, too."""
    return [head.name for head in _named(heads, style)]


def _named(heads: Sequence[Head], style: TableStyle) -> list[Head]:
    found: list[Head] = []
    for head in heads:
        new = next((new for old, new in style.renamed.items() if _is_asked(old, head, heads)), None)
        found.append(head if new is None else replace(head, name=new, capital=False, renamed=True))
    return found


def _renamed(heads: Sequence[Head], style: TableStyle) -> tuple[Head, ...]:
    found = _named(heads, style)
    shown = [head.shown for head in found]
    if double := next((name for name in shown if shown.count(name) > 1), None):
        raise GroundCXRError(f"two rows or columns would be called '{printable(double)}'; choose another --rename")
    return tuple(found)


def in_order(heads: Sequence[Head], names: Sequence[str]) -> list[int]:
    """The places of the heads that are asked for, in the order asked; all where no name is given."""
    if not names:
        return list(range(len(heads)))
    return list(dict.fromkeys(place for name in names for place in _asked(name, heads)))


def _is_asked(name: str, head: Head, heads: Sequence[Head]) -> bool:
    return any(heads[place] is head for place in _asked(name, heads))


def _asked(name: str, heads: Sequence[Head]) -> list[int]:
    """The places of the heads of a name, which may be written in any case where nothing has it as it is."""
    exact = [place for place, head in enumerate(heads) if name in head.names]
    folded = name.casefold()
    return exact or [place for place, head in enumerate(heads) if folded in map(str.casefold, head.names)]


def _places(name: str, heads: Sequence[Head], what: str, others: Sequence[Head] = ()) -> list[int]:
    found = _asked(name, heads)
    if not found:
        if _asked(name, others):
            raise GroundCXRError(
                f"'{printable(name)}' is a method; --rows chooses methods and --columns the rest, also with --transpose"
            )
        raise unknown_name(what, name, list(dict.fromkeys(head.name for head in heads)))
    return found


def _absent(value: Any) -> bool:
    return value is None or value != value
