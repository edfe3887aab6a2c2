"""COCO files as tools write them: masks, captions, two names of one image, and values that are none."""

import json

import numpy as np
import pytest
from pycocotools import mask as reference

from groundcxr import load_dataset
from groundcxr.core import DatasetError
from groundcxr.core.mask import LARGEST_MASK
from groundcxr.datasets import check_dataset, segmentations

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own

WIDTH, HEIGHT = 60, 40
IMAGE = {"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 20, 20], "phrase": "spot"}
REGION = {key: value for key, value in BOX.items() if key != "bbox"}


@pytest.fixture
def folder(tmp_path, write):
    write.image(tmp_path / "a.png", (WIDTH, HEIGHT))
    return tmp_path


def coco(folder, *annotations, images=(IMAGE,), categories=({"id": 1, "name": "Nodule"},), **more):
    path = folder / "m.json"
    content = {"images": images, "annotations": annotations, "categories": categories, **more}
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    return path


def drawn(seed=0, size=(WIDTH, HEIGHT)):
    mask = np.zeros((size[1], size[0]), dtype=np.uint8)
    x, y = np.random.default_rng(seed).integers(0, (size[0] - 15, size[1] - 15))
    mask[y : y + 13, x : x + 9] = 1
    mask[y + 4, x : x + 12] = 1
    return mask


def compressed(mask):
    code = reference.encode(np.asfortranarray(mask))
    return {"size": code["size"], "counts": code["counts"].decode()}


def plain(mask):
    counts, inside, run = [], 0, 0
    for pixel in mask.ravel(order="F"):
        if pixel != inside:
            counts.append(run)
            inside, run = pixel, 0
        run += 1
    return {"size": list(mask.shape), "counts": [int(run) for run in [*counts, run]]}


@pytest.mark.parametrize("write_runs", [compressed, plain])
def test_the_mask_of_an_annotation_without_a_box_is_the_target(folder, write_runs):
    path = coco(folder, {**REGION, "segmentation": write_runs(drawn()), "iscrowd": 1})
    (sample,) = load_dataset("manifest", path)
    assert sample.boxes == ()
    np.testing.assert_array_equal(sample.mask.load(), drawn() > 0)
    assert load_dataset("manifest", path).warnings == ()
    assert check_dataset("manifest", path) == []


def test_polygons_are_filled_as_coco_does_and_parts_of_a_phrase_are_one_mask(folder):
    one, two = [[3.5, 4, 30, 8.2, 12, 33], [40, 5, 55, 5, 50, 70]], [20, 20, 25, 20, 25, 25.5, 20, 26]
    path = coco(
        folder,
        {**REGION, "segmentation": one},
        {**REGION, "id": 2, "segmentation": two},
        {**REGION, "id": 3, "segmentation": compressed(drawn(5))},
    )
    (sample,) = load_dataset("manifest", path)
    polygons = reference.frPyObjects([*one, two], HEIGHT, WIDTH)
    expected = reference.decode(reference.merge(polygons)) | drawn(5)
    np.testing.assert_array_equal(sample.mask.load(), expected > 0)


def test_masks_are_not_drawn_before_they_are_needed(folder, monkeypatch):
    monkeypatch.setattr(segmentations, "fill_runs", lambda *_: pytest.fail("drawn"))
    assert load_dataset("manifest", coco(folder, {**REGION, "segmentation": compressed(drawn())})).fingerprint()


def test_the_content_of_masks_is_in_the_fingerprint(folder):
    one, same, other = (
        load_dataset("manifest", coco(folder, {**REGION, "segmentation": segmentation})).fingerprint()
        for segmentation in (compressed(drawn()), plain(drawn()), compressed(drawn(1)))
    )
    assert one == same != other


def test_a_box_beside_a_segmentation_is_the_target(folder):
    dataset = load_dataset("manifest", coco(folder, {**BOX, "segmentation": compressed(drawn())}))
    assert (dataset[0].boxes[0].as_tuple(), dataset[0].mask, dataset.warnings) == ((1, 2, 21, 22), None, ())
    mixed = load_dataset("manifest", coco(folder, BOX, {**REGION, "id": 2, "segmentation": compressed(drawn())}))
    assert [text for text in mixed.warnings if "the boxes alone are the target: 1, for example annotation 2" in text]


@pytest.mark.parametrize("record", [{"width": WIDTH, "height": HEIGHT}, {"width": 2 * WIDTH, "height": 2 * HEIGHT}, {}])
def test_a_mask_of_another_size_is_brought_to_the_files_by_nearest_neighbour(folder, record):
    large = np.kron(drawn(), np.ones((2, 2), np.uint8))
    image = {"id": 1, "file_name": "a.png", **record}
    path = coco(folder, {**REGION, "segmentation": compressed(large)}, images=[image])
    np.testing.assert_array_equal(load_dataset("manifest", path)[0].mask.load(), drawn() > 0)


def test_polygons_are_in_the_records_size(folder):
    corners = [10, 10, 80, 10, 80, 60, 10, 60]
    record = {**IMAGE, "width": 2 * WIDTH, "height": 2 * HEIGHT}
    dataset = load_dataset("manifest", coco(folder, {**REGION, "segmentation": [corners]}, images=[record]))
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[5:30, 5:40] = True
    np.testing.assert_array_equal(dataset[0].mask.load(), expected)
    assert [("at the annotated size" in text) for text in dataset.warnings] == [True]


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (
            {"size": [WIDTH, HEIGHT], "counts": [0, WIDTH * HEIGHT]},
            "is of 40x60 .*its image of 60x40, another shape",
        ),
        ({"size": [HEIGHT, WIDTH], "counts": [7]}, "cover 7 pixels, and 60x40 are 2,400"),
        ({"size": [HEIGHT, WIDTH], "counts": [2401, -1]}, "not lengths"),
        ({"size": [HEIGHT, WIDTH], "counts": [10.5, 2389.5]}, "whole numbers, got 10.5"),
        ({"size": [HEIGHT, WIDTH], "counts": "~~"}, "no compressed run-length code"),
        ({"size": [HEIGHT, WIDTH]}, "counts must be a list or a text, got None"),
        ({"counts": "0"}, r"size must be \[height, width\], got None"),
        ({"size": [90000, 90000], "counts": [90000 * 90000]}, f"at most {LARGEST_MASK:,} pixels"),
        ([[1, 2, 3, 4]], "a polygon is"),
        ([[1, 2, 3, 4, 5, "six"]], "every corner of a polygon must be a number, got 'six'"),
        ([{"size": [1, 1]}], "a polygon is"),
        ("polygon", "it is 'polygon'"),
    ],
)
def test_a_segmentation_that_is_none_is_named(folder, segmentation, message):
    path = coco(folder, {**REGION, "id": 77, "segmentation": segmentation})
    with pytest.raises(DatasetError, match=f"annotation 77: .*{message}") as caught:
        load_dataset("manifest", path)
    assert [finding.problem for finding in check_dataset("manifest", path)] == [str(caught.value)]


@pytest.mark.parametrize(
    "names",
    [
        {"file_name": "a.png", "path": "/datasets/cxr/a.png"},
        {"file_name": "elsewhere/a.png", "path": "a.png"},
        {"file_name": "/datasets/cxr/a.png", "path": "./a.png"},
        {"file_name": "a.png", "path": "C:\\cxr\\a.png"},
        {"file_name": "a.png", "path": 5},
    ],
)
def test_whichever_of_path_and_file_name_is_a_file_is_the_image(folder, names):
    path = coco(folder, BOX, images=[{**IMAGE, **names}])
    dataset = load_dataset("manifest", path)
    assert (dataset[0].image_id, dataset[0].image_path) == ("a.png", folder / "a.png")
    assert check_dataset("manifest", path) == []


def test_of_a_missing_image_the_keys_are_named(folder):
    images = [IMAGE, {"id": 2, "file_name": "b.png", "path": "/x/b.png"}]
    path = coco(folder, BOX, {**BOX, "id": 2, "image_id": 2}, images=images)
    (finding,) = check_dataset("manifest", path)
    assert finding.problem == f"there is no image file {folder / 'b.png'}"
    assert "correct its file_name or path" in finding.step


def test_a_file_of_captions_is_of_one_class(folder):
    captions = [{"id": number, "image_id": 1, "caption": text} for number, text in enumerate(["clear", "a spot"])]
    dataset = load_dataset("manifest", coco(folder, *captions, categories=None))
    assert [(s.phrase, s.pathology) for s in dataset] == [("clear", "unclassified"), ("a spot", "unclassified")]
    assert [text.partition(":")[0] for text in dataset.warnings] == [
        "annotations have no bbox, so their samples lack that box"
    ]


def test_classes_without_their_list_are_no_captions(folder):
    with pytest.raises(DatasetError, match="annotation 1: there is no category with the id 1"):
        load_dataset("manifest", coco(folder, BOX, categories=None))


@pytest.mark.parametrize("nothing", [None, [], [[]], {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}])
def test_an_annotation_that_marks_nothing_is_said(folder, nothing):
    dataset = load_dataset("manifest", coco(folder, {**REGION, "segmentation": nothing}))
    assert dataset[0].mask is None
    assert dataset.warnings == (
        "annotations have no bbox, so their samples lack that box: 1, for example annotation 1",
    )


def test_the_caption_of_an_image_is_the_phrase_of_its_boxes(folder):
    bare = {key: value for key, value in BOX.items() if key != "phrase"}
    path = coco(folder, bare, {**BOX, "id": 2}, images=[{**IMAGE, "caption": "a spot, left"}])
    assert [sample.phrase for sample in load_dataset("manifest", path)] == ["a spot, left", "spot"]


def test_phrases_of_a_detection_file(folder):
    bare = {key: value for key, value in BOX.items() if key != "phrase"}
    path = coco(folder, bare)
    with pytest.raises(DatasetError, match=r"there is no phrase; .*--set dataset\.phrases=class"):
        load_dataset("manifest", path)
    assert load_dataset("manifest", path, phrases="class")[0].phrase == "Nodule"
    assert load_dataset("manifest", coco(folder, BOX), phrases="a {class}")[0].phrase == "a Nodule"


def test_ids_are_found_however_they_are_written(folder):
    path = coco(folder, {**BOX, "image_id": "1", "category_id": 1.0}, images=[{**IMAGE, "id": 1.0}])
    assert len(load_dataset("manifest", path)) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bbox": [1e308, 0, 1e308, 5]}, "every entry of bbox must be within 100,000 pixels"),
        ({"bbox": [10**400, 0, 1, 5]}, "every entry of bbox must be within 100,000 pixels"),
        ({"bbox": [float("nan"), 0, 1, 5]}, "every entry of bbox must be a number, got nan"),
        ({"bbox": [float("inf"), 0, 1, 5]}, "every entry of bbox must be a number, got inf"),
        ({"bbox": [True, 0, 1, 5]}, "every entry of bbox must be a number, got True"),
        ({"bbox": [[1], 0, 1, 5]}, r"every entry of bbox must be a number, got \[1\]"),
        ({"phrase": "half \ud800"}, "the phrase has half a character"),
        ({"phrase": ["spot"]}, "the phrase must be a text"),
        ({"patient_id": {"id": 1}}, "patient_id must be a text"),
        ({"image_id": None}, "there is no image with the id None"),
        ({"image_id": [[1]]}, r"there is no image with the id \[\[1\]\]"),
    ],
)
def test_values_that_are_none_are_named_in_one_short_sentence(folder, change, message):
    path = coco(folder, {**BOX, "id": 77, **change})
    with pytest.raises(DatasetError, match=f"annotation 77: {message}") as caught:
        load_dataset("manifest", path)
    assert len(str(caught.value)) < len(str(path)) + 200
    str(caught.value).encode()
    assert [finding.problem for finding in check_dataset("manifest", path)] == [str(caught.value)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 10**400}, "the image's width must be within 100,000 pixels"),
        ({"width": -1}, "at least 1 pixel, got -1x40"),
        ({"height": None}, "the image.s size lacks its height; give width and height, or neither"),
        ({"width": 99999, "height": 99999}, "an image has at most"),
        ({"file_name": "a\ud800.png"}, "the file_name of its image has half a character"),
        ({"file_name": None}, "has no file_name"),
    ],
)
def test_image_records_that_are_none_are_named(folder, change, message):
    with pytest.raises(DatasetError, match=message):
        load_dataset("manifest", coco(folder, BOX, images=[{**IMAGE, **change}]))


def test_a_class_with_half_a_character_is_refused(folder):
    with pytest.raises(DatasetError, match="annotation 1: the name of its category has half a character"):
        load_dataset("manifest", coco(folder, BOX, categories=[{"id": 1, "name": "Edema\ud800"}]))


def test_nesting_without_end_is_no_coco_file(folder):
    path = folder / "m.json"
    path.write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(DatasetError, match="nested too deeply"):
        load_dataset("manifest", path)


@pytest.mark.parametrize("name", ["b\0.png", "b" * 300 + ".png", "x/" * 3000])
def test_a_name_that_no_file_can_have_is_a_missing_image(folder, name):
    path = coco(folder, BOX, {**BOX, "id": 2, "image_id": 2}, images=[IMAGE, {"id": 2, "file_name": name}])
    dataset = load_dataset("manifest", path)
    assert len(dataset) == 2
    assert [("image files are missing" in text, "\0" in text) for text in dataset.warnings] == [(True, False)]
    (finding,) = check_dataset("manifest", path)
    assert finding.problem.startswith("there is no image file ")
