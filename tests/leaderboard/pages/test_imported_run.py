"""The page of a run that was imported says what was made where, and how to import it again."""

import shutil

import pytest

from groundcxr.evaluation import load_result

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
