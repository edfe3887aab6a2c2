"""The page of a run that was imported says what was made where, and how to import it again."""

import json
import shutil

import pytest

from groundcxr.evaluation import load_result
from groundcxr.methods.boxes.parsing import PARSER_VERSION

RESULTS = "results"


def test_imported_predictions_are_not_said_to_have_run_here(open_page, groundcxr, manifest, tmp_path):
    boxes = tmp_path / "boxes.json"
    boxes.write_text("[]")
    data = ("--dataset", "manifest", "--root", manifest)
    assert groundcxr("import", boxes, "--name", "theirs", "--kind", "box", *data).code == 0
    shown = open_page("run", "--results", tmp_path / RESULTS)
    (line,) = [block.value for block in shown.app.code]
    assert line.startswith("groundcxr import FILES --name theirs --kind box --dataset manifest --root ROOT")
    assert "FILES: what was imported, boxes.json" in shown.text
    assert "nothing of it was run here" not in shown.text
    folder = next((tmp_path / RESULTS / "imported").rglob("import.json"))
    assert str(folder) in shown.text


def test_answers_in_words_are_counted(open_page, groundcxr, manifest, tmp_path):
    samples = tmp_path / "samples.csv"
    assert groundcxr("samples", "--dataset", "manifest", "--root", manifest, "--out", samples).code == 0
    ids = [line.partition(",")[0] for line in samples.read_text(encoding="utf-8").splitlines()[1:]]
    texts = ["There is none.", "<obj>It. <box><x10><y20><x70><y80></box></obj>", "<obj>It. <box><x1", "!!!!", "!!!!"]
    lines = [json.dumps({"sample_id": one, "text": text}) for one, text in zip(ids, texts, strict=True)]
    answers = tmp_path / "answers.jsonl"
    answers.write_text("\n".join(lines))
    ran = groundcxr("import", answers, "--preset", "maira2", "--dataset", "manifest", "--root", manifest)
    assert ran.code == 1
    shown = open_page("run", "--results", tmp_path / RESULTS)
    assert f"5 answers in words: 1 refused, 3 unparseable, 0 repaired (parser {PARSER_VERSION})" in shown.text
    (line,) = [block.value for block in shown.app.code]
    assert line.startswith("groundcxr import FILES --name maira2 --kind other --preset maira2 --dataset manifest")


@pytest.mark.parametrize("imported", [True, False])
def test_an_imported_result_is_told_from_a_measured_one(open_page, demo, groundcxr, tmp_path, imported):
    source = next((demo / RESULTS).glob("phantom/v1/random-*"))
    if imported:
        assert groundcxr("import", source).code == 0
    else:
        shutil.copytree(source, tmp_path / RESULTS / source.name)
    shown = open_page("run", "--results", tmp_path / RESULTS)
    assert load_result(source).info.method.fingerprint in shown.text
    assert ("this is what its result file says; nothing of it was run here" in shown.text) == imported
    assert ("import.json" in shown.text) == imported
