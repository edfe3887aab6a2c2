"""Somebody else's result: copied as it is once it is found sound, refused with the reason otherwise."""

import hashlib
import json
import os

import pandas as pd
import pytest

from groundcxr import evaluate
from groundcxr.core import StoreError
from groundcxr.evaluation import load_result
from groundcxr.evaluation.import_result import import_result
from groundcxr.leaderboard.library import Library
from groundcxr.metrics import summarise


@pytest.fixture
def theirs(tiny, tmp_path):
    """A result as somebody else's machine made it."""
    return evaluate("center-prior", tiny, out=tmp_path / "theirs").path


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_rows(path, change):
    file = path.with_name("samples.parquet")
    change(pd.read_parquet(file)).to_parquet(file, index=False)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    edit(path, lambda content: content.update(samples_sha256=sha256))


@pytest.mark.parametrize("given", ["file", "folder"])
def test_a_sound_result_is_copied_to_its_own_place(theirs, tiny, tmp_path, given):
    out = tmp_path / "results"
    ours = evaluate("center-prior", tiny, out=out)
    imported = import_result(theirs if given == "file" else theirs.parent, out)
    assert imported.notes == ()
    assert imported.result.path == out / "imported" / ours.path.relative_to(out)
    for name in ("result.json", "samples.parquet"):
        assert imported.result.path.with_name(name).read_bytes() == theirs.with_name(name).read_bytes()
    assert load_result(ours.path).info == ours.info
    about = json.loads(imported.result.path.with_name("import.json").read_text())
    assert about["sha256"] == hashlib.sha256(theirs.read_bytes()).hexdigest()
    assert about["source"] == "result.json"
    library = Library.scan([out])
    assert library.problems == ()
    assert sorted(run.tier for run in library.runs) == ["imported", "measured here"]
    assert import_result(theirs, out).result.path == imported.result.path  # again changes nothing
    assert len(Library.scan([out]).runs) == 2


@pytest.mark.parametrize(
    "name", ["..", ".hidden", "", "../../x", "..\\..\\x", "/x", "x" * 300, "\u540d" * 100, "con", "a\0b\n", "end."]
)
def test_no_name_leads_out_of_the_folder_or_hides_in_it(theirs, tmp_path, name):
    def rename(content):
        content["dataset"]["name"] = content["protocol"]["name"] = content["method"]["label"] = name

    edit(theirs, rename)
    out = tmp_path / "results"
    path = import_result(theirs, out).result.path
    places = path.relative_to(out / "imported").parts
    assert len(places) == 4
    assert not any(place.startswith(".") for place in places)
    assert [run.info.method.label for run in Library.scan([out]).runs] == [name]


@pytest.mark.parametrize(
    ("place", "key"),
    [("method", "fingerprint"), ("dataset", "fingerprint"), ("protocol", "hash"), (None, "samples_sha256")],
)
@pytest.mark.parametrize("value", ["", "/../../../elsewhere", "0" * 63, "0" * 64 + "\n"])
def test_a_hash_is_hexadecimal(theirs, tmp_path, place, key, value):
    edit(theirs, lambda content: (content if place is None else content[place]).update({key: value}))
    with pytest.raises(StoreError, match=rf"is no result of schema 1 or 2: .*{key}: String should match pattern"):
        import_result(theirs, tmp_path / "results")


def with_other_patients(path):
    """Each sample a patient of its own, and the intervals that follow."""
    edit_rows(path, lambda rows: rows.assign(patient_key=rows["sample_id"]))
    result = load_result(path)
    keys = [metric.key for metric in result.info.metrics]
    rows = result.samples
    computed = summarise(
        rows[keys].to_numpy(),
        rows["pathology"].tolist(),
        rows["patient_key"].tolist(),
        pathologies=list(result.info.pathologies),
    )

    def tell(content):
        tables = {"macro": computed.macro, "micro": computed.micro, **computed.pathologies}
        for name, cells in {**content["overall"], **content["pathologies"]}.items():
            for key, cell in zip(keys, tables[name], strict=True):
                cells[key].update(low=cell.low, high=cell.high)

    edit(path, tell)


def narrower_interval(content):
    cell = content["overall"]["macro"]["auroc"]
    middle = (cell["low"] + cell["high"]) / 2
    cell["low"] += (middle - cell["low"]) / 2


def no_interval(content):
    content["pathologies"]["Edema"]["miou"].update(low=None, high=None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (narrower_interval, r"95 % interval of macro auroc is .* the rows give"),
        (no_interval, r"95 % interval of Edema miou is \[None, None\]"),
        (lambda content: content["overall"]["macro"]["miou"].update(value=0.9), "contradicts itself"),
        (lambda content: content.update(phrases=["secret"]), "phrases"),
    ],
)
def test_claims_that_the_rows_do_not_bear_are_refused(theirs, tmp_path, change, words):
    edit(theirs, change)
    with pytest.raises(StoreError, match=words):
        import_result(theirs, tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_rows_with_more_or_less_than_a_result_has_are_refused(theirs, tmp_path):
    edit_rows(theirs, lambda rows: rows.assign(phrase="secret"))
    with pytest.raises(StoreError, match="beside those of a result, the columns phrase"):
        import_result(theirs, tmp_path / "results")
    edit_rows(theirs, lambda rows: rows.drop(columns=["phrase", "zone", "seconds"]))
    with pytest.raises(StoreError, match="lacks the columns zone, seconds"):
        import_result(theirs, tmp_path / "results")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({name: [None] + ["a"] * 9}, f"{name} must be text in every row")
        for name in ("sample_id", "patient_key", "image_key", "pathology")
    ]
    + [
        ({"patient_key": range(10)}, "patient_key must be text"),
        ({"truncated": ["no"] * 10}, "truncated must be true or false in every row"),
        ({"side": range(10)}, "side must be text"),
        ({"seconds": ["fast"] * 10}, "seconds must be numbers"),
        ({"auroc": ["0.5"] * 10}, "auroc must be numbers"),
        ({"box_area": [None] + [0.5] * 9}, "box_area must be a share"),
        ({"box_area": [1.5] * 10}, "box_area must be a share"),
        ({"box_area": [-0.1] * 10}, "box_area must be a share"),
        ({"box_area": ["0.5"] * 10}, "box_area must be a share"),
        ({"n_boxes": [None] + [1] * 9}, "n_boxes must be a whole number"),
        ({"n_boxes": [0.5] * 10}, "n_boxes must be a whole number"),
        ({"n_boxes": [-1] * 10}, "n_boxes must be a whole number"),
        ({"n_boxes": [float("inf")] * 10}, "n_boxes must be a whole number"),
    ],
)  # fmt: skip
def test_columns_hold_what_pages_count_on(theirs, tmp_path, columns, words):
    edit_rows(theirs, lambda rows: rows.assign(**columns))
    with pytest.raises(StoreError, match=words):
        import_result(theirs, tmp_path / "results")


def test_rows_that_arrow_cannot_read_are_one_sentence(theirs, tmp_path):
    file = theirs.with_name("samples.parquet")
    content = bytearray(file.read_bytes())
    content[100:2000] = bytes(1900)
    file.write_bytes(content)
    edit(theirs, lambda it: it.update(samples_sha256=hashlib.sha256(content).hexdigest()))
    with pytest.raises(StoreError, match="and its samples do not fit together"):
        import_result(theirs, tmp_path / "results")


@pytest.mark.parametrize(
    "change", [{"higher_is_better": False}, {"label": "another"}, {"headline": False}, {"needs": "box"}]
)
def test_a_known_protocols_metrics_are_as_it_defines_them(theirs, tmp_path, change):
    edit(theirs, lambda content: content["metrics"][0].update(change))
    with pytest.raises(StoreError, match="does not have the metrics of its protocol v2"):
        import_result(theirs, tmp_path / "results")


@pytest.mark.parametrize("there", ["measured", "imported"])
def test_patients_are_those_of_the_results_already_there(tiny, tmp_path, there):
    out = tmp_path / "results"
    # Under v2 other patients are other halves too, so that more than the intervals would follow.
    theirs = evaluate("center-prior", tiny, "v1", out=tmp_path / "theirs").path
    ours = evaluate("random", tiny, "v1", out=out if there == "measured" else tmp_path / "others").path
    if there == "imported":
        ours = import_result(ours, out).result.path
    damaged = ours.parent.with_name("damaged")
    damaged.mkdir()
    (damaged / "result.json").write_text("{")
    with_other_patients(theirs)
    with pytest.raises(StoreError, match=r"the patient_key of 10 samples differs .* evaluate wrote it") as refused:
        import_result(theirs, out)
    assert f"{theirs} and {ours} are of the same data" in str(refused.value)
    import_result(theirs, tmp_path / "elsewhere")


def test_classes_are_those_of_the_results_already_there(theirs, tiny, tmp_path):
    out = tmp_path / "results"
    evaluate("random", tiny, out=out)
    rename = {"Edema": "Oedema", "Pneumonia": "Pneumonia"}
    edit_rows(theirs, lambda rows: rows.assign(pathology=rows["pathology"].map(rename).astype("string")))

    def renamed(content):
        content["pathologies"] = {rename[name]: cells for name, cells in content["pathologies"].items()}

    edit(theirs, renamed)
    with pytest.raises(StoreError, match="the pathology of 6 samples differs"):
        import_result(theirs, out)


def test_other_values_do_not_replace_an_import(theirs, tmp_path):
    out = tmp_path / "results"
    kept = import_result(theirs, out).result
    edit_rows(theirs, lambda rows: rows.assign(seconds=1.0))
    with pytest.raises(StoreError, match="holds another import"):
        import_result(theirs, out)
    assert load_result(kept.path).info == kept.info


@pytest.mark.parametrize("name", ["patient_key", "side"])
def test_text_that_is_none_is_refused(theirs, tmp_path, name):
    edit_rows(theirs, lambda rows: rows.assign(**{name: "w\u00f6rd-to-find"}).astype({name: "string"}))
    file = theirs.with_name("samples.parquet")
    file.write_bytes(file.read_bytes().replace("w\u00f6rd-to-find".encode(), b"w\xff\xf6rd-to-find"))
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    edit(theirs, lambda content: content.update(samples_sha256=sha256))
    with pytest.raises(StoreError, match=f"{name} must be text"):
        import_result(theirs, tmp_path / "results")


def test_a_damaged_import_is_replaced(theirs, tmp_path):
    out = tmp_path / "results"
    kept = import_result(theirs, out).result
    for content in (b"", b"{", b'{"schema_version": 2}'):
        kept.path.write_bytes(content)
        assert import_result(theirs, out).result.info == kept.info


def test_a_pipe_among_the_results_is_not_waited_for(theirs, tiny, tmp_path):
    out = tmp_path / "results"
    beside = evaluate("random", tiny, out=out).path
    beside.unlink()
    os.mkfifo(beside)
    assert import_result(theirs, out).notes == ()
    beside.unlink()
    evaluate("random", tiny, out=out)
    beside.with_name("samples.parquet").unlink()
    os.mkfifo(beside.with_name("samples.parquet"))
    assert import_result(theirs, out).notes == ()


def test_an_unknown_protocol_is_told_and_stands_apart(theirs, tiny, tmp_path):
    out = tmp_path / "results"
    evaluate("center-prior", tiny, out=out)
    edit(theirs, lambda content: content["protocol"].update(hash="0" * 64))
    imported = import_result(theirs, out)
    assert "v2 with the hash 000000000000 is not known here" in imported.notes[0]
    assert len(Library.scan([out]).settings()) == 2


def test_results_that_cannot_be_imported_leave_the_others(groundcxr, theirs, tiny, tmp_path):
    good = evaluate("random", tiny, out=tmp_path / "others").path
    edit(theirs, narrower_interval)
    ran = groundcxr("import", theirs, good, theirs.parent, "--out", "here")
    assert ran.code == 1
    assert load_result(tmp_path / ran.out.strip()).info.method.label == "random"
    assert ran.err.count("error: ") == ran.err.count("the rows give") == 2
    ran = groundcxr("import", theirs, theirs.parent, "--out", "there")
    assert ran.code == 2
    assert not (tmp_path / "there").exists()


def test_what_is_no_result_in_a_folder_of_them_is_told(groundcxr, theirs, tiny, tmp_path):
    half = evaluate("random", tiny, out=tmp_path / "theirs").path
    half.unlink()
    ran = groundcxr("import", tmp_path / "theirs", "--out", "here")
    assert ran.code == 1
    assert load_result(tmp_path / ran.out.strip()).info.method.label == "center-prior"
    assert f"warning: {half.parent} has samples.parquet but no result.json: half-written" in ran.err
    theirs.unlink()
    ran = groundcxr("import", tmp_path / "theirs", "--out", "there")
    assert ran.code == 2
    assert ran.err.count("half-written") == 2


def test_the_command(groundcxr, theirs, tmp_path):
    ran = groundcxr("import", theirs, theirs.parent, "--out", "here")
    assert ran.code == 0, ran.err
    first, second = ran.out.splitlines()
    assert first == second
    assert load_result(tmp_path / first).info.method.label == "center-prior"
    edit(theirs, narrower_interval)
    ran = groundcxr("import", theirs, "--out", "there")
    assert ran.code == 2
    assert "the rows give" in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "there").exists()
