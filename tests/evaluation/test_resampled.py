"""Captions say what intervals and tests are over: images where the data name no patients."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from groundcxr.core import StoreError
from groundcxr.evaluation.resampled import resampled
from groundcxr.evaluation.result import load_result

ROWS = ["0.png,opacity 0,Edema,5,4,20,10", "1.png,opacity 1,Edema,6,4,20,10", "2.png,another,Pneumonia,30,20,10,12"]


@pytest.fixture(params=[False, True], ids=["without patients", "with patients"])
def made(request, groundcxr, write_manifest):
    """Results of two methods on data with or without patients: the word for the unit, the other, and the paths."""
    rows = [f"{row},p{number}" if request.param else row for number, row in enumerate(ROWS)]
    root = write_manifest(range(3), ["image,phrase,pathology,x,y,w,h" + ",patient_id" * request.param, *rows])
    methods = ("--method", "center-prior", "--method", "whole-image")
    ran = groundcxr("evaluate", *methods, "--dataset", "manifest", "--root", root)
    assert ran.code == 0, ran.err
    words = ("patients", "images") if request.param else ("images", "patients")
    return (*words, ran.out, [line for line in ran.out.splitlines() if line.endswith("result.json")])


def test_captions_name_the_unit_that_was_drawn(groundcxr, made):
    unit, other, printed, (first, second) = made
    assert printed.count(f"bootstrap over {unit}]") == 2
    layouts = ("pathologies", "metrics", "datasets")
    said = [
        groundcxr("compare", first, second).out,
        *(groundcxr("export", "results", "--layout", layout).out for layout in layouts),
        groundcxr("figure", "results", "--forest", "--metric", "miou", "--out", "forest.svg").err,
    ]
    assert all(f"over {unit}" in text for text in said)
    assert not any(f"over {other}" in text for text in (printed, *said))


def test_only_a_result_of_data_without_patients_says_its_unit(made):
    unit, *_, paths = made
    said = [json.loads(Path(path).read_text())["dataset"].get("unit") for path in paths]
    assert said == ["image" if unit == "images" else None] * 2


def test_a_result_that_does_not_say_its_unit_has_that_of_its_rows(groundcxr, made):
    # As results were before they said it.
    unit, other, _, paths = made
    for path in map(Path, paths):
        said = json.loads(path.read_text())
        said["dataset"].pop("unit", None)
        path.write_text(json.dumps(said))
    said = [groundcxr("compare", *paths).out, groundcxr("export", "results").out]
    assert all(f"over {unit}" in text and f"over {other}" not in text for text in said)


def test_a_result_cannot_say_that_its_patients_are_images(made):
    unit, *_, (first, _) = made
    said = json.loads(Path(first).read_text())
    said["dataset"]["unit"] = "image"
    Path(first).write_text(json.dumps(said))
    if unit == "images":
        assert load_result(Path(first)).info.dataset.unit == "image"
    else:
        with pytest.raises(StoreError, match="says that no sample has a patient, and its rows have some"):
            load_result(Path(first))


def test_a_table_over_both_kinds_of_data_says_both():
    infos = [SimpleNamespace(dataset=SimpleNamespace(unit=unit)) for unit in ("image", "patient", "image")]
    assert resampled(infos) == "patients or images"
