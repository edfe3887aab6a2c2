"""ChestX-Det and ChestX-Det10: corners, boxes or polygons, two releases."""

import json

import pytest
from pycocotools import mask as coco

from groundcxr import load_dataset
from groundcxr.core import DatasetError, UnknownNameError
from groundcxr.datasets import check_dataset


@pytest.fixture
def root(made, tmp_path):
    return made("chestx-det", tmp_path / "det")


def test_the_boxes_of_an_image_and_a_class_are_one_sample(root, told):
    dataset = load_dataset("chestx-det", root, "test")
    assert [(one.image_id, one.pathology) for one in dataset] == [("36199", "Effusion"), ("36199", "Nodule")]
    assert [[box.as_tuple() for box in one.boxes] for one in dataset] == [
        [(512, 256, 768, 1024), (128, 256, 256, 512)],
        [(0, 0, 64, 128)],
    ]
    assert all(one.mask is None and one.patient_id is None for one in dataset)
    assert told(dataset) == []
    assert dataset.version == "ChestX-Det"


@pytest.mark.parametrize("size", [(256, 256), (256, 512), (512, 256)])
@pytest.mark.parametrize("regions", ["boxes", "polygons"])
def test_copies_of_another_size(made, tmp_path, size, regions):
    dataset = load_dataset("chestx-det", made("chestx-det", tmp_path / "det", size=size), "test", regions=regions)
    x, y = size[0] / 1024, size[1] / 1024
    if regions == "boxes":
        assert dataset[0].boxes[0].as_tuple() == (512 * x, 256 * y, 768 * x, 1024 * y)
    else:
        mask = dataset[0].mask.load()
        assert mask.shape == size[::-1]
        assert mask[int(300 * y) :, int(520 * x) : int(760 * x)].all()
        assert not mask[:, int(780 * x) :].any()


def test_polygons_are_filled_as_coco_does(root):
    dataset = load_dataset("chestx-det", root, "test", regions="polygons")
    assert not any(one.boxes for one in dataset)
    flat = [[512, 256, 768, 256, 768, 1024, 512, 1024], [128, 256, 256, 256, 200, 512]]
    expected = coco.decode(coco.merge(coco.frPyObjects([list(map(float, one)) for one in flat], 1024, 1024)))
    assert (dataset[0].mask.load() == expected.astype(bool)).all()
    assert dataset.options == {"phrases": "there is {class}", "regions": "polygons"}


def test_training_samples_are_those_of_train(root):
    test = load_dataset("chestx-det", root, "test")
    assert [one.image_id for one in test.training_samples()] == ["36200"]
    assert load_dataset("chestx-det", root).training_samples() is None
    assert test.pathologies == ("Effusion", "Nodule")


def test_what_an_image_has_none_of_is_known(root):
    dataset = load_dataset("chestx-det", root)
    absent = {one.image_id: one.classes for one in dataset.absent}
    assert len(absent["36201"]) == 13  # the image without any finding is no sample
    assert set(absent["36199"]) == {*absent["36201"]} - {"Effusion", "Nodule"}
    assert [one.image_id for one in load_dataset("chestx-det", root, "test").absent] == ["36199"]


def test_chestx_det10_has_boxes_and_ten_classes(made, tmp_path):
    root = tmp_path / "det10"
    root.mkdir()
    made.chestx_det10(root)
    dataset = load_dataset("chestx-det", root, "test")
    assert dataset.version == "ChestX-Det10"
    assert len(dataset) == 2
    assert {len(one.classes) for one in load_dataset("chestx-det", root).absent} == {10, 9, 8}
    with pytest.raises(DatasetError, match=r"there are no polygons, which ChestX-Det10 does not have; .*regions=boxes"):
        load_dataset("chestx-det", root, "test", regions="polygons")


def test_of_both_releases_chestx_det_is_read(root, made):
    made.chestx_det10(root)
    assert load_dataset("chestx-det", root).version == "ChestX-Det"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"boxes": [[1, 2, 3]]}, r"record 0: a box must be \[x0, y0, x1, y1\], got \[1, 2, 3\]"),
        ({"boxes": [[1, 2, 3, "x"]]}, "record 0: every corner of a box must be a number"),
        ({"boxes": []}, "record 0: syms and boxes must be lists of one length"),
        ({"file_name": ""}, "record 0: a record has file_name, syms and boxes"),
        ({"file_name": "36201.png"}, "record 1: the image '36201' is there twice"),
        ({"syms": [""]}, "record 0: a class in syms is empty"),
    ],
)
def test_records_that_are_none(root, change, said):
    file = root / "ChestX_Det_train.json"
    records = json.loads(file.read_text())
    records[0] |= change
    file.write_text(json.dumps(records))
    with pytest.raises(DatasetError, match=said):
        load_dataset("chestx-det", root)


def test_corners_in_the_wrong_order_are_dropped_and_told(root):
    file = root / "ChestX_Det_train.json"
    records = json.loads(file.read_text())
    records[0]["boxes"] = [[110, 220, 10, 20]]
    file.write_text(json.dumps(records))
    warnings = load_dataset("chestx-det", root).warnings
    assert any("negative width or height were dropped: 1" in text for text in warnings)
    assert any("look like x, y, width, height where corners x0, y0, x1, y1 are meant" in text for text in warnings)
    assert any("w and h are negative" in finding.problem for finding in check_dataset("chestx-det", root))


def test_options(root):
    with pytest.raises(UnknownNameError, match=r"did you mean 'polygons'"):
        load_dataset("chestx-det", root, regions="polygon")
    with pytest.raises(UnknownNameError, match=r"no split 'val'"):
        load_dataset("chestx-det", root, "val")


def test_an_unknown_class_is_told_with_the_closest(root, told):
    file = root / "ChestX_Det_train.json"
    file.write_text(file.read_text().replace('"Nodule"', '"Nodules"'))
    (said,) = told(load_dataset("chestx-det", root))
    assert "the class 'Nodules', none of ChestX-Det's (the closest is 'Nodule')" in said
