"""What looks wrong in a manifest and its images, told by the loader and by the doctor."""

import json
import unicodedata

import numpy as np
import pytest
from PIL import Image

from groundcxr import load_dataset
from groundcxr.core import DatasetError
from groundcxr.core.doubts import CORNERS, FRACTIONS, LEAVES, ORIENTED, SIZES
from groundcxr.datasets import check_dataset

HEADER = "image,phrase,pathology,x,y,w,h"


@pytest.fixture
def folder(tmp_path, write):
    write.image(tmp_path / "a.png", (100, 120), seed=1)
    write.image(tmp_path / "b.png", (80, 60), seed=2)
    return tmp_path


def csv(folder, *lines, header=HEADER):
    path = folder / "m.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def told(path):
    """The sentences of the loader, each of which the doctor has as well, with a step."""
    warnings = load_dataset("manifest", path).warnings
    findings = {finding.problem: finding for finding in check_dataset("manifest", path)}
    for warning in warnings:
        finding = findings.get(f"{path}: {warning}") or findings.get(warning)
        if finding is None:  # kinds that the doctor lists row by row, or says in words of its own
            assert warning.startswith(("boxes outside", "boxes partly", "boxes of negative"))
        elif "are taken from the columns" not in warning:
            assert (finding.level, bool(finding.step)) == ("warning", True)
    return warnings


@pytest.mark.parametrize(
    ("header", "lines", "kind", "count"),
    [
        (HEADER, ["a.png,p,E,.1,.1,.2,.2", "b.png,p,E,0.5,0.5,0.25,0.25"], FRACTIONS, 2),
        (HEADER, ["a.png,p,E,10,10,20,20", "b.png,p,E,0.5,0.5,0.25,0.25"], FRACTIONS, 1),
        (HEADER, ["a.png,p,E,50,60,90,110", "b.png,p,E,40,30,70,50"], CORNERS, 2),
        (HEADER, ["a.png,p,E,50,60,90,20", "b.png,p,E,200,30,20,20", "b.png,q,E,1,2,3,4"], LEAVES, 2),
        (HEADER.replace("x,y,w,h", "x1,y1,x2,y2"), ["a.png,p,E,50,60,20,30"], SIZES, 1),
    ],
)
def test_boxes_in_another_frame_are_doubted(folder, header, lines, kind, count):
    doubts = [text for text in told(csv(folder, *lines, header=header)) if text.startswith(kind)]
    assert len(doubts) == 1
    assert doubts[0].startswith(f"{kind}: {count}, for example row ")


def test_a_box_that_a_phrase_has_twice_is_told_since_it_counts_twice(folder):
    lines = ["a.png,p,E,10,10,20,20", "b.png,p,E,5,5,20,20", "a.png,p,E,10,10,20,20", "a.png,q,E,10,10,20,20"]
    path = csv(folder, *lines)
    (said,) = load_dataset("manifest", path).warnings
    assert said.startswith("phrases have the same box more than once")
    assert said.endswith(": 1, for example the phrase of row 2")
    assert any("row 4 repeats row 2" in finding.problem for finding in check_dataset("manifest", path))
    assert load_dataset("manifest", csv(folder, *lines[1:])).warnings == ()


def test_coco_corners_are_doubted_against_the_records_size(folder):
    path = folder / "m.json"
    path.write_text(
        '{"images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 240}], '
        '"categories": [{"id": 1, "name": "E"}], "annotations": '
        '[{"id": 5, "image_id": 1, "category_id": 1, "bbox": [100, 120, 180, 220], "phrase": "p"}]}'
    )
    assert [text for text in load_dataset("manifest", path).warnings if text.startswith(CORNERS)] == [
        f"{CORNERS}: 1, for example annotation 5: (100, 120) to (280, 340) in 200x240"
    ]


def test_a_photograph_that_viewers_turn_is_said(folder):
    image = Image.fromarray(np.arange(80 * 60, dtype=np.uint8).reshape(60, 80))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(folder / "turned.jpg", exif=exif)
    exif[0x0112] = 1
    image.save(folder / "upright.jpg", exif=exif)
    path = csv(folder, "turned.jpg,p,E,1,2,3,4", "upright.jpg,p,E,1,2,3,4")
    assert f"{ORIENTED}: 1, for example {folder / 'turned.jpg'}" in told(path)


def test_a_blank_image_is_named_by_the_doctor(folder):
    Image.fromarray(np.full((60, 80), 7, dtype=np.uint8)).save(folder / "blank.png")
    path = csv(folder, "blank.png,p,E,1,2,3,4", "a.png,p,E,1,2,3,4")
    (finding,) = check_dataset("manifest", path)
    assert finding.level == "warning"
    assert finding.problem.startswith(f"{folder / 'blank.png'} has one grey value only")


NFC, NFD = unicodedata.normalize("NFC", "épanchement"), unicodedata.normalize("NFD", "épanchement")


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("small effusion", "small  effusion", "white space"),
        ("small effusion", "small effusion ", "white space"),
        ("small effusion", "small\u00a0effusion", "white space"),
        ("small effusion", "small\teffusion", "white space"),
        ("small effusion", "small\u200b effusion", "white space"),
        (NFC, NFD, "Unicode form"),
        (f"{NFC} left", f"{NFD}  left", "Unicode form and white space"),
    ],
)
def test_phrases_on_one_image_that_look_like_one_are_told(folder, one, other, difference):
    path = csv(folder, f"a.png,{one},E,10,10,20,20", f"a.png,{other},E,40,40,20,20")
    expected = f"phrases on one image differ in {difference} alone and count as different: 1, for example a.png: "
    assert told(path) == (f"{expected}{one!a}, {other!a}",)
    assert told(csv(folder, f"a.png,{one},E,10,10,20,20", f"b.png,{other},E,4,4,20,20")) == ()  # on two images
    assert told(csv(folder, f"a.png,{one},E,10,10,20,20", f"a.png,{one},E,40,40,20,20")) == ()


@pytest.mark.parametrize(
    ("one", "other", "difference", "shown"),
    [
        ("Lung Opacity", "Lung  Opacity", "white space", "'Lung Opacity', 'Lung  Opacity'"),
        ("Lung Opacity", "Lung\u00a0Opacity", "white space", "'Lung Opacity', 'Lung\\xa0Opacity'"),
        ("Nodule", "nodule", "upper and lower case", "Nodule, nodule"),
        ("Lung Opacity", "lung  opacity", "white space and upper and lower case", "'Lung Opacity', 'lung  opacity'"),
    ],
)
def test_classes_that_look_like_one_are_told(folder, one, other, difference, shown):
    path = csv(folder, f"a.png,p,{one},10,10,20,20", f"b.png,p,{other},4,4,20,20")
    assert told(path) == (f"pathologies differ in {difference} alone and count as different: 1, for example {shown}",)


def test_patients_that_look_like_one_are_told(folder):
    path = csv(folder, "a.png,p,E,1,1,20,20,p 1", "b.png,p,E,4,4,20,20,p  1", header=f"{HEADER},patient_id")
    assert told(path) == ("patients differ in white space alone and count as different: 1, for example 'p 1', 'p  1'",)


@pytest.mark.parametrize("name", ["macro", "Micro", "MACRO", " micro "])
def test_a_class_with_the_name_of_an_average_is_refused(folder, name):
    path = csv(folder, f"a.png,p,{name},1,1,20,20")
    with pytest.raises(DatasetError, match="which is reserved: tables show averages under that name; rename the class"):
        load_dataset("manifest", path)
    assert "reserved" in next(f.problem for f in check_dataset("manifest", path) if f.level == "error")


def test_images_annotated_at_two_sizes_are_told(folder):
    header = f"{HEADER},image_width,image_height"
    path = csv(folder, "a.png,p,E,1,1,20,20,100,120", "a.png,q,E,4,4,20,20,200,240", header=header)
    assert told(path) == ("images are annotated at more than one size: 1, for example a.png: 100x120 and 200x240",)


def test_windows_separators_and_suffixes_in_the_other_case(folder, write):
    write.image(folder / "x-ray/one.png", (50, 50), seed=3)
    write.image(folder / "back\\slash.png", (50, 50), seed=4)
    path = csv(folder, *[f"{name},p,E,1,1,2,2" for name in (r"x-ray\one.png", "x-ray/one.PNG", r"back\slash.png")])
    dataset = load_dataset("manifest", path)
    assert [sample.image_id for sample in dataset] == ["x-ray/one.png", "back\\slash.png"]
    assert all(sample.image_path.is_file() for sample in dataset)
    assert len(dataset[0].boxes) == 2  # two spellings, one image
    missing = csv(folder, r"x-ray\two.png,p,E,1,1,2,2", "a.png,p,E,1,1,2,2")
    assert check_dataset("manifest", missing)[0].problem == f"there is no image file {folder / 'x-ray' / 'two.png'}"


def test_names_that_no_file_can_have_are_missing_images(folder):
    path = folder / "m.csv"
    path.write_text(f"{HEADER}\na.png,p,E,1,2,3,4\n{'b' * 300}.png,p,E,1,2,3,4\n{'x/' * 3000}c.png,p,E,1,2,3,4\n")
    dataset = load_dataset("manifest", path)
    assert len(dataset) == 3
    assert [("missing" in text, ": 2, for example" in text) for text in dataset.warnings] == [(True, True)]
    assert [finding.problem[:19] for finding in check_dataset("manifest", path)] == ["there is no image f"] * 2


@pytest.mark.parametrize(
    ("polygon", "kinds"),
    [
        ([0.2, 0.3, 0.6, 0.3, 0.6, 0.8], [FRACTIONS]),
        ([200, 300, 600, 300, 600, 800], [LEAVES]),
        ([20, 30, 101, 30, 60, 121], []),
        ([20, 30, 20.5, 30, 20.5, 30.5], []),
    ],
)
def test_polygons_in_another_frame_are_doubted_as_boxes_are(folder, polygon, kinds):
    record = {"id": 7, "image_id": 1, "category_id": 1, "phrase": "spot", "segmentation": [[40, 50, 60, 50, 60, 70]]}
    content = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "Nodule"}],
        "annotations": [record, {**record, "id": 8, "phrase": "other", "segmentation": [polygon]}],
    }
    path = folder / "m.json"
    path.write_text(json.dumps(content))
    warnings = told(path)
    assert [warning.partition(": 1, for example annotation 8, around its polygons")[0] for warning in warnings] == kinds
