"""Whatever lies in the place of a file of the results: told by name, never waited for, never followed out."""

import os
import re
import socket

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from groundcxr.core import Grounding, StoreError
from groundcxr.core.fingerprint import file_digest
from groundcxr.evaluation.prediction import image_key
from groundcxr.evaluation.store import PredictionStore
from groundcxr.leaderboard.rows import read_rows


def pipe(path):
    os.mkfifo(path)


def listener(path):
    with socket.socket(socket.AF_UNIX) as one, pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)  # a socket's whole path may be too long for one
        one.bind(path.name)


def dangling(path):
    path.symlink_to("nowhere")


def loop(path):
    path.symlink_to(path.name)


def device(path):
    path.symlink_to("/dev/zero")


ODD = [
    (pipe, "a named pipe"),
    (listener, "a socket"),
    (lambda path: path.mkdir(), "a folder"),
    (dangling, "a link"),
    (loop, "a link"),
    (device, "a link"),
]


@pytest.mark.parametrize("name", ["result.json", "samples.parquet", "import.json"])
@pytest.mark.parametrize(("make", "said"), ODD)
def test_what_is_no_file_is_left_out_by_name(save_run, scan, make, said, name):
    save_run("good")
    place = save_run("odd").path.with_name(name)
    place.unlink(missing_ok=True)
    make(place)
    library = scan()
    assert [run.label for run in library.runs] == ["good"]
    (problem,) = library.problems
    assert problem.startswith(f"{place} cannot be read: it is {said}")


def test_a_pipe_among_the_predictions_is_told(save_run, scan, tmp_path):
    saved = save_run("a")
    method = saved.info.method
    store = PredictionStore(tmp_path / "results" / "store", method.name, method.fingerprint, {})
    store.add({"f" * 64: {"0123456789abcdef": Grounding()}})
    file = image_key("f" * 64)
    store.note_samples(saved.info.dataset.fingerprint, {"one": f"{file}-0123456789abcdef"})
    (path,) = store.folder.glob("batches/*")
    path.unlink()
    os.mkfifo(path)
    (run,) = scan().runs
    with pytest.raises(StoreError, match="named pipe"):
        run.prediction("one")


def rows_with(path, metadata):
    """A Parquet file of three rows whose notes by pandas are these bytes."""
    frame = pd.DataFrame({"sample_id": ["a", "b", "c"], "value": [0.1, 0.2, 0.3]})
    frame.to_parquet(path)
    table = pq.read_table(path)
    pandas = metadata(table.schema.metadata[b"pandas"])
    pq.write_table(table.replace_schema_metadata({b"pandas": pandas}), path)
    return path, file_digest(path)


@pytest.mark.parametrize(
    "metadata",
    [
        lambda good: b"{broken",
        lambda good: b"\xff\xfe",
        lambda good: b"[]",
        lambda good: good.replace(b'"columns"', b'"colums"'),
        lambda good: good.replace(b'"float64"', b'"float9"'),
        lambda good: good.replace(b'"kind": "range"', b'"kind": "orange"'),
        # The ids would become the rows' names.
        lambda good: (
            b'{"index_columns": ["sample_id"], "columns": [{"name": "sample_id", "field_name": "sample_id", '
            b'"pandas_type": "unicode", "numpy_type": "object", "metadata": null}], "column_indexes": []}'
        ),
    ],
)
def test_damaged_notes_of_pandas_end_in_a_sentence(tmp_path, metadata):
    path, sha = rows_with(tmp_path / "samples.parquet", metadata)
    with pytest.raises(StoreError, match=re.escape(str(path))):
        read_rows(path, sha, 3, ("sample_id", "value"))


def test_rows_are_counted_before_any_is_read(tmp_path, monkeypatch):
    path, sha = rows_with(tmp_path / "samples.parquet", lambda good: good)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda *arguments, **options: pytest.fail("rows are read"))
    with pytest.raises(StoreError, match="has 3 rows for 20 samples"):
        read_rows(path, sha, 20, None)


def test_a_root_that_no_disk_can_have_is_an_error_and_no_traceback(groundcxr, save_run):
    save_run("a")
    for root in ("x" * 5000, "~no-such-user/results", "results/" + "y" * 300):
        ran = groundcxr("export", root)
        assert ran.code == 2
        assert ran.err.count("error:") == 1
        assert "Traceback" not in ran.err


def test_a_name_of_letters_that_unicode_lacks_is_shown_as_escapes(save_run, scan, tmp_path):
    folder = tmp_path / os.fsdecode(b"r\xe9sultats")
    save_run("a", {"box_iou": np.linspace(0, 1, 12)}, out=folder)
    (run,) = scan(folder).runs
    from groundcxr.leaderboard.views.markup import text

    assert "r\\udce9sultats" in text(run.path)
    text(run.path).encode()
