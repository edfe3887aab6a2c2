"""Rows of `samples.parquet`, by column and kept in memory."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ..core import StoreError
from ..core.regular import read_regular
from ..evaluation.pair import RowsFile

_KEPT = 512
"""Column sets of runs that stay in memory; a set of three columns of 20,000 rows is about 1 MB."""


@lru_cache(maxsize=_KEPT)
def read_rows(path: Path, sha256: str, n: int, columns: tuple[str, ...] | None) -> pd.DataFrame:
    """Some columns of a run's rows.

    Args:
        path: The `samples.parquet`.
        sha256: What its content must hash to.
        n: How many rows it must have, which its footer says before any is read.
        columns: Which columns, in this order; all where None.

    Raises:
        StoreError: If the file is gone, has changed, is damaged, or lacks a column.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}; refresh the page") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StoreError(f"{path} has changed since it was found; refresh the page")
    try:
        file = RowsFile(content)
        if file.n != n:
            raise StoreError(f"{path} has {file.n:,} rows for {n:,} samples")
        wanted = file.names if columns is None else list(columns)
        if missing := sorted(set(wanted) - set(file.names)):
            raise StoreError(f"{path} lacks the columns {', '.join(missing)}")
        rows = file.table(wanted, lists=None).to_pandas(use_threads=False, types_mapper=_kept_in_arrow)
    except StoreError:
        raise
    except Exception as error:  # a damaged file brings Arrow, pandas and what they call to errors of any class
        raise StoreError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    # What pandas notes in a file can make a column the rows' index.
    if list(rows.columns) != wanted:
        raise StoreError(f"{path} is damaged: its columns are not those that it names")
    return rows


def _kept_in_arrow(kind: pa.DataType) -> pd.ArrowDtype | None:
    """Lists as they are read: an array of its own for each would take as long as all the rest, and more memory."""
    return pd.ArrowDtype(kind) if pa.types.is_list(kind) else None
