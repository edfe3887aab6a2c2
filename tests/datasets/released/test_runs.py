"""Each data set from the command line, as a user starts with it."""

import json

import pytest

from groundcxr import Radiograph, load_dataset

NAMES = ("nih-boxes", "rsna-pneumonia", "siim-pneumothorax", "chestx-det", "chexlocalize")


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_is_evaluated_without_a_failure(name, made, tmp_path, groundcxr):
    root = made(name, tmp_path / "data", size=(64, 64))
    controls = ["--method", "center-prior", "--method", "class-mean-box"]
    ran = groundcxr("evaluate", *controls, "--dataset", name, "--root", root, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    results = [json.loads(file.read_text()) for file in (tmp_path / "out").rglob("result.json")]
    assert len(results) == 2
    for result in results:
        assert result["complete"]
        assert result["n_failed"] == 0
    # Neither names of images nor patients leave the disk with a result.
    written = "".join(file.read_text() for file in (tmp_path / "out").rglob("result.json"))
    dataset = load_dataset(name, root)
    assert not any(sample.image_id in written for sample in dataset)
    assert all(Radiograph.open(sample.image_path).size == sample.image_size for sample in dataset)


@pytest.mark.parametrize("name", NAMES)
def test_doctor(name, made, tmp_path, groundcxr):
    root = made(name, tmp_path / "data")
    ran = groundcxr("doctor", "--dataset", name, "--root", root)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, f"{name}: 0 errors, 1 warning")
    ran = groundcxr("doctor", "--dataset", name, "--root", root, "--set", "dataset.phrases=an {finding}")
    assert ran.code == 1
    assert "{finding} is not {class}" in ran.out + ran.err
