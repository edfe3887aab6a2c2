"""Rows of `samples.parquet`, by column and kept in memory."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from pyarrow import ArrowInvalid

from ..core import StoreError

_KEPT = 512
"""Column sets of runs that stay in memory; a set of three columns of 20,000 rows is about 1 MB."""


@lru_cache(maxsize=_KEPT)
def read_rows(path: Path, sha256: str, columns: tuple[str, ...] | None) -> pd.DataFrame:
    """Some columns of a run's rows.

    Args:
        path: The `samples.parquet`.
        sha256: What its content must hash to.
        columns: Which columns, in this order; all where None.

    Raises:
        StoreError: If the file is gone, has changed, or lacks a column.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}; refresh the page") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StoreError(f"{path} has changed since it was found; refresh the page")
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        wanted = file.schema_arrow.names if columns is None else list(columns)
        if missing := sorted(set(wanted) - set(file.schema_arrow.names)):
            raise StoreError(f"{path} lacks the columns {', '.join(missing)}")
        return file.read(columns=wanted).to_pandas()
    except (ArrowInvalid, OSError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
