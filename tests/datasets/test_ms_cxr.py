"""What the rows of MS-CXR become."""

from dataclasses import replace

import pandas as pd
import pytest

from groundcxr import evaluate, load_dataset
from groundcxr.core import DatasetError, UnknownNameError
from groundcxr.datasets import opaque_id


@pytest.fixture
def root(tmp_path, write):
    write.csv(tmp_path)
    write.images(tmp_path)
    return tmp_path


def content(dataset):
    """All but the paths."""
    return [replace(sample, image_path=None) for sample in dataset]


def test_rows_become_samples(root, write):
    dataset = load_dataset("ms-cxr", root)
    found = [
        (sample.phrase, sample.pathology, sample.patient_id, [box.as_tuple() for box in sample.boxes])
        for sample in dataset
    ]
    assert found == [
        ("Invented air, left", "Pneumothorax", "p11000001", [(10, 20, 40, 60), (60, 20, 90, 60)]),
        ('a "quoted" shadow', "Lung Opacity", "p11000001", [(50, 60, 70, 80)]),
        (" made-up  haze. ", "Edema", "p12000002", [(0, 0, 100, 120)]),
        ("DEID said so", "Pneumonia", "p13000003", [(5, 5, 15, 15), (40, 5, 50, 15)]),
        ("Invented air, left", "Cardiomegaly", "p11000001", [(30, 60, 80, 100)]),
    ]
    assert {sample.image_size for sample in dataset} == {(100, 120)}
    assert dataset[0].image_path == root / write.rows[0].path
    assert dataset[0].image_id == write.rows[0].dicom_id
    assert (dataset[0].side, dataset[0].zone, dataset[0].mask) == (None, None, None)
    assert (dataset.version, dataset.split, dataset.credentialed) == ("1.1.0", "all", True)
    assert dataset.pathologies == (
        "Cardiomegaly", "Consolidation", "Edema", "Lung Opacity", "Pneumonia", "Pneumothorax",
    )  # fmt: skip
    assert dataset.options == {"group_by": "path,label_text"}


def test_classes_can_be_kept_apart(root):
    dataset = load_dataset("ms-cxr", root, group_by="path,category,label_text")
    deid = [(sample.pathology, len(sample.boxes)) for sample in dataset if sample.phrase == "DEID said so"]
    assert deid == [("Pneumonia", 1), ("Consolidation", 1)]
    assert len({sample.sample_id for sample in dataset}) == len(dataset) == 6


def test_ids_do_not_depend_on_the_order_of_rows(root, tmp_path_factory, write):
    other = tmp_path_factory.mktemp("other")
    write.csv(other, rows=write.rows[::-1])
    write.images(other)
    one, two = load_dataset("ms-cxr", root), load_dataset("ms-cxr", other)
    assert {sample.sample_id for sample in one} == {sample.sample_id for sample in two}


def test_an_unknown_grouping_is_answered_with_the_nearest(root):
    with pytest.raises(UnknownNameError, match="did you mean 'path,category,label_text'"):
        load_dataset("ms-cxr", root, group_by="path,categroy,label_text")


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_csv_and_json_are_the_same_data_set(tmp_path, write, version):
    for kind in ("csv", "json"):
        getattr(write, kind)(tmp_path / kind, version)
        write.images(tmp_path / kind)
    csv, json = load_dataset("ms-cxr", tmp_path / "csv"), load_dataset("ms-cxr", tmp_path / "json")
    assert content(csv) == content(json)
    assert csv.fingerprint() == json.fingerprint()
    assert csv.version == json.version == {"1.0.0": "0.1", "1.1.0": "1.1.0"}[version]
    assert csv.opaque("p10000001") == json.opaque("p10000001")


def test_both_versions_hold_the_same_samples(tmp_path, write):
    for version in ("1.0.0", "1.1.0"):
        write.csv(tmp_path / version, version)
        write.images(tmp_path / version)
    assert content(load_dataset("ms-cxr", tmp_path / "1.0.0")) == content(load_dataset("ms-cxr", tmp_path / "1.1.0"))


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_splits(tmp_path, write, kind):
    getattr(write, kind)(tmp_path)
    write.images(tmp_path)
    parts = {split: load_dataset("ms-cxr", tmp_path, split) for split in ("train", "val", "test")}
    assert {split: len(part) for split, part in parts.items()} == {"train": 3, "val": 1, "test": 1}
    everything = {sample.sample_id: sample for sample in load_dataset("ms-cxr", tmp_path)}
    for part in parts.values():
        assert all(everything[sample.sample_id] == sample for sample in part)
        assert part.pathologies == parts["train"].pathologies


def test_controls_are_fitted_on_patients_that_are_not_scored(tmp_path, write, make_row):
    leaked = make_row(9, 3, "Edema", "of a test patient", (1, 1, 5, 5), "train")
    write.csv(tmp_path, rows=[*write.rows, leaked])
    write.images(tmp_path, rows=[*write.rows, leaked])
    training = load_dataset("ms-cxr", tmp_path, "test").training_samples()
    assert training is not None
    assert {sample.patient_id for sample in training} == {"p11000001"}
    assert load_dataset("ms-cxr", tmp_path).training_samples() is None


def test_an_unknown_split_is_answered_with_the_nearest(root):
    with pytest.raises(UnknownNameError, match="did you mean 'val'"):
        load_dataset("ms-cxr", root, "validate")


def test_a_release_without_splits_says_which_has_them(tmp_path, write):
    write.csv(tmp_path, "1.0.0")
    write.images(tmp_path)
    with pytest.raises(DatasetError, match=r"v1\.0\.0\.csv has no rows of the split 'test'.*1\.1\.0"):
        load_dataset("ms-cxr", tmp_path, "test")


def test_published_ids_cannot_be_worked_out_from_a_patients_number(root, tmp_path_factory, write, make_row):
    dataset = load_dataset("ms-cxr", root)
    published = {dataset.opaque(sample.patient_id) for sample in dataset} | {sample.sample_id for sample in dataset}
    guesses = {opaque_id(salt, "p11000001") for salt in ("", "ms-cxr", "groundcxr")}
    assert not published & guesses
    other = tmp_path_factory.mktemp("other")
    rows = [*write.rows, make_row(7, 7, "Edema", "one more image", (1, 1, 5, 5))]
    write.csv(other, rows=rows)
    write.images(other, rows=rows)
    assert load_dataset("ms-cxr", other).opaque("p11000001") != dataset.opaque("p11000001")


@pytest.mark.parametrize(("size", "scale"), [((50, 60), (0.5, 0.5)), ((200, 240), (2, 2)), ((60, 60), (0.6, 0.5))])
def test_boxes_are_rescaled_to_resized_copies(tmp_path, write, size, scale):
    write.csv(tmp_path)
    write.images(tmp_path, size)
    dataset = load_dataset("ms-cxr", tmp_path)
    assert dataset[0].image_size == size
    sx, sy = scale
    assert dataset[0].boxes[0].as_tuple() == pytest.approx((10 * sx, 20 * sy, 40 * sx, 60 * sy))
    assert dataset[2].boxes[0].as_tuple() == (0, 0, *size)  # a box to the edges stays inside
    assert not any("clipped" in warning for warning in dataset.warnings)
    squeezed = size == (60, 60)
    (warning,) = [warning for warning in dataset.warnings if "annotated" in warning]
    assert ("another aspect ratio" in warning) == squeezed
    assert ": 4, for example" in warning
    assert f"{size[0]}x{size[1]}, annotated 100x120" in warning


def test_an_aspect_ratio_that_is_rounded_is_no_other_aspect_ratio(tmp_path, write):
    rows = [replace(row, frame=(2544, 3056)) for row in write.rows]
    write.csv(tmp_path, rows=rows)
    write.images(tmp_path, (186, 224))  # 224 / 3056 * 2544 = 186.47
    assert not any("aspect ratio" in warning for warning in load_dataset("ms-cxr", tmp_path).warnings)


def test_bad_boxes_are_mended_and_counted(tmp_path, write, make_row):
    rows = [
        make_row(1, 1, "Edema", "sticks out", (80, 100, 40, 40)),
        make_row(1, 1, "Edema", "sticks out", (-5, 10, 20, 20)),
        make_row(1, 1, "Edema", "no width", (10, 10, 0, 20)),
        make_row(1, 1, "Edema", "negative", (10, 10, -5, 20)),
        make_row(1, 1, "Edema", "outside", (150, 10, 5, 5)),
        make_row(1, 1, "Edema", "good", (1, 2, 3, 4)),
    ]
    write.csv(tmp_path, rows=rows)
    write.images(tmp_path, rows=rows)
    dataset = load_dataset("ms-cxr", tmp_path)
    boxes = {sample.phrase: [box.as_tuple() for box in sample.boxes] for sample in dataset}
    assert boxes == {
        "sticks out": [(80, 100, 100, 120), (0, 10, 15, 30)],
        "no width": [],
        "negative": [],
        "outside": [],
        "good": [(1, 2, 4, 6)],
    }
    assert "boxes partly outside their image were clipped: 2, for example row 2" in dataset.warnings
    assert "boxes without width or height were dropped: 1, for example row 4" in dataset.warnings
    assert "boxes of negative width or height were dropped: 1, for example row 5 (w is negative)" in dataset.warnings
    assert "boxes outside their image were dropped: 1, for example row 6" in dataset.warnings


def published_rows(make_row):
    """Rows with the published counts: 1,047 images of 851 patients, 1,160 pairs, 1,448 boxes, 1,020/212/216."""
    pairs = [(image, "one") for image in range(1047)] + [(image, "two") for image in range(113)]
    boxes = [(*pair, 0) for pair in pairs] + [(*pair, 1) for pair in pairs[:288]]
    splits = ["train"] * 1020 + ["val"] * 212 + ["test"] * 216
    return [
        make_row(image, min(image, 850), "Edema", phrase, (10 + number, 10, 5, 5), split)
        for (image, phrase, number), split in zip(boxes, splits, strict=True)
    ]


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_the_published_counts_pass_without_a_word(tmp_path, write, make_row, kind, version):
    rows = published_rows(make_row)
    getattr(write, kind)(tmp_path, version, rows)
    write.images(tmp_path, rows=rows[5:6])  # one image is enough, wherever it stands
    dataset = load_dataset("ms-cxr", tmp_path)
    assert len(dataset) == 1160
    assert not any("as published" in warning for warning in dataset.warnings)


def test_other_counts_are_reported_once(tmp_path, write, make_row):
    rows = published_rows(make_row)[:-1]
    path = write.csv(tmp_path, rows=rows)
    write.images(tmp_path, rows=rows[:1])
    (warning,) = [text for text in load_dataset("ms-cxr", tmp_path, "train").warnings if "as published" in text]
    assert warning == (
        f"{path} is not MS-CXR 1.1.0 as published: "
        "it has 1,447 rows (published: 1,448), 215 rows of test (published: 216)"
    )


def test_two_labs_have_equal_ids_and_equal_results(tmp_path, write, monkeypatch):
    results = []
    for home, form in (("one", write.csv), ("two", write.json)):
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / home / "data"))
        root = tmp_path / home / "release"
        root.mkdir(parents=True)
        form(root)
        write.images(root)
        results.append(evaluate("random", load_dataset("ms-cxr", root), out=tmp_path / home / "out"))
    first, second = results
    columns = [name for name in first.samples if name != "seconds"]
    pd.testing.assert_frame_equal(first.samples[columns], second.samples[columns])
    assert first.info.dataset == second.info.dataset
    assert (first.info.overall, first.info.pathologies) == (second.info.overall, second.info.pathologies)
    assert first.path.parts[-4:] == second.path.parts[-4:]
    assert not list(tmp_path.rglob("groundcxr-secret"))


def test_standard_phrases_name_place_and_class(root, write):
    dataset = load_dataset("ms-cxr", root, phrases="standard")
    own = load_dataset("ms-cxr", root)
    assert [(one.phrase, one.pathology) for one in dataset] == [
        ("left pneumothorax", "Pneumothorax"),
        ("left cardiomegaly", "Cardiomegaly"),
    ]
    kept = [one for one in own if one.phrase == "Invented air, left"]
    assert content(dataset) == [
        replace(one, phrase=new.phrase) for one, new in zip(content(kept), dataset, strict=True)
    ]
    assert dataset.options == {"group_by": "path,label_text", "phrases": "standard"}
    assert "3 of 5 samples are left out by phrases=standard: their phrases name no place" in dataset.warnings
    assert dataset.fingerprint() != own.fingerprint()
    assert own.options == {"group_by": "path,label_text"}
    with pytest.raises(UnknownNameError, match=r"no kind 'standart' of phrases of ms-cxr; did you mean 'standard'"):
        load_dataset("ms-cxr", root, phrases="standart")


def test_no_phrase_with_a_place(root):
    with pytest.raises(DatasetError, match=r"none of the 1 phrases names a place, which phrases=standard needs"):
        load_dataset("ms-cxr", root, "test", phrases="standard")
