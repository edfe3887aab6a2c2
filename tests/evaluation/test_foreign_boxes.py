"""Files of boxes: every spelling of an id finds its sample, doubts are told, other files are told apart."""

import csv
import io
import json
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest

from groundcxr.core import GroundCXRError
from groundcxr.evaluation import Selection, load_result
from groundcxr.evaluation.foreign import what_is
from groundcxr.evaluation.foreign_boxes import read_boxes
from groundcxr.evaluation.import_predictions import ForeignPredictions
from groundcxr.metrics import get_protocol

SIZES = {"42": (100, 80), "0042": (100, 80), "0007": (100, 80), "4600135444849964": (100, 80), "ab1": (100, 80)}


def write(path, entries):
    file = path / "boxes.json"
    file.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    return file


def entry(image_id, bbox=(1, 2, 30, 40), **more):
    return {"image_id": image_id, "bbox": list(bbox), **more}


@pytest.mark.parametrize(
    ("spelling", "sample_id"),
    [
        (42, "42"),
        (42.0, "42"),
        ("42", "42"),
        ("0042", "0042"),
        (4600135444849964, "4600135444849964"),
        (4600135444849964.0, "4600135444849964"),
        ("ab1", "ab1"),
        ("AB1", "ab1"),
    ],
)
def test_an_id_is_found_however_it_is_spelt(tmp_path, spelling, sample_id):
    boxes, doubts = read_boxes(write(tmp_path, [entry(spelling), entry(spelling, (5, 6, 7, 8))]), SIZES)
    assert {key: [box.as_tuple() for box in found] for key, found in boxes.items()} == {
        sample_id: [(1, 2, 31, 42), (5, 6, 12, 14)]
    }
    assert doubts == []


@pytest.mark.parametrize(
    ("spelling", "words"),
    [
        (7, "ids are text: as numbers some have lost the zeros in front"),
        (42.5, "no sample ids of this split (42.5)"),
        ("42.0", "no sample ids of this split (42.0)"),
        (" 42", "no sample ids of this split ( 42)"),
        (True, "no sample ids of this split (True)"),
        (None, "no sample ids of this split (None)"),
        ([42], "no sample ids of this split ([42])"),
        ("\ud800\n", r"no sample ids of this split (\ud800\n)"),
        ("x" * 5000, "no sample ids of this split (xxx"),
    ],
)
def test_what_is_no_id_is_named(tmp_path, spelling, words):
    with pytest.raises(GroundCXRError) as refused:
        read_boxes(write(tmp_path, [entry("42"), entry(spelling)]), SIZES)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(("one", "other"), [(42, "42"), (42, 42.0), ("ab1", "AB1")])
def test_two_spellings_of_one_id_are_refused(tmp_path, one, other):
    with pytest.raises(GroundCXRError, match=r"of entry 0 and .* of entry 2 mean one sample; write it in one way"):
        read_boxes(write(tmp_path, [entry(one), entry("0042"), entry(other)]), SIZES)


@pytest.mark.parametrize(
    ("bbox", "words"),
    [
        ((20, 15, 80, 65), None),
        ((20, 15, 100, 80), "boxes look like corners x0, y0, x1, y1"),
        ((0.2, 0.15, 0.6, 0.5), "boxes lie within 0..1"),
        ((20, 15, 400, 500), "boxes reach outside their image"),
    ],
)
def test_boxes_in_another_frame_are_doubted(tmp_path, bbox, words):
    _, doubts = read_boxes(write(tmp_path, [entry("42", bbox), entry("ab1", bbox)]), SIZES)
    if words is None:
        assert doubts == []
        return
    (doubt,) = doubts
    assert doubt.kind.startswith(words)
    assert (doubt.count, doubt.example[:19]) == (2, "boxes.json, entry 0")


def test_a_doubt_is_told_and_noted(groundcxr, manifest, tmp_path):
    data = ("--dataset", "manifest", "--root", manifest)
    assert groundcxr("samples", *data, "--out", "samples.csv").code == 0
    with (tmp_path / "samples.csv").open(encoding="utf-8") as file:
        ids = [row["sample_id"] for row in csv.DictReader(file)]
    write(tmp_path, [entry(one, (30, 20, 50, 35)) for one in ids])
    ran = groundcxr("import", "boxes.json", "--name", "corners", *data)
    assert ran.code == 0
    assert "warning: corners: boxes look like corners" in ran.err
    assert ": 5, for example boxes.json, entry 0: " in ran.err
    (note,) = load_result(tmp_path / ran.out.splitlines()[-1]).info.notes
    assert (note.count, note.text[:23]) == (5, "boxes look like corners")


def test_ids_of_digits_alone_are_scored(tiny, tmp_path):
    """As JSON writers that turn them into numbers would have them."""
    tiny._samples = tuple(replace(sample, sample_id=str(7 + number)) for number, sample in enumerate(tiny))
    selection = Selection(tiny, tuple(tiny), complete=True)
    entries = [
        entry(int(sample.sample_id), (box.x0, box.y0, box.width, box.height)) for sample in tiny for box in sample.boxes
    ]
    foreign = ForeignPredictions([write(tmp_path, entries)], selection, name="truth", kind="box")
    (result,) = foreign.score([get_protocol("v1")], tmp_path / "out", tmp_path / "store")
    assert result.info.overall.micro["box_iou"].value == 1
    assert result.info.statuses["box_iou"]["ok"] == len(entries)


def saved(save, *content):
    buffer = io.BytesIO()
    save(buffer, *content)
    return buffer.getvalue()


OTHER = {
    "dict.json": (json.dumps({"42": [[10, 10, 20, 20, 0.9]]}).encode(), "it holds an object (42) instead of a list"),
    "coco.json": (json.dumps({"images": [], "annotations": [], "categories": [], "info": 1}).encode(), "(images, "),
    "lines.jsonl": (b'{"image_id": "42"}\n{"image_id": "42"}\n', "one JSON value after another"),
    "boxes.csv": (b"image_id,x,y,w,h\n42,1,2,3,4\n", "it is not JSON"),
    "yolo.txt": (b"0 0.5 0.5 0.1 0.1\n", "it is not JSON"),
    "a.pkl": (pickle.dumps([{"image_id": "42"}]), "it is not text"),
    "a.npz": (saved(np.savez, np.eye(99)), "it is not"),
    "a.npy": (saved(np.save, np.eye(9)), "maps are a folder of SAMPLE_ID.npy"),
    "empty.json": (b"", "it is empty"),
    "blank.json": (b" \n", "it is empty"),
    "number.json": (b"7", "it holds a single value"),
    "deep.json": (b"[" * 100_000, "nested too deeply"),
    "strings.json": (b'["42"]', "a list of other things than objects"),
}


@pytest.mark.parametrize("name", OTHER)
@pytest.mark.parametrize("named", [True, False])
def test_other_files_are_told_what_a_file_of_boxes_is(groundcxr, manifest, tmp_path, name, named):
    content, words = OTHER[name]
    (tmp_path / name).write_bytes(content)
    whose = ("--name", "det") if named or name == "strings.json" else ()
    ran = groundcxr("import", name, *whose, "--dataset", "manifest", "--root", manifest)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert 'a file of boxes is one JSON list of {"image_id": SAMPLE_ID, "bbox": [x, y, width, height]' in ran.err
    assert ran.err.count("\n") == 1


def test_text_in_utf_16_and_with_a_mark_is_read(tmp_path):
    for encoding in ("utf-16", "utf-8-sig"):
        (tmp_path / "boxes.json").write_text(json.dumps([entry("42")]), encoding=encoding)
        assert set(read_boxes(tmp_path / "boxes.json", SIZES)[0]) == {"42"}


def test_a_result_is_known_by_its_content(tmp_path):
    write(tmp_path, [])
    (tmp_path / "theirs.json").write_text('{"schema_version": 2}')
    (tmp_path / "result.json").write_text('{"schema_ver')
    found = [what_is(tmp_path / name) for name in ("boxes.json", "theirs.json", "result.json")]
    assert found == ["boxes", "result", "result"]


def test_a_folder_of_results_names_the_one_that_is_none(groundcxr, tmp_path):
    run = tmp_path / "results" / "phantom" / "v1" / "mine-01234567"
    run.mkdir(parents=True)
    (run / "result.json").write_text("{}")
    for whose in ((), ("--name", "a")):
        ran = groundcxr("import", "results", *whose)
        assert ran.code == 2
        assert "results/phantom/v1/mine-01234567/result.json is no result of schema 1 or 2" in ran.err


@pytest.mark.parametrize("name", ["pipe.json", "/dev/zero", "loop.json", "nowhere.json"])
def test_what_is_no_file_is_not_waited_for(groundcxr, tmp_path, name):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "loop.json").symlink_to("loop.json")
    ran = groundcxr("import", name, "--name", "a")
    assert ran.code == 2
    assert f"cannot read {tmp_path / name}: " in ran.err


@pytest.mark.parametrize(
    "name", ["x" * 300, "名" * 100, "a/../../b", "..", "con", "a\nb", "a\0b"], ids=lambda name: ascii(name)[:9]
)
def test_any_name_of_a_method_becomes_a_folder(tiny, tmp_path, name):
    file = write(tmp_path, [entry(sample.sample_id) for sample in tiny])
    foreign = ForeignPredictions([file], Selection(tiny, tuple(tiny), complete=True), name=name, kind="box")
    (result,) = foreign.score([get_protocol("v1")], tmp_path / "out", tmp_path / "out" / "store")
    assert load_result(result.path).info.method.label == name
    assert len(result.path.relative_to(tmp_path / "out" / "imported" / "tiny" / "v1").parts) == 2


@pytest.mark.parametrize("name", ["", " ", "\ud800"])
def test_a_name_that_is_no_text_is_refused(tiny, tmp_path, name):
    with pytest.raises(GroundCXRError, match="does not fit: give some text"):
        ForeignPredictions([write(tmp_path, [])], Selection(tiny, tuple(tiny), complete=True), name=name, kind="box")
