"""RSNA Pneumonia: corners and sizes, negatives, several boxes."""

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError


@pytest.fixture
def root(made, tmp_path):
    return made("rsna-pneumonia", tmp_path / "rsna")


def test_the_boxes_of_an_image_are_one_sample(root, made, told):
    dataset = load_dataset("rsna-pneumonia", root)
    _, one, two = made.rsna_ids
    assert [(sample.image_id, sample.pathology) for sample in dataset] == [(one, "Lung Opacity"), (two, "Lung Opacity")]
    assert [[box.as_tuple() for box in sample.boxes] for sample in dataset] == [
        [(264, 152, 264 + 213, 152 + 379)],  # the corner, not the centre
        [(100, 200, 356, 328), (600, 200, 856, 712)],
    ]
    assert dataset[0].image_path.suffix == ".dcm"
    assert dataset[0].patient_id is None
    assert told(dataset) == []


@pytest.mark.parametrize(
    ("size", "scale"), [((224, 224), (0.21875, 0.21875)), ((256, 512), (0.25, 0.5)), ((640, 512), (0.625, 0.5))]
)
def test_copies_of_another_size(made, tmp_path, size, scale):
    dataset = load_dataset("rsna-pneumonia", made("rsna-pneumonia", tmp_path / "rsna", size=size))
    x, y = scale
    assert dataset[1].boxes[1].as_tuple() == pytest.approx((600 * x, 200 * y, 856 * x, 712 * y))


def test_images_without_a_box_are_negatives_and_no_samples(root, made):
    dataset = load_dataset("rsna-pneumonia", root)
    (absent,) = dataset.absent
    assert (absent.image_id, absent.classes) == (made.rsna_ids[0], ("Lung Opacity",))
    assert absent.image_path.is_file()
    absent.image_path.unlink()
    assert load_dataset("rsna-pneumonia", root).absent == ()


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (",1\n", ",2\n", r"row 3: Target must be 0 or 1, got '2'"),
        ("264.0,152.0,213.0,379.0,1", ",,,,1", r"row 3: x must be a number, got ''"),
        ("264.0,152.0,213.0,379.0,1", "264.0,152.0,213.0,379.0,0", r"row 3: there is a box, but Target is 0"),
    ],
)
def test_rows_that_contradict_themselves(root, wrong, right, said):
    file = root / "stage_2_train_labels.csv"
    file.write_text(file.read_text().replace(wrong, right, 1))
    with pytest.raises(DatasetError, match=said):
        load_dataset("rsna-pneumonia", root)


def test_an_image_of_both_targets_is_told_and_no_negative(root, made, told):
    file = root / "stage_2_train_labels.csv"
    file.write_text(file.read_text() + f"{made.rsna_ids[1]},,,,,0\n")
    dataset = load_dataset("rsna-pneumonia", root)
    assert [one.image_id for one in dataset.absent] == [made.rsna_ids[0]]
    assert told(dataset) == [
        f"images have rows of Target 0 and of Target 1: the boxes count: 1, for example {made.rsna_ids[1]}"
    ]
