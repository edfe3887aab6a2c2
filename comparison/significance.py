"""Which differences between methods are real: sign-flip permutation over patients, and Holm's correction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.05
"""A difference is called real when its corrected p-value is below this."""

FLIPS = 9_999
"""Sign patterns drawn; with the one observed that makes 10,000, so that p-values come in steps of .0001."""

SEED = 0
MACRO = "macro"
MICRO = "micro"

_CHUNK = 4_000_000
"""Patterns x patients that are held at once; 32 MB."""
_TIE = 1e-10
"""Sums this close, in shares of the sum of absolute contributions, are one value that was added in another order."""
_TIE_DRAWN = 1e-6
"""The same where patterns are drawn, whose p-values are right to two digits anyway."""


def sign_flip(contributions: ArrayLike, *, flips: int = FLIPS, seed: int = SEED) -> NDArray[np.float64]:
    """Two-sided p-values of "the column's sum is zero", by flipping the signs of patients.

    If two methods do equally well, a patient's difference is as likely to have one sign as the other, so the observed
    sum is an ordinary one among those of all sign patterns. Fisher's randomisation test for pairs (*The Design of
    Experiments*, 1935, section 21), with the patient as the unit, since samples of one patient are not independent.
    Where all patterns are no more than `flips` + 1, all are looked at and the p-value is exact. Otherwise patterns
    are drawn, and the observed one counts among them, which keeps the p-value above 0 and the test valid (Phipson and
    Smyth, *Statistical Applications in Genetics and Molecular Biology* 9, 2010).

    Args:
        contributions: What each patient adds to the statistic, `[patients, m]`; one column for each comparison.
        flips: Sign patterns to draw.
        seed: Of the patterns.

    Returns:
        A p-value for each column, `[m]`; 1 where nothing differs.
    """
    table = np.asarray(contributions, dtype=np.float64)
    table = table[(table != 0).any(axis=1)]
    # A protocol's values may be as large as float32 goes; only their proportions matter here.
    largest = np.abs(table).max(axis=0, initial=0.0)
    table = table / np.where(largest > 0, largest, 1.0)
    exact = len(table) < 63 and 2 ** len(table) <= flips + 1
    # Of so few digits that no sum of them is rounded, or a library's threads and order of adding would have a say.
    steps = 2.0 ** (52 - len(table).bit_length())
    table = np.rint(table * steps) / steps
    total = table.sum(axis=0)
    threshold = np.abs(total) - (_TIE if exact else _TIE_DRAWN) * np.abs(table).sum(axis=0)
    patterns = _all_patterns(len(table)) if exact else _drawn_patterns(len(table), flips, seed)
    reached = np.zeros(table.shape[1], dtype=np.int64)
    number = 0
    for flipped in patterns:
        sums = total - 2 * (flipped.astype(np.float64) @ table)
        reached += (np.abs(sums) >= threshold).sum(axis=0)
        number += len(flipped)
    return reached / number if exact else (reached + 1) / (number + 1)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P-values corrected for their number, so that the chance of any false one stays at the level (Holm, 1979).

    Args:
        p_values: `[m]`; NaN where nothing was tested, which stays NaN and does not count.

    Returns:
        Corrected p-values `[m]`, at most 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    corrected = np.full(p.shape, np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(order.size, 0, -1)), 1.0)
    return corrected


def paired_p_values(
    differences: ArrayLike,
    pathology: ArrayLike,
    patient: ArrayLike,
    *,
    columns: Sequence[str],
    flips: int = FLIPS,
    seed: int = SEED,
) -> dict[str, NDArray[np.float64]]:
    """P-values of "the mean difference is zero", in each pathology and over all, not yet corrected.

    Args:
        differences: `[n, m]`, one row for each sample and one column for each comparison; NaN where one of the two
            methods has no value.
        pathology: Each sample's class, `[n]`.
        patient: Each sample's patient, `[n]`.
        columns: What to test: names of pathologies, `MACRO` (the mean of the pathologies' means), `MICRO` (the mean
            over samples).
        flips: Sign patterns to draw.
        seed: Of the patterns.

    Returns:
        By column, a p-value for each comparison `[m]`; NaN where no sample has both values.
    """
    classes, kind = np.unique(np.asarray(pathology, dtype=str), return_inverse=True)
    _, who = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    # A patient's samples side by side, so that they are summed as one piece.
    order = np.argsort(who, kind="stable")
    table, kind, who = np.asarray(differences, dtype=np.float64)[order], kind[order], who[order]
    counted = ~np.isnan(table)
    table = np.where(counted, table, 0.0)
    # [classes, m]: how many samples each comparison has in each class.
    numbers = np.zeros((len(classes), table.shape[1]), dtype=np.int64)
    np.add.at(numbers, kind, counted)
    p: dict[str, NDArray[np.float64]] = {}
    for column in columns:
        asked = np.ones(len(classes), dtype=bool) if column in (MACRO, MICRO) else classes == column
        mine = numbers * asked[:, None]
        total = mine.sum(axis=0)
        if not total.any():
            p[column] = np.full(table.shape[1], np.nan)
            continue
        # What a sample of each class weighs in the mean, [classes, m].
        if column == MACRO:
            weights = 1 / np.maximum(mine, 1) / np.maximum((mine > 0).sum(axis=0), 1)
        else:
            weights = np.broadcast_to(1 / np.maximum(total, 1), mine.shape)
        rows = np.flatnonzero(asked[kind])
        added, starts = table[rows] * weights[kind[rows]], np.flatnonzero(np.diff(who[rows], prepend=-1))
        contributions = np.add.reduceat(added, starts, axis=0)
        # A patient whose samples cancel adds nothing; what rounding leaves has a sign, and must not count.
        contributions[np.abs(contributions) <= _TIE * np.add.reduceat(np.abs(added), starts, axis=0)] = 0.0
        p[column] = np.where(total > 0, sign_flip(contributions, flips=flips, seed=seed), np.nan)
    return p


def mean_differences(differences: ArrayLike, pathology: ArrayLike, column: str) -> NDArray[np.float64]:
    """The mean differences that `paired_p_values` tests.

    Args:
        differences: `[n, m]`, as there.
        pathology: Each sample's class, `[n]`.
        column: A pathology, `MACRO` or `MICRO`.

    Returns:
        One for each comparison `[m]`; NaN where no sample has both values.
    """
    table, kind = np.ma.masked_invalid(np.asarray(differences, dtype=np.float64)), np.asarray(pathology, dtype=str)
    if column == MICRO:
        parts = [table]
    else:
        parts = [table[kind == name] for name in (np.unique(kind) if column == MACRO else [column])]
    means = np.ma.stack([part.mean(axis=0) for part in parts])
    return means.mean(axis=0).filled(np.nan)


def _all_patterns(patients: int) -> Iterator[NDArray[np.uint8]]:
    """Every choice of patients whose sign is flipped (1) or not (0), `[2 ** patients, patients]`."""
    yield (np.arange(2**patients)[:, None] >> np.arange(patients) & 1).astype(np.uint8)


def _drawn_patterns(patients: int, flips: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """As many random choices, some at a time."""
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // patients)
    for start in range(0, flips, step):
        some = min(step, flips - start)
        drawn = np.frombuffer(generator.bytes(-(-some * patients // 8)), dtype=np.uint8)
        yield np.unpackbits(drawn, count=some * patients).reshape(some, patients)
