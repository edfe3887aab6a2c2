"""VinDr-CXR: three readers on training images, consensus on test images, PhysioNet's files and Kaggle's."""

import pytest
from pycocotools import mask as coco

from groundcxr import load_dataset
from groundcxr.core import DatasetError, UnknownNameError
from groundcxr.datasets import check_dataset
from groundcxr.datasets.own_pixels import OWN

LANDSCAPE, NORMAL, PORTRAIT, OF_TEST = (letter * 32 for letter in "abcd")


@pytest.fixture
def root(made, tmp_path):
    return made("vindr-cxr", tmp_path / "vindr")


def boxes(dataset):
    return {(one.image_id[0], one.pathology): [box.as_tuple() for box in one.boxes] for one in dataset}


def test_all_readers_boxes(root):
    dataset = load_dataset("vindr-cxr", root)
    assert boxes(dataset) == {
        ("a", "Cardiomegaly"): [(100.5, 80, 200.5, 180), (110.5, 80, 210.5, 180), (102.5, 84, 202.5, 184)],
        ("a", "Pleural effusion"): [(10, 150, 60, 190)],
        ("a", "ILD"): [(10, 20, 90, 120)],
        ("c", "Nodule/Mass"): [(20.25, 30.5, 60.75, 90), (150, 250, 200, 290)],  # clipped: the image is 200 wide
        ("d", "Cardiomegaly"): [(90, 70, 190, 170)],
        ("d", "ILD"): [(15, 25, 95, 125)],
    }
    assert [(one.image_size, one.patient_id) for one in dataset][3:5] == [((200, 300), None), ((300, 200), None)]
    assert dataset.credentialed
    assert dataset.options == {"phrases": "there is {class}", "readers": "any"}
    assert "11 rows of train (published: 69,052), 7 boxes of train (published: 37,367)" in dataset.warnings[0]


def test_a_single_reader(root):
    dataset = load_dataset("vindr-cxr", root, "train", readers="R9")
    assert boxes(dataset) == {
        ("a", "Cardiomegaly"): [(100.5, 80, 200.5, 180)],
        ("a", "Pleural effusion"): [(10, 150, 60, 190)],
        ("c", "Nodule/Mass"): [(20.25, 30.5, 60.75, 90)],
    }
    with pytest.raises(UnknownNameError, match=r"there is no reader 'R1' of vindr-cxr; did you mean 'R11'"):
        load_dataset("vindr-cxr", root, readers="R1")


def test_fused(root):
    dataset = load_dataset("vindr-cxr", root, readers="fused")
    found = boxes(dataset)
    # The mean of the three, whose first two overlap by 90/110, and the mean of these with the third by more.
    (mean,) = found["a", "Cardiomegaly"]
    assert mean == pytest.approx((104.5, 244 / 3, 204.5, 544 / 3))
    assert sorted(found["c", "Nodule/Mass"]) == [(20.25, 30.5, 60.75, 90), (150, 250, 200, 290)]
    assert found["d", "Cardiomegaly"] == [(90, 70, 190, 170)]
    assert dataset.options["fuse_iou"] == 0.4
    assert len(boxes(load_dataset("vindr-cxr", root, readers="fused", fuse_iou="0.95"))["a", "Cardiomegaly"]) == 3
    for wrong in ("1.5", "much", True):
        with pytest.raises(DatasetError, match="must be a number from 0 to 1"):
            load_dataset("vindr-cxr", root, readers="fused", fuse_iou=wrong)


def test_the_order_of_rows_does_not_change_a_fusion(root):
    before = load_dataset("vindr-cxr", root, "train", readers="fused")
    path = next(root.rglob("annotations_train.csv"))
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows)]))
    assert boxes(load_dataset("vindr-cxr", root, "train", readers="fused")) == boxes(before)


class TestVilouras2024:
    def test_classes_phrases_and_boxes(self, root):
        """As the public data/vindr_cxr.py: of two boxes with IoU >= .55 the smaller goes, of equal ones the first."""
        dataset = load_dataset("vindr-cxr", root, readers="vilouras2024")
        assert boxes(dataset) == {
            ("a", "Cardiomegaly"): [(102, 84, 202, 184)],
            ("a", "Pleural effusion"): [(10, 150, 60, 190)],
            ("a", "Pneumonia"): [(10, 20, 90, 120)],  # ILD, and a label of the image has Cardiomegaly
            ("d", "Cardiomegaly"): [(90, 70, 190, 170)],
            ("d", "Pneumonia"): [(15, 25, 95, 125)],
        }
        assert dataset[0].phrase == "The patient has Cardiomegaly"
        assert dataset.options == {"phrases": "The patient has {class}", "readers": "vilouras2024"}
        assert load_dataset("vindr-cxr", root, readers="vilouras2024", phrases="class")[0].phrase == "Cardiomegaly"

    def test_boxes_of_the_consensus_stay_as_they_are(self, root):
        path = next(root.rglob("annotations_test.csv"))
        path.write_text(path.read_text() + f"{OF_TEST},Cardiomegaly,91.9,70,190,170\n")
        found = boxes(load_dataset("vindr-cxr", root, "test", readers="vilouras2024"))
        assert found["d", "Cardiomegaly"] == [(90, 70, 190, 170), (91, 70, 190, 170)]

    def test_what_stands_for_pneumonia_needs_a_label_of_the_eight(self, root):
        path = next(root.rglob("annotations_test.csv"))
        path.write_text("\n".join(line for line in path.read_text().splitlines() if "Cardiomegaly" not in line))
        labels = next(root.rglob("image_labels_test.csv"))
        labels.write_text(labels.read_text().replace("0,0,0,1,", "0,0,0,0,", 1))
        assert not any(image == "d" for image, _ in boxes(load_dataset("vindr-cxr", root, readers="vilouras2024")))

    def test_no_labels(self, root):
        next(root.rglob("image_labels_train.csv")).unlink()
        with pytest.raises(DatasetError, match=r"needs PhysioNet's image_labels_train\.csv, which is not there"):
            load_dataset("vindr-cxr", root, readers="vilouras2024")


def test_what_no_label_and_no_row_has_is_absent(root):
    absent = {one.image_id[0]: set(one.classes) for one in load_dataset("vindr-cxr", root).absent}
    assert {"Cardiomegaly", "ILD", "Pleural effusion"}.isdisjoint(absent["a"])
    assert {"Edema", "Pneumonia", "Tuberculosis"} <= absent["a"] & absent["b"] & absent["d"]
    assert len(absent["b"]) == 26
    assert load_dataset("vindr-cxr", root, "test", negatives="2")[-1].negative
    for file in root.rglob("image_labels_*.csv"):
        file.unlink()
    # Without labels of images, "No finding" alone says what is not there: of the findings that have boxes.
    (normal,) = load_dataset("vindr-cxr", root).absent
    assert normal.image_id[0] == "b"
    assert len(normal.classes) == 22
    assert "Pneumonia" not in normal.classes


def test_the_doctor_asks_nobody_to_mend_a_release(root):
    """29 of its boxes stick out of their images, and two readers may draw one box."""
    path = next(root.rglob("annotations_train.csv"))
    path.write_text(path.read_text() + f"{LANDSCAPE},R9,ILD,-4,20,90,120\n" + f"{LANDSCAPE},R8,ILD,-4,20,90,120\n")
    said = [one for one in check_dataset("vindr-cxr", root) if ", row " in one.problem]
    assert any("sticks out" in one.problem for one in said)
    assert any("repeats" in one.problem for one in said)
    assert {one.step for one in said} == {"compare with the release; where it has the same, nothing is to be done"}


class TestSecondReader:
    def test_is_the_fusion_of_the_others(self, root):
        dataset = load_dataset("vindr-cxr", root, "train", readers="R9")
        assert dataset.has_second_reader
        heart, effusion, nodule = (dataset.second_reader(one) for one in dataset)
        # R10's and R8's: the mean of (110.5, 80, 210.5, 180) and (102.5, 84, 202.5, 184).
        assert [box.as_tuple() for box in heart.boxes] == [(106.5, 82, 206.5, 182)]
        assert effusion is None
        assert [box.as_tuple() for box in nodule.boxes] == [(150, 250, 200, 290)]

    @pytest.mark.parametrize(
        ("split", "readers"), [("train", "any"), ("train", "fused"), ("test", "R9"), ("all", "R9")]
    )
    def test_is_none_where_nobody_is_set_apart(self, root, split, readers):
        assert not load_dataset("vindr-cxr", root, split, readers=readers).has_second_reader

    def test_is_none_where_one_alone_has_read_an_image(self, root):
        path = next(root.rglob("annotations_train.csv"))
        alone = [line for line in path.read_text().splitlines() if not (line.startswith("b") and ",R9," not in line)]
        path.write_text("\n".join(alone))
        assert not load_dataset("vindr-cxr", root, "train", readers="R9").has_second_reader


class TestKaggle:
    def test_form(self, made, tmp_path):
        dataset = load_dataset("vindr-cxr", made("vindr-kaggle", tmp_path / "kaggle"))
        assert (dataset.version, len(dataset)) == ("Kaggle", 4)
        assert boxes(dataset)["c", "Nodule/Mass"][0] == (20, 30, 60, 90)
        (normal,) = dataset.absent
        assert normal.image_id[0] == "b"

    def test_no_finding_is_about_its_14_classes(self, made, tmp_path):
        """An image that showed a rib fracture alone is "No finding" there: 31,818 such rows, and PhysioNet's 31,685."""
        (normal,) = load_dataset("vindr-cxr", made("vindr-kaggle", tmp_path / "kaggle")).absent
        assert normal.classes == (
            "Aortic enlargement", "Atelectasis", "Calcification", "Cardiomegaly", "Consolidation", "ILD",
            "Infiltration", "Lung Opacity", "Nodule/Mass", "Pleural effusion", "Pleural thickening", "Pneumothorax",
            "Pulmonary fibrosis", "Other lesion",
        )  # fmt: skip

    def test_copies_of_another_size(self, made, tmp_path):
        root = made("vindr-kaggle", tmp_path / "kaggle", suffix=".png", size=(100, 100))
        with pytest.raises(DatasetError, match=r"copies of another size.* boxes stick out of them.*train_meta\.csv"):
            load_dataset("vindr-cxr", root)
        assert any("copies of another size" in one.problem for one in check_dataset("vindr-cxr", root))
        (root / "train_meta.csv").write_text(f"image_id,dim0,dim1\n{LANDSCAPE},200,300\n{PORTRAIT},300,200\n")
        found = boxes(load_dataset("vindr-cxr", root))
        assert found["a", "ILD"] == [pytest.approx((10 / 3, 10, 30, 60))]  # dim0 is the height
        assert found["c", "Nodule/Mass"][0] == pytest.approx((10, 10, 30, 30))

    def test_sizes_in_the_table(self, made, tmp_path):
        root = made("vindr-kaggle", tmp_path / "kaggle", suffix=".png", size=(100, 100))
        header, *rows = (root / "train.csv").read_text().splitlines()
        sizes = {"a": "300,200", "b": "200,200", "c": "200,300"}
        (root / "train.csv").write_text(
            "\n".join([f"{header},width,height", *(f"{row},{sizes[row[0]]}" for row in rows)])
        )
        assert boxes(load_dataset("vindr-cxr", root))["a", "ILD"] == [pytest.approx((10 / 3, 10, 30, 60))]

    def test_full_size_pictures_are_taken_in_their_own_pixels(self, made, tmp_path):
        root = made("vindr-kaggle", tmp_path / "kaggle", suffix=".png")
        path = root / "train.csv"
        path.write_text("\n".join(line for line in path.read_text().splitlines() if "R11" not in line))
        dataset = load_dataset("vindr-cxr", root)
        assert boxes(dataset)["a", "ILD"] == [(10, 20, 90, 120)]
        assert any(text.startswith(f"{OWN}: 2") for text in dataset.warnings)


def test_lifted_files_and_other_columns(root):
    for file in list(root.rglob("*.csv")):
        file.rename(root / file.name)
    path = root / "annotations_train.csv"
    path.write_text(path.read_text().replace("rad_id", "rad_ID", 1) + f"{NORMAL},R9,Edema,,,,\n")
    dataset = load_dataset("vindr-cxr", root, "train", readers="R9")
    assert len(dataset) == 3
    assert any("rows of a finding have no box and are left out: 1" in text for text in dataset.warnings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image_id,class_name\na,b\n", "lacks the column 'x_min'.*download VinDr-CXR"),
        ("<!DOCTYPE html><title>Log in</title>", "is a web page, not a CSV file"),
        ("image_id,class_name,x_min,y_min,x_max,y_max\na,Edema,1,2,x,4\n", "row 2: x_max must be a number, got 'x'"),
        ("image_id,class_name,x_min,y_min,x_max,y_max\n,Edema,1,2,3,4\n", "row 2: image_id is empty"),
    ],
)
def test_wrong_files(root, text, said):
    next(root.rglob("annotations_train.csv")).write_text(text)
    with pytest.raises(DatasetError, match=said):
        load_dataset("vindr-cxr", root)


def test_iou_is_that_of_coco():
    from groundcxr import Box
    from groundcxr.datasets.fusion import iou

    one, two = Box(10.5, 20, 60, 90.25), Box(30, 40.5, 100, 120)
    xywh = [[[box.x0, box.y0, box.width, box.height]] for box in (one, two)]
    assert iou(one, two) == pytest.approx(coco.iou(*xywh, [0])[0, 0])
