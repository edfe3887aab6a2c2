"""Chest ImaGenome, gold: regions on MIMIC-CXR's images, patients from the lists of either release."""

import gzip
import json

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError
from groundcxr.datasets.chest_imagenome import UNKNOWN_PATIENTS


@pytest.fixture
def root(made, tmp_path):
    return made("chest-imagenome", tmp_path / "imagenome")


def test_regions(root, told):
    dataset = load_dataset("chest-imagenome", root)
    assert [(one.phrase, one.pathology, one.patient_id, one.image_size) for one in dataset] == [
        ("right lower lung zone", "right lower lung zone", "p10000000", (250, 200)),
        ("trachea", "trachea", "p10000000", (250, 200)),
        ("right lower lung zone", "right lower lung zone", "p10000001", (200, 260)),
        ("cardiac silhouette", "cardiac silhouette", "p10000001", (200, 260)),
    ]
    # original_x1, original_y1, original_x2, original_y2, which are in another order in the file
    assert [one.boxes[0].as_tuple() for one in dataset][2:] == [(30, 150, 110, 230), (90, 130, 180, 250)]
    assert told(dataset) == []
    assert (dataset.task, dataset.credentialed) == ("anatomy", True)
    assert load_dataset("chest-imagenome", root, phrases="the {class}")[1].phrase == "the trachea"


@pytest.mark.parametrize("lists", [("avoid",), ("metadata",), ()])
def test_lists_of_images(made, tmp_path, lists, told):
    dataset = load_dataset("chest-imagenome", made("chest-imagenome", tmp_path / "x", lists=lists))
    assert dataset[0].patient_id == ("p10000000" if lists else None)
    assert told(dataset) == ([] if lists else [UNKNOWN_PATIENTS])


def test_copies_of_another_size(made, tmp_path, told):
    dataset = load_dataset("chest-imagenome", made("chest-imagenome", tmp_path / "a", scale=0.5))
    assert dataset[0].boxes[0].as_tuple() == pytest.approx((10, 60, 45, 90))
    assert ["not at the annotated size" in text for text in told(dataset)] == [True]
    with pytest.raises(DatasetError, match=r"copies of another size.*metadata\.csv\.gz below the root"):
        load_dataset("chest-imagenome", made("chest-imagenome", tmp_path / "b", scale=0.5, lists=("avoid",)))


def test_a_result_says_that_it_is_anatomy(root, tmp_path, groundcxr):
    ran = groundcxr(
        "evaluate",
        "--method",
        "center-prior",
        "--dataset",
        "chest-imagenome",
        "--root",
        root,
        "--out",
        tmp_path / "out",
    )
    assert ran.code == 0, ran.err
    (result,) = (json.loads(file.read_text()) for file in (tmp_path / "out").rglob("result.json"))
    assert result["dataset"]["task"] == "anatomy"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"dicom_id,subject_id,study_id\n", "cannot read .*metadata.csv.gz: Not a gzipped file.*get it again"),
        (gzip.compress(b"a" * 5000)[:-12], "cannot read .*metadata.csv.gz"),
        (gzip.compress(b"image,subject_id\n"), "lacks the column 'dicom_id'"),
    ],
    # By name: a compressed file's bytes hold the time, and all workers must collect the same tests.
    ids=["not-compressed", "cut", "without-a-column"],
)
def test_damaged_lists(root, data, said):
    next(root.rglob("*metadata.csv.gz")).write_bytes(data)
    with pytest.raises(DatasetError, match=said):
        load_dataset("chest-imagenome", root)


def test_wrong_file(root):
    path = next(root.rglob("gold_bbox*.csv"))
    path.write_text("image_id,bbox_name,x1,y1,x2,y2\na.dcm,trachea,1,2,3,4\n")
    with pytest.raises(DatasetError, match=r"lacks the column 'original_x1'.*download Chest ImaGenome"):
        load_dataset("chest-imagenome", root)
    path.unlink()
    with pytest.raises(DatasetError, match=r"there is no gold_bbox_coordinate_annotations_1000images\.csv below"):
        load_dataset("chest-imagenome", root)
