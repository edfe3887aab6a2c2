"""What samples add to cells that are no means: lists of numbers, those of all samples end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Added = tuple[Sequence[float], ...] | None
"""What one sample adds to a cell: a list for each of its reducer's columns; None where the sample is left out."""


@dataclass(frozen=True, eq=False, slots=True)
class Parts:
    """What each of n samples adds to a cell.

    Attributes:
        there: Whether a sample adds anything, `[n]`.
        values: For each of the reducer's columns the numbers of all samples, those of one after those of another.
        lengths: For each column how many numbers are each sample's, `[n]`; 0 where it adds nothing.
    """

    there: NDArray[np.bool_]
    values: tuple[NDArray[np.float64], ...]
    lengths: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, columns: Sequence[Sequence[Sequence[float] | None]]) -> Parts:
        """Of lists.

        Args:
            columns: For each of the reducer's columns the list of each sample, None where it adds nothing.

        Raises:
            TypeError: If a list holds something else than numbers.
            ValueError: The same.
        """
        there = np.array([one is not None for one in columns[0]], dtype=bool)
        values, lengths = [], []
        for lists in columns:
            given = [one for one in lists if one is not None]
            values.append(np.concatenate([np.zeros(0), *given], dtype=np.float64))
            lengths.append(np.zeros(len(there), dtype=np.int64))
            lengths[-1][there] = [len(one) for one in given]
        return cls(there, tuple(values), tuple(lengths))

    def __len__(self) -> int:
        return len(self.there)

    def at(self, places: NDArray[np.int64]) -> Parts:
        """Those of some samples, in an order of their own.

        Args:
            places: Theirs, `[m]`; -1 for a sample that adds nothing.
        """
        known = np.flatnonzero(places >= 0)
        mine = places[known]
        there = np.zeros(len(places), dtype=bool)
        there[known] = self.there[mine]
        values, lengths = [], []
        for numbers, length in zip(self.values, self.lengths, strict=True):
            chosen = length[mine]
            # Each sample's first number, and from there in steps of one.
            first, ends = (np.cumsum(length) - length)[mine], np.cumsum(chosen)
            values.append(numbers[np.repeat(first - (ends - chosen), chosen) + np.arange(chosen.sum())])
            lengths.append(np.zeros(len(places), dtype=np.int64))
            lengths[-1][known] = chosen
        return Parts(there, tuple(values), tuple(lengths))

    def table(self, column: int, count: int) -> NDArray[np.float64]:
        """The lists of one column of all samples that add any, `[there, count]`.

        Raises:
            ValueError: If a list has another length.
        """
        lengths = self.lengths[column][self.there]
        if (wrong := lengths[lengths != count]).size:
            raise ValueError(f"a list of {wrong[0]} numbers, which must be {count}")
        return self.values[column].reshape(len(lengths), count)

    def differ(self, other: Parts) -> NDArray[np.bool_]:
        """Which samples do not add the same as in another's, `[n]`."""
        apart = self.there != other.there
        for mine, its in zip(self.lengths, other.lengths, strict=True):
            apart |= mine != its
        alike = np.flatnonzero(~apart)
        mine, its = (self, other) if len(alike) == len(self) else (self.at(alike), other.at(alike))
        for one, another, lengths in zip(mine.values, its.values, mine.lengths, strict=True):
            owner = np.repeat(alike, lengths)
            apart[owner[one != another]] = True
        return apart
