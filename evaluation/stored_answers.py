"""What a store has of a result's samples."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import pandas as pd

from ..core import GroundCXRError, Grounding, StoreError
from ..core.config import STORE, configured_path
from .columns import PREDICTION_KEY
from .prediction import Failure, Prediction
from .schema import ResultFile
from .store import StoredPredictions, method_folder, sample_keys

KEY_COLUMNS = ("sample_id", PREDICTION_KEY)
"""The columns of rows of schema 1 that say where predictions are."""

_KEY = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")


def predictions_folder(info: ResultFile, store: Path) -> Path | None:
    """The folder of a result's method in a store; None where there is none."""
    folder = method_folder(store, info.method.name, info.method.fingerprint)
    # A store is its owner's alone: whoever may read nothing but the results sees them without pictures.
    return folder if os.path.isdir(folder) else None  # noqa: PTH112  (unlike Path's it bears a closed folder)


def prediction_keys(info: ResultFile, folder: Path | None, rows: Callable[[], pd.DataFrame]) -> Mapping[str, str]:
    """Where the predictions of a result's samples are, by sample id; empty where none is stored.

    Args:
        info: The result.
        folder: What `predictions_folder` gave.
        rows: Gives the result's rows with `KEY_COLUMNS`; asked only of one of schema 1.
    """
    if info.schema_version == 1:
        known = rows().dropna(subset=[PREDICTION_KEY])
        return dict(zip(known["sample_id"].astype(str), known[PREDICTION_KEY].astype(str), strict=True))
    return {} if folder is None else sample_keys(folder, info.dataset.fingerprint)


def stored_prediction(folder: Path, key: str) -> Prediction | None:
    """What a method answered; None where it is not stored.

    Args:
        folder: What `predictions_folder` gave.
        key: Of `prediction_keys`.

    Raises:
        StoreError: If the stored file is damaged.
    """
    # The key is from a file that may be somebody else's: nothing but hexadecimal digits is looked for.
    parts = _KEY.fullmatch(key)
    return None if parts is None else _stored(folder).answer(parts[1], parts[2])


def stored_answer(
    info: ResultFile, rows: pd.DataFrame, sample_id: str, path: Path | None, store: Path | None
) -> Prediction:
    """What a method answered about a sample, or how it failed.

    Args:
        info: The result.
        rows: Its rows.
        sample_id: Of one of them.
        path: The `result.json`; None where there is none yet.
        store: The folder of the predictions; None to look where `evaluate` puts it.

    Raises:
        GroundCXRError: If there is no such sample.
        StoreError: If no predictions of the method are there, or the stored file is damaged.
    """
    if sample_id not in set(rows["sample_id"].astype(str)):
        raise GroundCXRError(f"the result has no sample {sample_id!r}; the column sample_id of its samples has the ids")
    folder = _folder_of(info, path, store)
    key = prediction_keys(info, folder, lambda: rows.loc[:, list(KEY_COLUMNS)]).get(sample_id, "")
    answer = stored_prediction(folder, key)
    if answer is None:
        raise StoreError(f"{folder} has no answer for sample {sample_id}; run evaluate again")
    return answer


def answered(label: str, sample_id: str, answer: Prediction, what: str) -> Grounding:
    """An answer that is none of a failure.

    Args:
        label: The method's name.
        sample_id: The sample.
        answer: What `stored_answer` gave.
        what: What there is none of otherwise: "map".

    Raises:
        GroundCXRError: If the method failed.
    """
    if isinstance(answer, Failure):
        why = ", ".join(filter(None, (answer.kind, answer.place)))
        raise GroundCXRError(f"{label} failed on sample {sample_id} ({why}), so there is no {what} of it")
    return answer


def _folder_of(info: ResultFile, path: Path | None, store: Path | None) -> Path:
    """The folder of a result's predictions.

    Raises:
        StoreError: If there is none.
    """
    # OUT is above DATASET/PROTOCOL/METHOD, which an import has in a folder of its own.
    above = [] if path is None else list(path.absolute().parents)[3:5]
    configured = configured_path(STORE)
    usual = [*([] if configured is None else [configured]), *(out / STORE for out in above)]
    places = usual if store is None else [store]
    for place in places:
        if (folder := predictions_folder(info, place)) is not None:
            return folder
    where = f" in {' or '.join(map(str, places))}" if places else ": the result is not saved, so its store is not known"
    never = " (a control that reads the ground truth is never stored)" if info.method.control else ""
    raise StoreError(
        f"there are no predictions of {info.method.label}{where}{never}; give the folder that evaluate or score used "
        "with store=, or run evaluate again"
    )


@lru_cache(maxsize=64)
def _stored(folder: Path) -> StoredPredictions:
    """A folder's predictions, whose directories are read once."""
    return StoredPredictions(folder)
