"""CheXlocalize: height before width, points x before y, run-length codes or polygons, CheXpert's folders."""

import json

import numpy as np
import pytest
from pycocotools import mask as coco

from groundcxr import load_dataset
from groundcxr.core import DatasetError, UnknownNameError
from groundcxr.datasets import check_dataset
from groundcxr.datasets.chexlocalize import DRAWN, SMALL

FRONTAL = "patient64541_study1_view1_frontal"


@pytest.fixture
def root(made, tmp_path):
    return made("chexlocalize", tmp_path / "chexlocalize")


def expected(made, split, key, name):
    classes = made.drawn[split][key]
    return made.pillow_mask(classes[name], classes["img_size"]).astype(bool)


@pytest.mark.parametrize("kinds", [("segmentations",), ("annotations",), ("annotations", "segmentations")])
def test_masks_of_codes_and_of_polygons_are_equal(made, tmp_path, kinds, told):
    dataset = load_dataset("chexlocalize", made("chexlocalize", tmp_path / "chexlocalize", kinds=kinds))
    assert [(one.image_id, one.pathology, one.image_size) for one in dataset] == [
        (FRONTAL, "Cardiomegaly", (50, 60)),  # portrait: img_size is [60, 50]
        (FRONTAL, "Airspace Opacity", (50, 60)),
        ("patient64999_study1_view1_frontal", "Pleural Effusion", (70, 40)),  # landscape
    ]
    assert [one.patient_id for one in dataset] == ["patient64541", "patient64541", "patient64999"]
    for one in dataset:
        split = "val" if one.patient_id == "patient64541" else "test"
        assert not one.boxes
        assert (one.mask.load() == expected(made, split, one.image_id, one.pathology)).all()
    assert dataset.credentialed
    assert told(dataset) == ([f"{DRAWN} (val)", f"{DRAWN} (test)"] if kinds == ("annotations",) else [])


def test_a_code_is_decoded_as_coco_does(root):
    coded = json.loads((root / "CheXlocalize/gt_segmentations_val.json").read_text())[FRONTAL]["Cardiomegaly"]
    mask = load_dataset("chexlocalize", root)[0].mask.load()
    assert (mask == coco.decode(coded).astype(bool)).all()
    x, y, width, height = coco.toBbox(coded)
    rows, columns = np.nonzero(mask)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (x, y, x + width, y + height)


def test_ids_are_those_of_either_file(made, tmp_path):
    one = load_dataset("chexlocalize", made("chexlocalize", tmp_path / "a", kinds=("annotations",)))
    two = load_dataset("chexlocalize", made("chexlocalize", tmp_path / "b", kinds=("segmentations",)))
    assert {sample.sample_id for sample in one} == {sample.sample_id for sample in two}


def test_splits_and_views(root):
    assert [one.patient_id for one in load_dataset("chexlocalize", root, "test")] == ["patient64999"]
    assert len(load_dataset("chexlocalize", root, "val", views="all")) == 3
    with pytest.raises(UnknownNameError, match=r"views 'lateral'"):
        load_dataset("chexlocalize", root, views="lateral")
    assert load_dataset("chexlocalize", root).options == {"phrases": "there is {class}", "views": "frontal"}


def test_what_is_not_there_is_known_from_the_labels(root):
    absent = {one.image_id: one.classes for one in load_dataset("chexlocalize", root).absent}
    # "Enlarged Cardiomediastinum" has the label 1 and no mask; "Lung Opacity" is called "Airspace Opacity".
    assert absent == {FRONTAL: ("Edema",), "patient64999_study1_view1_frontal": ("Airspace Opacity", "Edema")}
    for file in (root / "CheXpert").glob("*.csv"):
        file.unlink()
    assert load_dataset("chexlocalize", root).absent == ()


@pytest.mark.parametrize(
    "place",
    [
        "CheXpert-v1.0/valid/{patient}/{study}/{view}.jpg",
        "flat/{patient}_{study}_{view}.png",
        "{patient}/{study}_{view}.jpg",
    ],
)
def test_images_are_found_whatever_the_folders(root, made, place, told):
    for file in sorted(root.rglob("*.jpg")):
        study, patient = file.parent, file.parent.parent
        size = (70, 40) if patient.name == "patient64999" else (50, 60)
        made.picture(root / place.format(patient=patient.name, study=study.name, view=file.stem), size)
        file.unlink()
    dataset = load_dataset("chexlocalize", root)
    assert all(one.image_path.is_file() for one in dataset)
    assert told(dataset) == []


class TestCopies:
    def test_masks_are_scaled(self, made, tmp_path):
        dataset = load_dataset("chexlocalize", made("chexlocalize", tmp_path / "x", size=(25, 30)), "val")
        mask = dataset[0].mask.load()
        assert mask.shape == (30, 25)
        # Halved: each pixel is the upper left one of four, by PyTorch's rule.
        assert (mask == expected(made, "val", FRONTAL, "Cardiomegaly")[::2, ::2]).all()

    def test_those_of_chexpert_small_are_told(self, root, made):
        small = root / "CheXpert-v1.0-small"
        (root / "CheXpert").rename(small)
        for file in small.rglob("*.jpg"):
            made.picture(file, (25, 30) if "64541" in str(file) else (35, 20))
        dataset = load_dataset("chexlocalize", root)
        assert any(text.startswith(f"{SMALL}: 2") for text in dataset.warnings)

    def test_full_ones_are_used_where_both_are_there(self, root, made):
        for file in (root / "CheXpert/val").rglob("*.jpg"):
            made.picture(root / "CheXpert-v1.0-small" / file.relative_to(root / "CheXpert"), (25, 30))
        assert {one.image_size for one in load_dataset("chexlocalize", root, "val")} == {(50, 60)}

    def test_one_code_of_another_frame_is_told(self, root, told):
        path = root / "CheXlocalize/gt_segmentations_val.json"
        content = json.loads(path.read_text())
        content[FRONTAL]["Airspace Opacity"]["size"].reverse()  # the second class of the image: width before height
        path.write_text(json.dumps(content))
        (said,) = told(load_dataset("chexlocalize", root))
        assert "another aspect ratio" in said
        assert "is 50x60, annotated 60x50" in said
        assert any("50x60, annotated 60x50: another" in one.problem for one in check_dataset("chexlocalize", root))

    def test_where_no_file_says_the_size_and_the_image_cannot_be_it_nothing_is_scored(self, made, tmp_path):
        """The test set's annotations lack img_size: polygons on a small copy would be masks at a wrong place."""
        root = made("chexlocalize", tmp_path / "x", size=(25, 30), kinds=("annotations",))
        for file in (root / "CheXlocalize").iterdir():
            content = json.loads(file.read_text())
            for classes in content.values():
                del classes["img_size"]
            file.write_text(json.dumps(content))
        with pytest.raises(DatasetError, match=r"img_size is not there.* is 25x30, as in CheXpert-v1.0-small; put the"):
            load_dataset("chexlocalize", root)

    def test_without_a_size_the_images_own_is_taken(self, root, made):
        for file in (root / "CheXlocalize").glob("gt_annotations_*"):
            content = json.loads(file.read_text())
            for classes in content.values():
                del classes["img_size"]
            file.write_text(json.dumps(content))
        for file in (root / "CheXlocalize").glob("gt_segmentations_*"):
            file.unlink()
        mask = load_dataset("chexlocalize", root)[0].mask.load()
        assert (mask == expected(made, "val", FRONTAL, "Cardiomegaly")).all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "is not of CheXlocalize, whose files are objects of images"),
        ({"images": [], "annotations": []}, r"got 'images'"),
        ({FRONTAL: {"img_size": [60], "Edema": []}}, r"img_size must be \[height, width\]"),
        ({FRONTAL: {"img_size": [60, 50], "Edema": [[[1, 2], [3]]]}}, r"a polygon is a list of points \[x, y\]"),
        ({FRONTAL: {"img_size": [60, 50], "Edema": 5}}, r"polygons are lists of points"),
        ({FRONTAL: {"Edema": {"size": [60, 50], "counts": "5"}}}, "its segmentation cannot be read"),
    ],
)
def test_files_of_another_form(root, content, said):
    (root / "CheXlocalize/gt_segmentations_val.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=said):
        load_dataset("chexlocalize", root)
