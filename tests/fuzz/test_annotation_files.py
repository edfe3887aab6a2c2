"""Annotation files with seeded mutations: whatever is in them, loading and checking ends in samples or one sentence."""

import json

import numpy as np
import pytest
from PIL import Image

from groundcxr import load_dataset
from groundcxr.datasets import check_dataset

CSV = """image,phrase,pathology,x,y,w,h,patient_id,split,image_width,image_height
a.png,left haze,Edema,1,2,20,20,p1,train,80,64
b.png,"right, haze",Edema,30,30,10.5,9,p2,test,,
a.png,spot,Nodule,,,,,p1,train,80,64
"""

COCO = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 40, "height": 32},
        {"id": 2, "file_name": "b.png", "path": "/somewhere/b.png", "caption": "haze"},
    ],
    "categories": [{"id": 1, "name": "Edema"}, {"id": 2, "name": "Nodule"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 20, 20], "phrase": "p", "split": "train"},
        {"id": 2, "image_id": 1, "category_id": 2, "segmentation": [[1, 2, 30, 2, 9, 20]], "caption": "q"},
        {
            "id": 3,
            "image_id": 1,
            "category_id": 2,
            "segmentation": {"size": [32, 40], "counts": "U3?a0000000000kn0"},
            "phrase": "r",
        },
        {
            "id": 4,
            "image_id": 2,
            "category_id": 1,
            "segmentation": {"size": [2, 3], "counts": [1, 2, 3]},
            "phrase": "s",
        },
    ],
}

OPTIONS = ({}, {}, {}, {"phrases": "class"}, {"phrases": "a {class}", "outside": "true"})


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png"):
        Image.fromarray(np.arange(80 * 64, dtype=np.uint8).reshape(64, 80)).save(tmp_path / name)
    return tmp_path


def test_the_files_are_good_before_anything_is_changed(folder):
    (folder / "m.csv").write_text(CSV)
    (folder / "m.json").write_text(json.dumps(COCO))
    assert len(load_dataset("manifest", folder / "m.csv")) == 3
    dataset = load_dataset("manifest", folder / "m.json")
    assert [bool(sample.mask and sample.mask.load().any()) for sample in dataset] == [False, True, True, True]


@pytest.fixture
def written(folder, mutations):
    """Writes a damaged file of a kind and returns its path."""

    def written(kind, rng):
        path = folder / {"csv": "m.csv", "coco": "m.json"}[kind]
        damaged = mutations.retabled(CSV.encode(), rng) if kind == "csv" else mutations.rewritten(COCO, rng)
        path.write_bytes(rng.choice(mutations.OTHER_FILES) if rng.random() < 0.03 else damaged)
        return path

    return written


def loaded(path, options):
    """Load and draw every mask."""
    dataset = load_dataset("manifest", path, **options)
    for sample in dataset:
        if sample.mask is not None:
            sample.mask.load()
    dataset.fingerprint()
    assert all("\n" not in warning for warning in dataset.warnings)


@pytest.mark.parametrize("kind", ["csv", "coco"])
def test_no_file_ends_in_anything_but_samples_or_a_sentence(fuzz, written, answered, kind):
    def tried(rng):
        path, options = written(kind, rng), rng.choice(OPTIONS)
        went_well = answered(lambda: loaded(path, options))
        findings = check_dataset("manifest", path, **options)
        assert all(finding.problem.strip() for finding in findings)
        return went_well

    went_well = fuzz(kind, tried)
    assert any(went_well)
    assert not all(went_well)


def test_doctor_and_evaluate_end_as_documented(fuzz, folder, written, groundcxr):
    """0: all scored, nothing blocks a run; 1: some samples have failed, something blocks; 2: it could not be run."""

    def tried(rng):
        path = written(rng.choice(("csv", "coco")), rng)
        asked = ["--dataset", "manifest", "--root", path]
        for name, value in rng.choice(OPTIONS).items():
            asked += ["--set", f"dataset.{name}={value}"]
        checked = groundcxr("doctor", *asked)
        ran = groundcxr("evaluate", "--method", "center-prior", *asked)
        for one in (checked, ran):
            assert one.code in (0, 1, 2)
            assert "Traceback" not in one.out + one.err
            assert "memory" not in one.out + one.err, one
            assert (one.code == 2) == any(line.startswith("error: ") for line in one.err.splitlines()), one
        blocks = any(line.startswith("error: ") for line in checked.out.splitlines())
        assert (checked.code == 1) == blocks, checked
        assert (checked.code == 0) == (ran.code == 0), (checked, ran)
        return checked.code, ran.code

    (folder / "m.csv").write_text(CSV)
    assert (
        groundcxr("evaluate", "--method", "center-prior", "--dataset", "manifest", "--root", folder / "m.csv").code == 0
    )
    codes = fuzz("annotations by command", tried)
    assert {(0, 0)} < set(codes)
