"""CSV files with a header, read as text."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from ..core import DatasetError, check_regular
from ..core.mistaken import HEAD
from ..core.names import listed
from .text_files import refuse_mistaken

Row = tuple[int, dict[str, str]]
"""A row's number, as a spreadsheet shows it, and its cells by lower-case column."""


def read_table(
    path: Path, required: Collection[str], optional: Collection[str] = (), *, step: str = ""
) -> Iterator[Row]:
    """The rows of a CSV file that has certain columns; others are passed over.

    Args:
        path: UTF-8, with or without a byte order mark.
        required: Lower-case names of columns that must be there.
        optional: Further columns to return where they are there.
        step: What to do about a table of other columns.

    Raises:
        DatasetError: If the file is no such table.
    """
    names, rows = read_columns(path, required)
    known = [*required, *optional]
    refuse_twice(names, known, path)
    missing = [name for name in required if name not in names]
    if missing:
        raise DatasetError(f"{path} lacks the column {missing[0]!r}; found {listed(names)}{step and f'; {step}'}")
    columns = [(index, name) for index, name in enumerate(names) if name in known]
    return ((number, {name: cells[index] for index, name in columns}) for number, cells in rows)


def read_columns(path: Path, header: Collection[str]) -> tuple[list[str], list[tuple[int, Sequence[str]]]]:
    """A CSV file's column names, stripped and in lower case, and the cells of its rows.

    Cells stay as written; rows without any content are skipped. Rows have the number that a spreadsheet shows (the
    header is row 1).

    Args:
        path: UTF-8, with or without a byte order mark.
        header: What the first row should be, for messages.

    Raises:
        DatasetError: If the file is no table with rows.
    """
    import pandas as pd

    try:
        _check_kind(path)
        _check_separator(path)
        # header=None: a row with more cells than the header is an error instead of silently becoming an index.
        cells = pd.read_csv(
            path, header=None, dtype=str, na_filter=False, encoding="utf-8-sig", skip_blank_lines=False
        ).to_numpy()
    except pd.errors.EmptyDataError:
        raise DatasetError(f"{path} is empty; its first row must be {','.join(header)}") from None
    except pd.errors.ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise DatasetError(
            f"{path}: {reason}; put phrases and other cells with commas or quotes in double quotes"
        ) from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    names = [str(name).strip().lower() for name in cells[0]]
    rows = [(number, row) for number, row in enumerate(cells[1:], start=2) if any(cell.strip() for cell in row)]
    if not rows:
        raise DatasetError(f"{path} has a header but no rows")
    return names, rows


def refuse_twice(names: Sequence[str], known: Collection[str], path: Path) -> None:
    """Refuse a header that has one of the known columns twice.

    Raises:
        DatasetError: That names the column.
    """
    for index, name in enumerate(names):
        if name in known and name in names[:index]:
            raise DatasetError(f"{path} has the column {name!r} twice")


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, upper and lower case being equal; None where none is."""
    names = {other.lower(): other for other in known}
    return next((names[found] for found in difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)), None)


def _check_kind(path: Path) -> None:
    check_regular(path)
    with path.open("rb") as file:
        refuse_mistaken(path, file.read(HEAD), "a CSV file")


def _check_separator(path: Path) -> None:
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if separator in header and "," not in header:
            raise DatasetError(f"{path} separates its columns by {called}; the separator must be a comma")
