"""`groundcxr tune` and `groundcxr tune-data`, as a user calls them."""

import csv
import gzip
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from groundcxr.methods.bundled import bundled

HEADER = "image,phrase,pathology,x,y,w,h,patient_id"


@pytest.fixture
def data(write_manifest):
    rows = [
        HEADER,
        "0.png,left base opacity,Lung Opacity,,,,,p10",
        "1.png,opacity at the right apex,Lung Opacity,,,,,p11",
    ]
    return write_manifest(range(2), [*rows, "1.png,an opacity,Lung Opacity,,,,,p11"])


def test_a_book_is_trained_read_and_not_mistaken_for_another(groundcxr, data, tmp_path):
    book = tmp_path / "book"
    command = ["tune", "ldm-phantom", "--dataset", "manifest", "--root", data, "--steps", "2", "--out", book]
    named = [*command, "--anatomy", "phantom", "--images-of", "made-up images"]
    assert "--anatomy FILE" in groundcxr(*command).err
    asked = groundcxr(*command, "--anatomy", "phantom")
    assert (asked.code, book.exists()) == (2, False)
    assert "name the collection with --images-of" in asked.err
    done = groundcxr(*named)
    assert done.code == 0, done.err
    assert "of 2 phrases on 2 images (1 phrases name no place)" in done.out
    about = json.loads((book / "codebook.json").read_text())
    assert about["samples"] == {"left base": 1, "right apical": 1}
    assert about["trained_on"][0] == "made-up images: 2 images, 2 phrases, no boxes of findings"
    assert "was whole already" in groundcxr(*named).out
    other = groundcxr(*named, "--recipe", "vectors")
    assert other.code == 2
    assert "another recipe, data or model" in other.err
    read = ["evaluate", "--method", "ldm-phantom", "--set", f"ldm-phantom.embeddings={book}", "--set", "steps=3"]
    ran = groundcxr(*read, "--out", tmp_path / "results", "--limit", "1", "--dataset", "phantom")
    assert ran.code == 0, ran.err
    (result,) = (tmp_path / "results").rglob("result.json")
    content = json.loads(result.read_text())
    assert content["supervision"] == "weak: anatomy"
    assert "made-up images: 2 images, 2 phrases, no boxes of findings" in content["method"]["trained_on"]
    assert str(tmp_path) not in result.read_text()


def test_what_cannot_be_tuned(groundcxr, data, tmp_path):
    book = tmp_path / "book"
    about = ["--dataset", "manifest", "--root", data, "--anatomy", "phantom", "--images-of", "x", "--out", book]
    for method, more, message in (
        ("clip-phantom", [], "groundcxr tune takes ldm and ldm-phantom"),
        ("dit", ["--set", "weights=random:0:DIR"], "groundcxr tune takes ldm and ldm-phantom"),
        ("ldm-phantom-tuned", [], "leave the option embeddings out"),
        ("ldm-phantom", ["--set", f"embeddings={bundled('ldm-phantom-tuned')}"], "leave the option embeddings out"),
        ("ldm-phantom", ["--steps", "0"], "give at least 1"),
        ("ldm-phantom", ["--leave-out", "ms-cxr"], "write NAME:ROOT"),
    ):
        ran = groundcxr("tune", method, *more, *about)
        assert ran.code == 2
        assert message in ran.err
        assert len(ran.err.strip().splitlines()) == 1
    assert not book.exists()
    book.mkdir()
    (book / ".hidden").touch()
    (book / "log.csv").write_text("mine")
    ran = groundcxr("tune", "ldm-phantom", *about)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "holds other files, such as log.csv, and no training; give --out a new or an empty folder" in ran.err
    assert (book / "log.csv").read_text() == "mine"


LABELS = ("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Lung Opacity", "Pleural Effusion", "Pneumonia")
STUDIES = {
    # patient, study: (labels that are there, view, split, report)
    ("10000001", "50000001"): (
        ["Atelectasis"],
        "PA",
        "train",
        " FINAL REPORT\n INDICATION: Left atelectasis?\n\n FINDINGS: There is linear atelectasis at the left\n base."
        " No right atelectasis. Heart is normal.\n\n IMPRESSION:\n 1. Mild right basilar atelectasis."
        "\n 2. Atelectasis.\n",
    ),
    ("10000002", "50000002"): (["Pneumonia"], "AP", "train", "IMPRESSION: Left pneumonia has resolved. Pneumonia."),
    ("10000003", "50000003"): (["Edema", "Pneumonia"], "AP", "train", "IMPRESSION: Left pneumonia."),
    ("10000004", "50000004"): (["Pneumonia"], "LATERAL", "train", "IMPRESSION: Left pneumonia."),
    ("10000005", "50000005"): (["Pneumonia"], "PA", "test", "IMPRESSION: Left pneumonia."),
    ("10000006", "50000006"): (["Pneumonia"], "PA", "train", "IMPRESSION: Left pneumonia."),
    ("10000007", "50000007"): (["Pneumonia"], "PA", "train", None),
}


@pytest.fixture
def mimic(tmp_path):
    """MIMIC-CXR-JPG and its reports, made up, in the released layout."""
    root, reports = tmp_path / "jpg", tmp_path / "reports"
    tables = {name: [] for name in ("chexpert", "metadata", "split")}
    for number, ((patient, study), (labels, view, split, report)) in enumerate(STUDIES.items()):
        image = f"{number:08x}-0-0-0-0"
        values = ["1.0" if name in labels else "-1.0" if name == "Edema" else "" for name in LABELS]
        tables["chexpert"].append([patient, study, *values, ""])
        tables["metadata"].append([image, patient, study, view, 60, 50])
        tables["split"].append([image, study, patient, split])
        folder = f"files/p{patient[:2]}/p{patient}"
        path = root / folder / f"s{study}" / f"{image}.jpg"
        path.parent.mkdir(parents=True)
        Image.fromarray(np.full((60, 50), number, dtype=np.uint8)).save(path)
        if report is not None:
            (reports / folder).mkdir(parents=True)
            (reports / folder / f"s{study}.txt").write_text(report)
    headers = {
        "chexpert": ["subject_id", "study_id", *LABELS, "Pneumothorax"],
        "metadata": ["dicom_id", "subject_id", "study_id", "ViewPosition", "Rows", "Columns"],
        "split": ["dicom_id", "study_id", "subject_id", "split"],
    }
    for name, rows in tables.items():
        with gzip.open(root / f"mimic-cxr-2.0.0-{name}.csv.gz", "wt", newline="") as file:
            csv.writer(file).writerows([headers[name], *rows])
    return root, reports


def test_sentences_that_say_where_one_finding_is(groundcxr, mimic, tmp_path):
    root, reports = mimic
    apart = tmp_path / "ms-cxr"
    apart.mkdir()
    columns = "dicom_id,category_name,label_text,path,x,y,w,h,image_width,image_height,split"
    row = "zz,Pneumonia,made up,files/p10/p10000006/s1/zz.jpg,1,1,9,9,50,60,test"
    (apart / "MS_CXR_Local_Alignment_v1.1.0.csv").write_text(f"{columns}\n{row}\n")
    out = root / "tune.csv"
    ran = groundcxr(
        *("tune-data", "--mimic-cxr-jpg", root, "--reports", reports, "--out", out, "--leave-out", f"ms-cxr:{apart}")
    )
    assert ran.code == 0, ran.err
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    image = "files/p10/p10000001/s50000001/00000000-0-0-0-0.jpg"
    assert [(one["image"], one["phrase"], one["pathology"], one["patient_id"]) for one in rows] == [
        (image, "There is linear atelectasis at the left base", "Atelectasis", "10000001"),
        (image, "Mild right basilar atelectasis", "Atelectasis", "10000001"),
    ]
    assert "Of 4 images with one finding: 1 left out, 1 without a report, 1 whose report does not say where" in ran.out
    samples = tmp_path / "samples.csv"
    listed = groundcxr("samples", "--dataset", "manifest", "--root", out, "--out", samples)
    assert listed.code == 0, listed.err


def test_what_of_mimic_is_missing_is_said(groundcxr, mimic, tmp_path):
    root, reports = mimic

    def told(*more):
        ran = groundcxr("tune-data", "--mimic-cxr-jpg", root, "--reports", reports, "--out", tmp_path / "x.csv", *more)
        assert ran.code == 2
        assert not (tmp_path / "x.csv").exists()
        return ran.err

    table = root / "mimic-cxr-2.0.0-split.csv.gz"
    content = table.read_bytes()
    table.write_bytes(content[:-20])
    assert "cannot read" in told()
    table.unlink()
    assert "there is no mimic-cxr-2.0.0-split.csv.gz" in told()
    table.write_bytes(content)
    shutil.rmtree(root / "files" / "p10")
    assert "there are no folders p10 to p19" in told()
    (root / "files" / "p10").mkdir()
    assert "there is no image of" in told()
    shutil.rmtree(reports / "files" / "p10" / "p10000001")
    for patient in reports.glob("files/p10/p*"):
        shutil.rmtree(patient)
    assert "there is no report of" in told()
