"""What samples add, in arrays: chosen, laid out as a table and compared as the lists would be."""

import numpy as np
import pytest

from groundcxr.metrics.parts import Parts

ROWS = [([1.0, 2.0], [3.0]), None, ([], []), ([4.0], [5.0, 6.0]), ([1.0, 2.0], [3.0])]


def parts(rows):
    return Parts.of([[None if row is None else row[column] for row in rows] for column in range(2)])


def lists(made):
    ends = [np.cumsum(lengths) for lengths in made.lengths]
    pieces = [np.split(values, end)[:-1] for values, end in zip(made.values, ends, strict=True)]
    rows = zip(made.there.tolist(), *pieces, strict=True)
    return [tuple(one.tolist() for one in row) if there else None for there, *row in rows]


@pytest.mark.parametrize("places", [[0, 1, 2, 3, 4], [3, 0], [4, -1, 2, 1, 3], [-1, -1], []])
def test_some_samples_in_another_order(places):
    chosen = parts(ROWS).at(np.array(places, dtype=np.int64))
    assert lists(chosen) == [None if place < 0 else ROWS[place] for place in places]
    assert len(chosen) == len(places)


def test_samples_differ_where_their_lists_do():
    others = [([1.0, 2.5], [3.0]), None, ([], []), ([4.0, 5.0], [6.0]), None]
    found = parts(ROWS).differ(parts(others)).tolist()
    assert found == [one != other for one, other in zip(ROWS, others, strict=True)]
    assert not parts(ROWS).differ(parts(ROWS)).any()


def test_a_table_has_lists_of_one_length():
    made = parts([([1.0, 2.0], [3.0]), None, ([4.0, 5.0], [6.0])])
    assert made.table(0, 2).tolist() == [[1, 2], [4, 5]]
    with pytest.raises(ValueError, match="a list of 1 numbers, which must be 2"):
        made.table(1, 2)


def test_what_is_no_number_is_refused():
    with pytest.raises(TypeError):
        Parts.of([[["a"]]])
