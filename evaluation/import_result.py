"""Somebody else's result: checked as far as its rows allow, then kept apart from what was measured here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ..core import StoreError
from ..core.names import printable
from ..core.regular import read_regular
from ..metrics import known_protocol
from ..metrics.statistics import Cell as Computed
from .agreement import refuse_other_samples
from .averages import average
from .columns import NEGATIVE, columns_of
from .imported import IMPORT_FOLDER, ImportFile, write_import
from .pair import RESULT_FILE, SAMPLES_FILE, rows_file, write_pair
from .result import Result, load_result
from .schema import Cell, ResultFile

_INTERVAL_TOLERANCE = 0.1
"""Of an interval's width: six times what two bootstraps of 2,000 draws differ by, should the random numbers differ."""


@dataclass(frozen=True)
class ImportedResult:
    """A result that was brought in.

    Attributes:
        result: As it is stored now.
        notes: What a reader should know, one sentence each.
    """

    result: Result
    notes: tuple[str, ...]


def import_result(path: Path, out: Path) -> ImportedResult:
    """Check a foreign result and copy its two files, byte by byte, to OUT/imported/DATASET/PROTOCOL/METHOD.

    Checked beyond what reading checks (schema, hash of the rows, ranges, counts, averages): that the rows have no other
    columns than a result's, since others might hold what must not be published; that results in `out` of the same data
    have the same patients and classes; and, where the protocol is known here, that the intervals are those of the rows.
    That a method really gave these values cannot be checked.

    Args:
        path: A `result.json`, or the folder that holds it; `samples.parquet` is beside it.
        out: The folder of results.

    Raises:
        StoreError: If the result is damaged or contradicts itself or its neighbours, or another one is in its place.
    """
    result = load_result(path)
    source = path / RESULT_FILE if path.is_dir() else path
    _refuse_other_columns(result, source)
    info = result.info.protocol
    known = known_protocol(info.name, info.hash) is not None
    if known:
        _refuse_other_intervals(result, source)
    refuse_other_samples(result, source, out)
    folder = result.folder(out / IMPORT_FOLDER)
    _refuse_to_replace(folder, result)
    try:
        contents = read_regular(source), read_regular(rows_file(source.parent, result.info.samples_sha256))
    except OSError as error:
        raise StoreError(f"cannot read the result {error.filename}: {error.strerror}") from error
    about = ImportFile(
        what="result",
        source=printable(source.name),
        sha256=hashlib.sha256(contents[0]).hexdigest(),
        imported=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_import(folder, about)
    write_pair(folder, *contents)
    stored = load_result(folder)
    return ImportedResult(stored, tuple(_notes(stored, known=known)))


def _notes(result: Result, *, known: bool) -> list[str]:
    info = result.info
    notes: list[str] = []
    if not known:
        notes.append(
            f"{info.method.label}: the protocol {info.protocol.name} with the hash {info.protocol.hash[:12]} is not "
            "known here, so its metrics and intervals were not checked; it is shown apart from other protocols"
        )
    if not info.complete:
        notes.append(f"{info.method.label}: the run is not of the whole split, so it is never ranked")
    return notes


def _refuse_other_columns(result: Result, source: Path) -> None:
    known = {*columns_of(result.info.schema_version, result.info.metrics), NEGATIVE}
    if others := sorted(set(result.samples.columns) - known):
        raise StoreError(
            f"{source.with_name(SAMPLES_FILE)} has, beside those of a result, the columns {', '.join(others)}; ask for "
            "the file as evaluate wrote it"
        )


def _refuse_to_replace(folder: Path, result: Result) -> None:
    try:
        there = ResultFile.model_validate_json(read_regular(folder / RESULT_FILE))
    except (OSError, ValueError):  # nothing is there, or nothing that can be read
        return
    if there.samples_sha256 != result.info.samples_sha256:
        raise StoreError(
            f"{folder} holds another import of the same method, data and protocol with other values; move it away, or "
            "choose another folder with --out"
        )


def _refuse_other_intervals(result: Result, source: Path) -> None:
    info, rows = result.info, result.samples
    keys = [metric.key for metric in info.metrics]
    computed = average(rows, info.metrics, info.dataset, list(info.pathologies))
    tables = [("macro", info.overall.macro, computed.macro), ("micro", info.overall.micro, computed.micro)]
    tables += [(name, cells, computed.pathologies[name]) for name, cells in info.pathologies.items()]
    for name, stated, found in tables:
        _compare_intervals(f"{source}: the 95 % interval of {name}", keys, stated, found)


def _compare_intervals(what: str, keys: Sequence[str], stated: dict[str, Cell], found: Sequence[Computed]) -> None:
    for key, cell in zip(keys, found, strict=True):
        ends, expected = (stated[key].low, stated[key].high), (cell.low, cell.high)
        if None in ends or None in expected:
            agree = ends == expected
        else:
            (low, high), (least, most) = (np.asarray(pair, dtype=np.float64) for pair in (ends, expected))
            allowed = _INTERVAL_TOLERANCE * (most - least) + 1e-9 * max(abs(least), abs(most), 1.0)
            agree = max(abs(low - least), abs(high - most)) <= allowed
        if not agree:
            raise StoreError(f"{what} {key} is {list(ends)}, the rows give {list(expected)}")
