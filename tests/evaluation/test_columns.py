"""What rows add to cells that are no means, as Python has it and as it comes from a file."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from groundcxr.evaluation.columns import parts_of
from groundcxr.metrics import Sums


def frame(sums, weights, kept):
    columns = {"dice_sums": pd.Series(sums, dtype=object), "dice_weights": pd.Series(weights, dtype=object)}
    if kept == "in arrow":
        for name, column in columns.items():
            array = pa.array(column)
            columns[name] = pd.Series(array, dtype=pd.ArrowDtype(array.type))
    return pd.DataFrame(columns)


@pytest.fixture(params=["in python", "in arrow"])
def kept(request):
    return request.param


@pytest.mark.parametrize("kind", [list, np.array])
def test_lists_are_read_however_they_are_kept(kept, kind):
    rows = frame([kind([0.5, 1.0]), None, kind([2, 3])], [kind([1.0, 1.0]), None, kind([4.0, 4.0])], kept)
    parts = parts_of(rows, "dice", Sums("best", (0.1, 0.2)))
    assert parts.there.tolist() == [True, False, True]
    assert [values.tolist() for values in parts.values] == [[0.5, 1, 2, 3], [1, 1, 4, 4]]
    assert [lengths.tolist() for lengths in parts.lengths] == [[2, 0, 2], [2, 0, 2]]


def test_some_rows_of_a_column(kept):
    rows = frame([[0.5], [1.0], [2.0]], [[1.0], [1.0], [4.0]], kept).iloc[1:]
    assert [values.tolist() for values in parts_of(rows, "dice", Sums()).values] == [[1, 2], [1, 4]]


def test_no_row_adds_anything(kept):
    parts = parts_of(frame([None, None], [None, None], kept), "dice", Sums())
    assert not parts.there.any()
    assert [len(values) for values in parts.values] == [0, 0]


@pytest.mark.parametrize(
    ("sums", "said"),
    [
        ([1.0, 2.0], "dice_sums, dice_weights must be lists of numbers"),
        (["a", "b"], "must be lists of numbers"),
        ([["1.5"], ["2"]], "must be lists of numbers"),
        ([[[1.0]], [[2.0]]], "must be lists of numbers"),
        ([[1.0], None], "dice has some of dice_sums, dice_weights in a row, and not all"),
        ([[np.inf], [1.0]], "dice has a value that is not finite"),
        ([[np.nan], [1.0]], "dice has a value that is not finite"),
        ([[None], [1.0]], "dice has a value that is not finite"),
        ([[1.0, 2.0], [1.0]], r"lists of the lengths \[1, 2\]"),
    ],
)
def test_what_is_no_list_of_numbers_is_refused(kept, sums, said):
    with pytest.raises(ValueError, match=said):
        parts_of(frame(sums, [[1.0], [1.0]], kept), "dice", Sums())
