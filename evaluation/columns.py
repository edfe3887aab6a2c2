"""The columns of `samples.parquet`, and what each may hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol as Shape

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.api.types import infer_dtype, is_bool_dtype, is_numeric_dtype
from pyarrow import ArrowException

from ..metrics import Reducer
from ..metrics.parts import Parts

PREDICTION_KEY = "prediction_key"
"""In rows of schema 1: where the store has a prediction. Later rows do not have it, since it can be confirmed by
guessing; the store itself knows which prediction is whose."""


class AnyMetric(Shape):
    """What a metric and what a file says of one have in common."""

    @property
    def key(self) -> str:
        """Its name in files."""
        ...

    @property
    def reducer(self) -> Reducer | None:
        """How samples become a cell; None for their mean."""
        ...


_IDS = ("sample_id", "patient_key", "image_key", "pathology", "error")
_DATA = ("box_area", "n_boxes", "side", "zone", "seconds")
TRUNCATED = "truncated"
NEGATIVE = "negative"
"""Only in rows of a protocol that uses negatives, where there are any."""
_TEXT = ("sample_id", "patient_key", "image_key", "pathology")
_TEXT_OR_NOTHING = (PREDICTION_KEY, "side", "zone", "error")
_ROUNDING = 1e-9


def columns_of(schema_version: int, metrics: Iterable[AnyMetric]) -> list[str]:
    """All that a row holds: opaque ids, what is known of the sample, and each metric's value with its status.

    Args:
        schema_version: Of the result.
        metrics: The metrics.
    """
    own = [PREDICTION_KEY] if schema_version == 1 else [TRUNCATED]
    metrics = list(metrics)
    keys = [metric.key for metric in metrics]
    parts = [name for metric in metrics for name in parts_columns(metric.key, metric.reducer)]
    return [*_IDS, *_DATA, *own, *keys, *(f"{key}_status" for key in keys), *parts]


def parts_columns(key: str, reducer: Reducer | None) -> list[str]:
    """The columns of what samples add to cells that are no means."""
    return [] if reducer is None else [f"{key}_{name}" for name in reducer.columns]


def parts_of(samples: pd.DataFrame, key: str, reducer: Reducer) -> Parts:
    """What each row adds to a metric's cells.

    Raises:
        ValueError: If a row holds something else than lists of numbers, or some of them only.
    """
    names = parts_columns(key, reducer)
    try:
        lists = [_lists(pd.Series(samples[name])) for name in names]
    except (TypeError, ValueError, ArrowException) as error:
        raise ValueError(f"{', '.join(names)} must be lists of numbers") from error
    there = np.array([one.is_valid().to_numpy(zero_copy_only=False) for one in lists], dtype=bool)
    if (there != there[:1]).any():
        raise ValueError(f"{key} has some of {', '.join(names)} in a row, and not all")
    # A missing number becomes NaN.
    values = tuple(one.flatten().to_numpy(zero_copy_only=False) for one in lists)
    parts = Parts(there[0], values, tuple(_lengths(one) for one in lists))
    lengths = zip(*(one[parts.there].tolist() for one in parts.lengths), strict=True)
    problems = map(reducer.check, dict.fromkeys(lengths))
    if problem := next((one for one in problems if one), None):
        raise ValueError(f"{key} has {problem}")
    if not all(np.isfinite(numbers).all() for numbers in parts.values):
        raise ValueError(f"{key} has a value that is not finite")
    return parts


def _lists(column: pd.Series) -> pa.ListArray:
    """Rows of lists, as Python has them or as Arrow has."""
    found = pa.array(column, from_pandas=True)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    kind = found.type.value_type if pa.types.is_list(found.type) else found.type
    # Arrow reads numbers out of text.
    if not (pa.types.is_null(kind) or pa.types.is_primitive(kind)):
        raise TypeError(f"lists of {kind}")
    return found.cast(pa.list_(pa.float64()), safe=False)


def _lengths(lists: pa.ListArray) -> NDArray[np.int64]:
    """How long each list is, 0 where there is none."""
    return lists.value_lengths().fill_null(0).to_numpy().astype(np.int64)


def column_problems(samples: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    """What the columns hold that they must not; empty for sound ones.

    Args:
        samples: The rows, with every column of a result.
        keys: Of the metrics, whose values may be absent.
    """
    columns = {str(name): column for name, column in samples.items()}
    found = [f"{name} must be text in every row" for name in _TEXT if not _is_text(columns[name])]
    for name in _TEXT_OR_NOTHING:
        if name in columns and not _is_text(columns[name].dropna()):
            found.append(f"{name} must be text where there is any")
    found.extend(f"{name} must be numbers" for name in ("seconds", *keys) if not _is_numeric(columns[name]))
    if TRUNCATED in columns and (columns[TRUNCATED].isna().any() or not is_bool_dtype(columns[TRUNCATED])):
        found.append("truncated must be true or false in every row")
    if NEGATIVE in columns and (columns[NEGATIVE].isna().any() or not is_bool_dtype(columns[NEGATIVE])):
        found.append("negative must be true or false in every row")
    if not _lies_in(columns["box_area"], 0, 1 + _ROUNDING):
        found.append("box_area must be a share, 0 to 1, in every row")
    # A sample whose ground truth is a mask alone has none.
    if not _lies_in(columns["n_boxes"], 0, np.inf, whole=True):
        found.append("n_boxes must be a whole number, 0 or more, in every row")
    return found


def _is_text(column: pd.Series) -> bool:
    try:
        column.tolist()
    except (ArrowException, UnicodeDecodeError):  # Parquet's text may be any bytes, and is looked at here first
        return False
    return not column.isna().any() and infer_dtype(column) in ("string", "empty")


def _is_numeric(column: pd.Series) -> bool:
    return is_numeric_dtype(column) and not is_bool_dtype(column)


def _lies_in(column: pd.Series, low: float, high: float, *, whole: bool = False) -> bool:
    if not _is_numeric(column):
        return False
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    fits = np.isfinite(numbers) & (numbers >= low) & (numbers <= high)
    return bool(fits.all()) and not (whole and (numbers % 1).any())
