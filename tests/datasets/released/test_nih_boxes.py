"""NIH's boxes: the broken header, Infiltrate, the 1024 frame."""

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError
from groundcxr.datasets import check_dataset


@pytest.fixture
def root(made, tmp_path):
    return made("nih-boxes", tmp_path / "nih")


def test_the_boxes(root, told):
    dataset = load_dataset("nih-boxes", root)
    assert [(one.image_id, one.pathology, one.phrase, one.patient_id) for one in dataset] == [
        ("00000011_000", "Atelectasis", "there is Atelectasis", "00000011"),
        ("00000011_000", "Infiltrate", "there is Infiltrate", "00000011"),
        ("00000012_003", "Cardiomegaly", "there is Cardiomegaly", "00000012"),
    ]
    # x, y, x + w, y + h of the rows
    assert [one.boxes[0].as_tuple() for one in dataset] == [
        (225.5, 547.25, 312.0, 627.0),
        (100, 200, 400, 600),
        (300, 400, 812, 656),
    ]
    assert told(dataset) == []
    assert not dataset.credentialed
    (published,) = dataset.warnings
    assert "3 boxes (published: 984), 2 images (published: 880), 2 patients (published: 726)" in published


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((224, 224), (225.5 * 224 / 1024, 547.25 * 224 / 1024, 312 * 224 / 1024, 627 * 224 / 1024)),
        ((512, 640), (112.75, 547.25 * 640 / 1024, 156.0, 627 * 640 / 1024)),  # portrait, squeezed
        ((2048, 1024), (451, 547.25, 624, 627)),  # landscape
    ],
)
def test_copies_of_another_size(made, tmp_path, size, box, told):
    dataset = load_dataset("nih-boxes", made("nih-boxes", tmp_path / "nih", size=size))
    assert dataset[0].image_size == size
    assert dataset[0].boxes[0].as_tuple() == pytest.approx(box)
    (said,) = told(dataset)
    assert ("not at the annotated size" if size[0] == size[1] else "another aspect ratio") in said


@pytest.mark.parametrize(
    "header",
    [
        "Image Index,Finding Label,Bbox [x,y,w,h],,,",
        'Image Index,Finding Label,"Bbox [x,y,w,h]",,,',
        "Image Index,Finding Label,Bbox [x,y,w,h]",
        "Image Index,Finding Label,x,y,w,h",
    ],
)
def test_headers_as_they_are_and_as_people_mend_them(root, header):
    file = root / "BBox_List_2017.csv"
    boxes = [one.boxes for one in load_dataset("nih-boxes", root)]
    lines = file.read_text().splitlines()
    file.write_text("\n".join([header, *lines[1:]]))
    assert [one.boxes for one in load_dataset("nih-boxes", root)] == boxes


def test_splits_are_of_the_lists(root):
    assert len(load_dataset("nih-boxes", root, "test")) == 3
    with pytest.raises(DatasetError, match=r"no annotations of the split 'train_val'; train_val_list\.txt says what"):
        load_dataset("nih-boxes", root, "train_val")
    (root / "test_list.txt").unlink()
    with pytest.raises(DatasetError, match=r"of the split 'test'; test_list\.txt says .* put that file below .*nih"):
        load_dataset("nih-boxes", root, "test")
    assert len(load_dataset("nih-boxes", root)) == 3


def test_an_image_in_both_lists_is_refused(root):
    path = root / "train_val_list.txt"
    path.write_text(path.read_text() + "00000011_000.png\n")
    with pytest.raises(DatasetError, match=r"test_list\.txt: the image 00000011_000 is in train_val too; get"):
        load_dataset("nih-boxes", root)


def test_what_is_not_there_is_known_from_the_labels_alone(root):
    absent = {one.image_id: one.classes for one in load_dataset("nih-boxes", root).absent}
    assert absent == {
        "00000011_000": ("Cardiomegaly", "Effusion", "Mass", "Nodule", "Pneumonia", "Pneumothorax"),
        # "Mass" is a label without a box
        "00000012_003": ("Atelectasis", "Effusion", "Infiltrate", "Nodule", "Pneumonia", "Pneumothorax"),
    }
    (root / "Data_Entry_2017_v2020.csv").unlink()
    assert load_dataset("nih-boxes", root).absent == ()


def test_a_box_that_the_labels_do_not_name_is_told(root, told):
    file = root / "Data_Entry_2017_v2020.csv"
    file.write_text(file.read_text().replace("Infiltration", "Edema"))
    (said,) = told(load_dataset("nih-boxes", root))
    assert said == "boxes are of a class that the labels of their image do not name: 1, for example row 3: 00000011_000"


def test_doctor_names_what_is_wrong(root):
    file = root / "BBox_List_2017.csv"
    file.write_text(file.read_text().replace("300.0,400.0,512.0", "800.0,400.0,512.0"))
    (root / "images_001/images/00000011_000.png").unlink()
    findings = {finding.problem: finding for finding in check_dataset("nih-boxes", root)}
    assert any("there is no image file" in text and one.level == "error" for text, one in findings.items())
    assert any("row 4: the box x=800, y=400, w=512, h=256" in text and "clipped" in text for text in findings)


def test_phrases(root):
    dataset = load_dataset("nih-boxes", root, phrases="class")
    assert dataset[0].phrase == "Atelectasis"
    assert dataset.options == {"phrases": "class"}
    assert dataset.fingerprint() != load_dataset("nih-boxes", root).fingerprint()
