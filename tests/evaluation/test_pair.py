"""A result's two files are replaced as one, whenever the writer dies; and they are read with limits."""

import errno
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundcxr import evaluate
from groundcxr.core import StoreError
from groundcxr.evaluation import load_result
from groundcxr.evaluation.import_result import import_result
from groundcxr.evaluation.pair import RowsFile, rows_file
from groundcxr.leaderboard.library import Library


class Killed(BaseException):
    """As a kill, an exception that nothing handles."""


@pytest.fixture
def old(tiny, tmp_path):
    return evaluate("center-prior", tiny, out=tmp_path / "out")


@pytest.fixture
def new(old):
    """The same run with other rows: grounding took longer."""
    rows = old.samples.copy()
    rows["seconds"] += 1
    buffer = io.BytesIO()
    rows.to_parquet(buffer, index=False)
    info = old.info.model_copy(update={"samples_sha256": hashlib.sha256(buffer.getvalue()).hexdigest()})
    return replace(old, info=info, samples=rows)


def at_call(monkeypatch, name, number, action):
    """Let a function of os do something else at its nth call, and never come back."""
    real, calls = getattr(os, name), []

    def call(*arguments, **options):
        calls.append(1)
        return real(*arguments, **options) if len(calls) < number else action()

    monkeypatch.setattr(os, name, call)
    return calls


def die():
    raise Killed


def fill():
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("call", "number", "action", "error"),
    [
        ("replace", 1, die, Killed),
        ("replace", 2, die, Killed),
        ("replace", 3, die, Killed),
        ("fsync", 1, fill, StoreError),
        ("fsync", 2, fill, StoreError),
        ("replace", 3, fill, StoreError),
    ],
)
def test_the_old_pair_or_the_new_one_is_there_at_every_moment(
    old, new, tmp_path, monkeypatch, call, number, action, error
):
    with monkeypatch.context() as patched:
        calls = at_call(patched, call, number, action)
        with pytest.raises(error):
            new.save(tmp_path / "out")
        assert len(calls) == number
    found = load_result(old.path)
    whole = (old, new)[number == 3]
    assert found.info == whole.info
    pd.testing.assert_frame_equal(found.samples, whole.samples, check_dtype=False, check_categorical=False)
    (run,) = Library.scan([tmp_path / "out"]).runs
    assert len(run.samples()) == 10
    # The next writer leaves the two files alone.
    again = new.save(tmp_path / "out")
    assert again.info == new.info
    names = sorted(path.name for path in old.path.parent.iterdir())
    assert names == ["result.json", "samples.parquet"]


def test_a_result_whose_writer_was_killed_can_be_imported(old, new, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        at_call(patched, "replace", 3, die)
        with pytest.raises(Killed):
            new.save(tmp_path / "out")
    imported = import_result(old.path.parent, tmp_path / "theirs").result
    assert imported.info == new.info
    names = ["import.json", "result.json", "samples.parquet"]
    assert sorted(path.name for path in imported.path.parent.iterdir()) == names


KILLED = """
import os, signal, sys
from pathlib import Path
from groundcxr.evaluation import load_result
real, calls = os.replace, []
def replace(*arguments):
    calls.append(1)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    real(*arguments)
os.replace = replace
import dataclasses, hashlib, io
result = load_result(Path(sys.argv[1]))
rows = result.samples.assign(seconds=7.0)
buffer = io.BytesIO()
rows.to_parquet(buffer, index=False)
info = result.info.model_copy(update={"samples_sha256": hashlib.sha256(buffer.getvalue()).hexdigest()})
dataclasses.replace(result, info=info, samples=rows).save(Path(sys.argv[3]))
"""


def test_a_kill_between_the_renames_leaves_a_result_and_the_next_run_tidies_up(old, new, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, str(old.path), "3", str(out)]
    assert subprocess.run(command, cwd=tmp_path, timeout=120).returncode == -signal.SIGKILL
    assert set(load_result(old.path).samples["seconds"]) == {7.0}
    new.save(out)
    assert sorted(path.name for path in old.path.parent.iterdir()) == ["result.json", "samples.parquet"]


def forge(path, rows: bytes, **changes):
    """Other rows, with a result.json that knows their hash."""
    (path.parent / "samples.parquet").write_bytes(rows)
    content = json.loads(path.read_text())
    content["samples_sha256"] = hashlib.sha256(rows).hexdigest()
    content["dataset"].update(changes)
    path.write_text(json.dumps(content))


def parquet(table, **options):
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def many_rows(count):
    zeros = pa.array(np.zeros(count, dtype=np.int8))
    return parquet(pa.table({"sample_id": zeros}), compression="zstd")


def test_a_small_file_of_many_rows_is_refused_before_it_is_unpacked(old, monkeypatch):
    rows = many_rows(3_000_000)
    assert len(rows) < 20_000
    monkeypatch.setattr(pq.ParquetFile, "read", lambda *_, **__: pytest.fail("it was read"))
    forge(old.path, rows)
    with pytest.raises(StoreError, match="3000000 rows for 10 samples"):
        load_result(old.path)
    forge(old.path, rows, n_samples=3_000_000)
    with pytest.raises(StoreError, match="claims more than 1,000,000 rows"):
        load_result(old.path)


def test_long_texts_and_large_pages_are_refused(old, monkeypatch):
    table = pa.table({"sample_id": pa.array(["a" * 10**6] * 10).dictionary_encode().cast(pa.string())})
    forge(old.path, parquet(table))
    with pytest.raises(StoreError, match="sample_id has a text of 1,000,000 bytes"):
        load_result(old.path)
    monkeypatch.setattr("groundcxr.evaluation.pair._MOST_BYTES", 2**19)
    forge(old.path, parquet(table, use_dictionary=False, compression="gzip"))
    with pytest.raises(StoreError, match="bytes, more than 524,288"):
        load_result(old.path)


def test_damaged_metadata_of_a_column_do_not_end_the_process():
    whole = parquet(pa.table({"seconds": [1, 2, 3]}))
    # A histogram of definition levels, said to be of repetition levels, of which there are none.
    before, after = bytes.fromhex("3c29061926000600"), bytes.fromhex("3c29260006190600")
    assert whole.count(before) == 1
    code = "import sys; from groundcxr.evaluation.pair import RowsFile; RowsFile(sys.stdin.buffer.read()).read()"
    damaged = whole.replace(before, after)
    ran = subprocess.run([sys.executable, "-c", code], input=damaged, capture_output=True, check=False)
    assert ran.returncode == 1
    assert b"OSError: Repetition level histogram size mismatch" in ran.stderr


def test_a_key_that_nobody_knows_is_named_shortly(old):
    forge(old.path, (old.path.parent / "samples.parquet").read_bytes(), **{"9" * 5000: 1})
    with pytest.raises(
        StoreError, match=r"is no result of schema .*: dataset\.9{72}\.\.\.: Extra inputs are not permitted"
    ):
        load_result(old.path)


def test_lists_in_a_column_are_refused(old):
    forge(old.path, parquet(pa.table({"sample_id": pa.array([[1]] * 10)})))
    with pytest.raises(StoreError, match="the column sample_id holds lists or records"):
        load_result(old.path)


@pytest.mark.parametrize("words", [b"", b"{", b"[]", b'{"columns": 3}', b'{"index_columns": ["nowhere"]}', b"\xff"])
def test_damaged_words_of_pandas_are_refused_or_do_no_harm(old, tmp_path, words):
    table = pq.read_table(old.path.parent / "samples.parquet")
    forge(old.path, parquet(table.replace_schema_metadata({**table.schema.metadata, b"pandas": words})))
    try:
        found = load_result(old.path)
    except StoreError:
        assert not Library.scan([tmp_path / "out"]).runs
    else:
        (run,) = Library.scan([tmp_path / "out"]).runs
        assert len(run.samples()) == len(found.samples) == 10


def test_rows_are_read_as_pandas_reads_them(tiny, tmp_path):
    # Rows of v1 hold no lists, which pandas gives back as something else.
    content = (evaluate("center-prior", tiny, "v1", out=tmp_path).path.parent / "samples.parquet").read_bytes()
    pd.testing.assert_frame_equal(RowsFile(content).read(), pd.read_parquet(io.BytesIO(content)))
    some = ["pathology", "sample_id", "auroc", "auroc_status"]
    pd.testing.assert_frame_equal(RowsFile(content).read(some), pd.read_parquet(io.BytesIO(content), columns=some))


@pytest.mark.parametrize("name", ["result.json", "samples.parquet", "import.json"])
def test_a_pipe_in_a_files_place_is_one_sentence(old, tmp_path, name):
    path = old.path.parent / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    if name != "import.json":
        with pytest.raises(StoreError, match=f"{name}: it is a named pipe"):
            load_result(old.path)
    scanned = Library.scan([tmp_path / "out"])
    assert not scanned.runs
    assert "it is a named pipe" in scanned.problems[0]


def test_rows_of_another_result_are_not_taken_for_those_that_wait(old):
    waiting = old.path.parent / f"samples.{'0' * 16}.parquet"
    waiting.write_bytes(b"")
    assert rows_file(old.path.parent, old.info.samples_sha256).name == "samples.parquet"
    assert load_result(old.path).info == old.info


@pytest.mark.parametrize("call", [("replace", 1), ("replace", 2), ("replace", 3), ("unlink", 1)])
def test_of_two_writers_at_one_moment_a_pair_is_left(old, new, tmp_path, monkeypatch, call):
    """The other one runs from its beginning to its end at each step of the first."""
    name, number = call
    real, calls = getattr(os, name), []

    def step(*arguments, **options):
        calls.append(1)
        if len(calls) == number:
            old.save(tmp_path / "out")
        return real(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, name, step)
        new.save(tmp_path / "out")
    found = load_result(old.path)
    assert found.info in (old.info, new.info)
    assert sorted(path.name for path in old.path.parent.iterdir()) == ["result.json", "samples.parquet"]


def test_rows_wait_without_the_name_of_their_machine(old, new, tmp_path, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "secret-host")
    with monkeypatch.context() as patched:
        at_call(patched, "replace", 3, die)
        with pytest.raises(Killed):
            new.save(tmp_path / "out")
    names = [path.name for path in old.path.parent.iterdir()]
    assert len(names) == 3
    assert not any("secret" in name for name in names)
