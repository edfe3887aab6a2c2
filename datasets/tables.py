"""CSV files with a header, read as text."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from ..core import DatasetError


def read_table(
    path: Path, required: Collection[str], optional: Collection[str] = (), *, only_known: bool = False
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file, with the row number that a spreadsheet shows (the header is row 1).

    Column names are stripped and compared in lower case; cells stay as written; rows without any content are skipped.

    Args:
        path: UTF-8, with or without a byte order mark.
        required: Lower-case names of columns that must be there.
        optional: Further columns to return where they are there.
        only_known: Whether any other column is an error; otherwise others are ignored.

    Raises:
        DatasetError: If the file is no such table.
    """
    import pandas as pd

    try:
        _check_separator(path)
        # header=None: a row with more cells than the header is an error instead of silently becoming an index.
        cells = pd.read_csv(
            path, header=None, dtype=str, na_filter=False, encoding="utf-8-sig", skip_blank_lines=False
        ).to_numpy()
    except pd.errors.EmptyDataError:
        raise DatasetError(f"{path} is empty; its first row must be {','.join(required)}") from None
    except pd.errors.ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise DatasetError(f"{path}: {reason}; put phrases with commas or quotes in double quotes") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    names = [str(name).strip().lower() for name in cells[0]]
    known = [*required, *optional]
    for index, name in enumerate(names):
        if only_known and name not in known:
            guess = closest(name, known)
            hint = f"; did you mean {guess!r}?" if guess else ""
            raise DatasetError(f"{path} has the column {name!r}, which is none of {', '.join(known)}{hint}")
        if name in known and name in names[:index]:
            raise DatasetError(f"{path} has the column {name!r} twice")
    missing = [name for name in required if name not in names]
    if missing:
        raise DatasetError(f"{path} lacks the column {missing[0]!r}; found {', '.join(names)}")
    rows = [(number, row) for number, row in enumerate(cells[1:], start=2) if any(cell.strip() for cell in row)]
    if not rows:
        raise DatasetError(f"{path} has a header but no rows")
    columns = [(index, name) for index, name in enumerate(names) if name in known]
    return ((number, {name: row[index] for index, name in columns}) for number, row in rows)


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one, upper and lower case being equal; None where none is."""
    names = {other.lower(): other for other in known}
    return next((names[found] for found in difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)), None)


def _check_separator(path: Path) -> None:
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if separator in header and "," not in header:
            raise DatasetError(f"{path} separates its columns by {called}; the separator must be a comma")
