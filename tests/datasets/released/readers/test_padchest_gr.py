"""PadChest-GR: sentences of two languages, boxes of two readers in fractions, sentences about what is not there."""

import json

import pytest

from groundcxr import Radiograph, load_dataset
from groundcxr.core import DatasetError, UnknownNameError
from groundcxr.datasets import check_dataset
from groundcxr.datasets.padchest_gr.dataset import NO_BOX, NO_TABLE
from groundcxr.datasets.padchest_gr.rows import BOXES_ON_NORMAL, NO_SENTENCE, NO_SPLIT


@pytest.fixture
def root(made, tmp_path):
    return made("padchest-gr", tmp_path / "padchest")


def edit(root, change):
    path = root / "grounded_reports_20240819.json"
    content = json.loads(path.read_text())
    changed = change(content)
    path.write_text(json.dumps(content if changed is None else changed))


def test_sentences_and_boxes(root, told):
    dataset = load_dataset("padchest-gr", root)
    assert [(one.phrase, one.pathology, one.patient_id, one.image_size) for one in dataset] == [
        ("Small left pleural effusion.", "pleural effusion", "p1", (200, 300)),
        ("Nodule in the right upper lobe.", "nodule", "p1", (300, 200)),
        ("Cardiomegaly.", "cardiomegaly", "p2", (200, 200)),
    ]
    # Fractions of 200x300; the sentence is there twice.
    portrait, landscape, _ = ([box.as_tuple() for box in one.boxes] for one in dataset)
    assert portrait == [pytest.approx((120, 210, 180, 285)), pytest.approx((20, 60, 40, 120))]
    assert landscape == [pytest.approx((75, 20, 105, 40)), pytest.approx((90, 60, 120, 80))]
    assert dataset[0].image_id.startswith("1" * 39)
    assert told(dataset) == [f"{NO_BOX}: 1"]
    assert dataset.pathologies == ("cardiomegaly", "nodule", "pleural effusion")
    assert dataset.credentialed
    assert dataset.options == {"language": "en", "readers": "first"}
    assert Radiograph.open(dataset[0].image_path).as_uint8().std() > 10  # 16 bits, not one grey


def test_spanish(root):
    dataset = load_dataset("padchest-gr", root, language="es")
    assert dataset[2].phrase == "Cardiomegalia."
    assert dataset.fingerprint() != load_dataset("padchest-gr", root).fingerprint()
    with pytest.raises(UnknownNameError, match=r"language 'fr'.*en, es"):
        load_dataset("padchest-gr", root, language="fr")


def test_readers(root):
    second = load_dataset("padchest-gr", root, readers="second")
    assert [len(one.boxes) for one in second] == [1, 1, 1]
    assert second[0].boxes[0].as_tuple() == pytest.approx((130, 210, 190, 285))
    both = load_dataset("padchest-gr", root, readers="both")
    assert [len(one.boxes) for one in both] == [3, 3, 2]
    assert not both.has_second_reader
    with pytest.raises(UnknownNameError, match=r"readers 'third'.*first, second, both"):
        load_dataset("padchest-gr", root, readers="third")


def test_second_reader(root):
    dataset = load_dataset("padchest-gr", root)
    assert [[box.as_tuple() for box in dataset.second_reader(one).boxes] for one in dataset] == [
        [pytest.approx((130, 210, 190, 285))],
        [pytest.approx((75, 20, 105, 40))],
        [pytest.approx((60, 100, 150, 180))],
    ]
    turned = load_dataset("padchest-gr", root, readers="second")
    assert [len(turned.second_reader(one).boxes) for one in turned] == [2, 2, 1]


def test_negative_sentences(root):
    dataset = load_dataset("padchest-gr", root, negatives="released")
    (negative,) = (one for one in dataset if one.negative)
    assert (negative.phrase, negative.pathology, negative.boxes) == ("No pneumothorax.", "Unlabelled", ())
    assert dataset.options["negatives"] == "released"
    assert dataset.second_reader(negative) is None
    with pytest.raises(DatasetError, match="negatives=released"):
        load_dataset("padchest-gr", root, negatives="1")


def test_a_sentence_that_is_there_as_positive_is_no_negative(root):
    edit(root, lambda content: content[0]["findings"][1].update(sentence_en="Small left pleural effusion."))
    assert not any(one.negative for one in load_dataset("padchest-gr", root, negatives="released"))


def test_splits(root):
    assert [one.patient_id for one in load_dataset("padchest-gr", root, "test")] == ["p1", "p2"]
    # The patient of the training study is in the test split too.
    assert load_dataset("padchest-gr", root, "test").training_samples() == []
    with pytest.raises(DatasetError, match="no annotations of the split 'validation'"):
        load_dataset("padchest-gr", root, "validation")


def test_without_the_table(root, told):
    (root / "master_table.csv").rename(root / "master_table.csv.zip")
    dataset = load_dataset("padchest-gr", root)
    assert {one.patient_id for one in dataset} == {None}
    assert any(text.startswith(f"{NO_TABLE}; unpack") for text in told(dataset))
    with pytest.raises(DatasetError, match=r"no annotations of the split 'test'; master_table\.csv says what is in it"):
        load_dataset("padchest-gr", root, "test")


def test_copies_of_another_size_need_no_frame(made, tmp_path, told):
    root = made("padchest-gr", tmp_path / "x", sizes=((100, 100),) * 3)
    dataset = load_dataset("padchest-gr", root)
    assert dataset[0].boxes[0].as_tuple() == pytest.approx((60, 70, 90, 95))
    assert told(dataset) == [f"{NO_BOX}: 1"]
    assert [one.level for one in check_dataset("padchest-gr", root)] == ["warning", "warning"]


def test_a_missing_image_keeps_its_sample(root):
    next(root.rglob("1111*.png")).unlink()
    dataset = load_dataset("padchest-gr", root)
    width, height = dataset[0].image_size
    assert (width, height) == (300, 200)  # as the others, of which the median is taken
    assert dataset[0].boxes[0].as_tuple() == pytest.approx((0.6 * width, 0.7 * height, 0.9 * width, 0.95 * height))


def test_oddities_are_told(root, told):
    def change(content):
        content[0]["findings"][1]["boxes"] = [[0.1, 0.1, 0.2, 1.02]]
        content[1]["findings"][0]["sentence_en"] = " "
        content[2]["StudyID"] = "9" * 39
        content[2]["findings"][0]["labels"] = []

    edit(root, change)
    dataset = load_dataset("padchest-gr", root)
    said = " ".join(told(dataset))
    assert all(
        text in said for text in (BOXES_ON_NORMAL, NO_SENTENCE, NO_SPLIT, "partly outside their image were clipped")
    )
    assert [one.pathology for one in dataset] == ["pleural effusion", "Unlabelled", "Unlabelled"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: {"images": []}, "is not of PadChest-GR, whose file is a list of records"),
        (lambda content: [{"file_name": "1.png", "syms": []}], "is not of PadChest-GR"),
        (
            lambda content: content[0]["findings"][0].update(boxes=[[10, 20, 30, 40]]),
            r"are in fractions.* got \[10, 20",
        ),
        (lambda content: content[0]["findings"][0].update(boxes=[0.1, 0.2, 0.3, 0.4]), r"must hold boxes \[x0, y0"),
        (lambda content: content[0]["findings"][0].update(boxes="none"), "boxes must be a list of boxes"),
        (lambda content: content[0]["findings"][0].update(labels="nodule"), "labels must be a list, got 'nodule'"),
        (lambda content: content[0].update(ImageID=None), "record 0: a record has ImageID"),
        (lambda content: content[0]["findings"].append(5), "record 0, finding 3: a finding is an object, got 5"),
    ],
)
def test_files_of_another_form(root, change, said):
    edit(root, change)
    with pytest.raises(DatasetError, match=said):
        load_dataset("padchest-gr", root)
