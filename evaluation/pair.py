"""`result.json` and `samples.parquet`: two files that are written as one, and read with limits."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from ..core import StoreError
from ..core.files import remove_leftovers, rename, told, write_atomically
from ..core.fingerprint import digest
from ..core.names import printable
from ..core.process import is_alive, this_process
from ..core.regular import read_regular
from .schema import SCHEMA_VERSION, ResultFile

RESULT_FILE = "result.json"
SAMPLES_FILE = "samples.parquet"

MOST_SAMPLES = 1_000_000
_MOST_BYTES = 2**30
_MOST_LISTED = 200_000_000
_LONGEST_TEXT = 10_000
_TRIES = 5
_DAY = 24 * 3600.0


def write_pair(folder: Path, info: bytes, rows: bytes) -> None:
    """Replace both files, so that whenever a kill or a full disk ends it, the old pair or the new one can be read.

    The rows wait under a name by their hash, where a reader who has the new `result.json` finds them, until the old
    ones are no longer asked for. Of two writers at one moment, who ends last leaves a pair, the other's or its own.

    Args:
        folder: A result's folder.
        info: The content of `result.json`.
        rows: The content of `samples.parquet`, whose hash `info` states.

    Raises:
        StoreError: If they cannot be written.
    """
    remove_leftovers(folder)
    waiting = folder / f"{_waiting(hashlib.sha256(rows).hexdigest())}.{_writer()}.parquet"
    for _ in range(_TRIES):
        write_atomically(waiting, rows)
        write_atomically(folder / RESULT_FILE, info)
        with told(folder / SAMPLES_FILE):
            if read_regular(folder / RESULT_FILE) == info:
                with suppress(FileNotFoundError):  # an equal run in this process was as fast
                    rename(waiting, folder / SAMPLES_FILE)
            else:  # another writer's by now
                waiting.unlink(missing_ok=True)
            for other in folder.glob("samples.*.parquet"):
                if _is_left(other):
                    other.unlink(missing_ok=True)
        if _is_pair(folder / RESULT_FILE):
            return


def parquet(samples: pd.DataFrame) -> bytes:
    """The rows as `samples.parquet` has them."""
    buffer = io.BytesIO()
    samples.to_parquet(buffer, index=False)
    return buffer.getvalue()


def rows_file(folder: Path, sha256: str) -> Path:
    """Where the rows of this hash are: in `samples.parquet`, unless their writer was killed before they got there."""
    return next(iter(sorted(folder.glob(f"{_waiting(sha256)}.*"))), folder / SAMPLES_FILE)


def read_pair(file: Path) -> tuple[ResultFile, bytes]:
    """A result and the bytes of its rows.

    Args:
        file: The `result.json`.

    Raises:
        StoreError: If a file is missing, damaged, no regular file, too large, or not of the other.
    """
    try:
        for _ in range(_TRIES):
            try:
                return _read(file)
            except (FileNotFoundError, _OtherRowsError):
                # A writer may have been at work; what it wrote is whole now.
                continue
        return _read(file)
    except OSError as error:
        raise StoreError(f"cannot read the result {error.filename}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{printable('.'.join(map(str, first['loc'])))}: " if first["loc"] else ""
        raise StoreError(f"{file} is no result of schema 1 or {SCHEMA_VERSION}: {where}{first['msg']}") from error


class RowsFile:
    """A `samples.parquet` of which nothing but the footer has been read.

    Attributes:
        n: How many rows it says it has.
        names: Its columns.
    """

    def __init__(self, content: bytes) -> None:
        """Read the footer.

        Args:
            content: The file.

        Raises:
            Exception: Whatever Arrow raises on damaged files, which is open-ended.
        """
        self._content = content
        self._footer = pq.read_metadata(io.BytesIO(content))
        self._schema = self._footer.schema.to_arrow_schema()
        self.n: int = self._footer.num_rows
        self.names: list[str] = self._schema.names

    def read(self, columns: Sequence[str] | None = None, lists: Collection[str] | None = ()) -> pd.DataFrame:
        """As `table`, with lists as arrays of their own."""
        return self.table(columns, lists).to_pandas(use_threads=False)

    def table(self, columns: Sequence[str] | None = None, lists: Collection[str] | None = ()) -> pa.Table:
        """The rows, held to limits before they are unpacked: a small file can claim any size.

        Args:
            columns: Only these, in this order; all by default.
            lists: Those that may hold lists of numbers, as rows of metrics whose cells are no means do; None for any.

        Raises:
            ValueError: If it claims more than a result has; it is damaged in a way that is found early.
            Exception: Whatever Arrow and pandas raise on damaged files, which is open-ended.
        """
        schema = self._schema
        text = [one.name for one in schema if pa.types.is_string(one.type) or pa.types.is_large_string(one.type)]
        # As dictionaries, a long text in many rows takes its room once.
        file = pq.ParquetFile(io.BytesIO(self._content), metadata=self._footer, read_dictionary=text, pre_buffer=False)
        groups = [self._footer.row_group(group) for group in range(self._footer.num_row_groups)]
        if max(self.n, sum(group.num_rows for group in groups)) > MOST_SAMPLES:
            raise ValueError(f"it claims more than {MOST_SAMPLES:,} rows")
        # Not `group.column(...)`: PyArrow ends the process where a column's metadata is damaged.
        size = sum(group.total_byte_size for group in groups)
        if size > _MOST_BYTES:
            raise ValueError(f"it claims {size:,} bytes, more than {_MOST_BYTES:,}")
        nested = [field for field in schema if pa.types.is_nested(field.type)]
        for field in nested:
            fits = pa.types.is_list(field.type) and _is_number(field.type.value_type)
            if not fits or (lists is not None and field.name not in lists):
                raise ValueError(f"the column {field.name} holds lists or records")
        # Only of lists, which say nowhere else how long they are.
        leaves = [leaf for leaf in range(len(file.schema)) if file.schema.column(leaf).max_repetition_level > 0]
        claimed = sum(group.column(leaf).num_values for group in groups for leaf in leaves)
        if claimed > _MOST_LISTED:
            raise ValueError(f"it claims {claimed:,} numbers in lists, more than {_MOST_LISTED:,}")
        # Without Arrow's own threads, of which there may be none to have.
        table = file.read(columns=None if columns is None else list(columns), use_threads=False)
        for place, field in enumerate(table.schema):
            if field.name in text:
                column = table.column(place)
                _refuse_long(column, field.name)
                table = table.set_column(place, schema.field(field.name), column.cast(schema.field(field.name).type))
        return table


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)


class _OtherRowsError(StoreError):
    """Rows that are not those of the `result.json` beside them."""


def _read(file: Path) -> tuple[ResultFile, bytes]:
    info = ResultFile.model_validate_json(read_regular(file, _MOST_BYTES // 16))
    rows = rows_file(file.parent, info.samples_sha256)
    content = read_regular(rows, _MOST_BYTES)
    if hashlib.sha256(content).hexdigest() != info.samples_sha256:
        raise _OtherRowsError(f"{rows} is not the file that {file} was written with; run it again")
    return info, content


def _is_pair(file: Path) -> bool:
    try:
        _read(file)
    except (FileNotFoundError, _OtherRowsError):
        return False
    return True


def _waiting(sha256: str) -> str:
    return f"samples.{sha256[:16]}"


def _writer() -> str:
    """This process, without the name of its machine: results are published."""
    host, pid, start = this_process().rsplit("-", 2)
    return f"{digest(host)[:8]}-{pid}-{start}"


def _is_left(waiting: Path) -> bool:
    """Whether rows wait for a writer that was killed; one on another machine has a day."""
    host, *process = waiting.name.split(".")[2].split("-")
    mine = this_process().rsplit("-", 2)[0]
    if host == digest(mine)[:8]:
        return is_alive("-".join([mine, *process])) is False
    try:
        return time.time() - waiting.stat().st_mtime > _DAY
    except OSError:
        return False


def _refuse_long(column: pa.ChunkedArray, name: str) -> None:
    for chunk in column.chunks:
        longest = pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0  # pyright: ignore[reportAttributeAccessIssue]
        if longest > _LONGEST_TEXT:
            raise ValueError(f"the column {name} has a text of {longest:,} bytes")
