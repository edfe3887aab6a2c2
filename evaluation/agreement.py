"""Results over the same samples must say the same of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ..core import StoreError
from .imported import IMPORT_FOLDER
from .pair import RESULT_FILE, RowsFile, read_pair
from .result import Result
from .schema import DatasetInfo

_SHARED = ["pathology", "patient_key"]
DESCRIBED = ("sample_id", *_SHARED)
"""Columns that results over the same samples share."""


def refuse_other_samples(result: Result, source: Path, out: Path) -> None:
    """Hold a foreign result's patients and classes against those of the results that are already there.

    A comparison of methods takes both from whichever result it opens first, and draws and flips by patient: foreign
    patients would change the p-values of all.

    Args:
        result: The foreign result.
        source: Its `result.json`, for the message.
        out: The folder of results.

    Raises:
        StoreError: If a result of the same data says something else of a sample.
    """
    mine = result.samples.loc[:, list(DESCRIBED)]
    for file, theirs in _same_data(result, out):
        if apart := disagreement(mine, theirs):
            raise StoreError(
                f"{source} and {file} are of the same data, and {apart}; ask for the file as evaluate wrote it, or "
                "choose another folder with --out"
            )


def disagreement(mine: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """What two results say differently of the samples that both have, as "the pathology of 3 samples differs (ID)".

    Args:
        mine: The columns `DESCRIBED` of the one.
        theirs: Those of the other.

    Returns:
        "" where they agree.
    """
    if mine.equals(theirs):
        return ""
    both = mine.merge(theirs, on="sample_id", suffixes=("", " there"))
    for name in _SHARED:
        other = both.loc[both[name] != both[f"{name} there"], "sample_id"]
        if len(other):
            return f"the {name} of {len(other)} samples differs ({other.iloc[0]})"
    return ""


def _same_data(result: Result, out: Path) -> Iterator[tuple[Path, pd.DataFrame]]:
    """What the results of a folder say of the same samples; the leaderboard names those that are damaged."""
    for root in (out, out / IMPORT_FOLDER):
        for file in sorted(result.folder(root).parents[1].glob(f"*/*/{RESULT_FILE}")):
            try:
                # Checking each whole would take minutes where fifty results are imported beside fifty.
                info, content = read_pair(file)
                if _identity(info.dataset) != _identity(result.info.dataset):
                    continue
                rows = RowsFile(content).read(["sample_id", *_SHARED], lists=None).astype("string")
            # A file of it that is damaged, in whatever way.
            except Exception:  # noqa: S112
                continue
            yield file, rows


def _identity(data: DatasetInfo) -> tuple[str, str]:
    return data.fingerprint, data.split
