"""Finding MS-CXR on disk, and files that are not as released."""

import os
import re
from pathlib import Path

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError, Radiograph
from groundcxr.core.doubts import LEAVES
from groundcxr.datasets import DATASETS


@pytest.fixture
def root(tmp_path, write):
    write.csv(tmp_path)
    write.images(tmp_path)
    return tmp_path


def check(root):
    return DATASETS.get("ms-cxr").check(root)


@pytest.mark.parametrize(
    ("annotations", "images"),
    [
        (".", "."),
        ("ms-cxr/0.1", "mimic-cxr-jpg/2.1.0"),
        ("physionet.org/files/ms-cxr/1.1.0", "physionet.org/files/mimic-cxr-jpg/2.0.0"),
        ("data/physionet.org/files/ms-cxr/1.1.0", "data/physionet.org/files/mimic-cxr-jpg"),
        ("ms-cxr-making-the-most-of-text-1.1.0", "images"),
    ],
)
@pytest.mark.parametrize("leading_files", [True, False])
def test_usual_layouts(tmp_path, write, annotations, images, leading_files):
    write.csv(tmp_path / annotations)
    write.images(tmp_path / images)
    if not leading_files:
        tree = tmp_path / images / "files"
        for shard in list(tree.iterdir()):
            shard.rename(tmp_path / images / shard.name)
        tree.rmdir()
    dataset = load_dataset("ms-cxr", tmp_path)
    assert len(dataset) == 5
    assert all(sample.image_path.is_file() for sample in dataset)


def test_ids_do_not_depend_on_where_the_files_lie(tmp_path, write):
    for annotations, images in (("a", "a"), ("b/ms-cxr", "b/mimic/2.1.0")):
        write.csv(tmp_path / annotations)
        write.images(tmp_path / images)
    one, two = load_dataset("ms-cxr", tmp_path / "a"), load_dataset("ms-cxr", tmp_path / "b")
    assert [sample.sample_id for sample in one] == [sample.sample_id for sample in two]
    assert one.fingerprint() == two.fingerprint()


def test_the_newest_release_counts_and_csv_goes_before_json(tmp_path, write):
    write.images(tmp_path)
    write.csv(tmp_path / "0.1", "1.0.0")
    write.json(tmp_path / "new", "1.1.0", write.rows[:3])
    assert (load_dataset("ms-cxr", tmp_path).version, len(load_dataset("ms-cxr", tmp_path))) == ("1.1.0", 3)
    write.csv(tmp_path / "new", "1.1.0", write.rows[:1])
    assert len(load_dataset("ms-cxr", tmp_path)) == 1
    write.csv(tmp_path / "newer", "1.10.0")  # not before 1.9
    write.csv(tmp_path / "newer", "1.9.0", write.rows[:1])
    assert load_dataset("ms-cxr", tmp_path).version == "1.10.0"


def test_image_folders_are_not_walked(root, monkeypatch):
    entered = []
    scan = os.scandir

    def recording(folder):
        entered.append(Path(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", recording)
    load_dataset("ms-cxr", root)
    assert entered == [root, root / "files"]


def test_the_folder_with_most_images_is_used(tmp_path, write):
    write.csv(tmp_path)
    write.images(tmp_path / "a-few", rows=write.rows[:1])
    write.images(tmp_path / "whole")
    dataset = load_dataset("ms-cxr", tmp_path)
    assert {sample.image_path.relative_to(tmp_path).parts[0] for sample in dataset} == {"whole"}
    assert not any("also" in warning for warning in dataset.warnings)


def test_of_two_whole_copies_the_user_hears_which_is_used(tmp_path, write):
    write.csv(tmp_path)
    write.images(tmp_path / "full")
    write.images(tmp_path / "small", (50, 60))
    dataset = load_dataset("ms-cxr", tmp_path)
    assert dataset[0].image_size == (100, 120)
    assert any(str(tmp_path / "small") in warning and str(tmp_path / "full") in warning for warning in dataset.warnings)


@pytest.mark.parametrize(("root", "tried"), [(None, "--root"), ("nowhere", "nowhere"), (".", "MS_CXR_Local_Alignment")])
def test_without_annotations_the_step_is_named(tmp_path, root, tried):
    path = None if root is None else tmp_path / root
    with pytest.raises(DatasetError, match=tried) as caught:
        load_dataset("ms-cxr", path)
    message = str(caught.value)
    assert "PhysioNet" in message
    assert "https://physionet.org/content/ms-cxr/" in message
    assert "mimic-cxr-jpg" in message
    if path is not None:
        assert str(path) in message
    (finding,) = check(path)
    assert (finding.level, finding.problem) == ("error", message)


@pytest.mark.parametrize("shards", [True, False])
def test_without_any_image_the_path_and_the_step_are_named(tmp_path, write, shards):
    write.csv(tmp_path)
    if shards:
        (tmp_path / "mimic/files/p11").mkdir(parents=True)
    with pytest.raises(DatasetError, match="none of the 4 images of MS-CXR") as caught:
        load_dataset("ms-cxr", tmp_path)
    assert str((tmp_path / "mimic" if shards else tmp_path) / write.rows[0].path) in str(caught.value)
    assert "mimic-cxr-jpg" in str(caught.value)
    assert [finding.level for finding in check(tmp_path) if finding.problem == str(caught.value)] == ["error"]


def test_a_missing_image_keeps_its_samples(root, write):
    (root / write.rows[0].path).unlink()
    dataset = load_dataset("ms-cxr", root)
    assert len(dataset) == 5
    assert dataset[0].image_size == (100, 120)
    assert dataset[0].boxes[0].as_tuple() == (10, 20, 40, 60)
    (warning,) = [warning for warning in dataset.warnings if "files are missing" in warning]
    assert "groundcxr doctor" in warning
    assert f": 1, for example {root / write.rows[0].path}" in warning


def test_an_unreadable_image_keeps_its_samples(root, write):
    (root / write.rows[0].path).write_bytes(b"")
    dataset = load_dataset("ms-cxr", root)
    assert len(dataset) == 5
    assert dataset[0].image_size == (100, 120)
    assert any("cannot be read" in warning for warning in dataset.warnings)


def test_a_split_whose_images_are_all_missing_is_refused(root, write):
    (root / write.rows[4].path).unlink()
    with pytest.raises(DatasetError, match=r"split 'test' can be read.*mimic-cxr-jpg"):
        load_dataset("ms-cxr", root, "test")


def test_header_is_read_however_it_is_spelt(tmp_path, write):
    columns = [
        "DICOM_ID", " category_name", "Label_Text ", "path", "X", "Y", "W", "H", "image_width", "image_height", "Split",
    ]  # fmt: skip
    write.csv(tmp_path / "odd", columns=columns, bom=True)
    write.csv(tmp_path / "plain")
    for folder in ("odd", "plain"):
        write.images(tmp_path / folder)
    odd, plain = load_dataset("ms-cxr", tmp_path / "odd", "test"), load_dataset("ms-cxr", tmp_path / "plain", "test")
    assert odd.fingerprint() == plain.fingerprint()


def test_a_further_column_does_no_harm(root, write):
    path = root / "MS_CXR_Local_Alignment_v1.1.0.csv"
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{head},note", *(f"{line},x" for line in lines)]))
    assert len(load_dataset("ms-cxr", root)) == 5


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda text: text.replace("label_text", "sentence"),
            "lacks the column 'label_text'; found dicom_id.*sentence",
        ),
        (lambda text: text.replace(",20,30,40,", ",twenty,30,40,", 1), "row 2: y must be a number, got 'twenty'"),
        (
            lambda text: text.replace(",100,120,", ",0,120,", 1),
            "row 2: an image's width .* at least 1 pixel, got 0x120",
        ),
        (lambda text: text.replace("made-up  haze.", "").replace(",  ,", ",,"), "row 3: label_text is empty"),
        (lambda text: text.replace(",Edema,", ", ,"), "row 3: category_name is empty"),
        (lambda text: re.sub(r",files/p12[^,]*,", ",,", text), "row 3: path is empty"),
        (lambda text: re.sub(r"\n[^,]*,Edema", "\n,Edema", text), "row 3: dicom_id is empty"),
        (lambda text: text.replace(",20,30,40,", ",nan,30,40,", 1), "row 2: y must be a number"),
        (lambda text: text.splitlines()[0] + "\n", "has a header but no rows"),
        (lambda text: "", "is empty"),
        (lambda text: text.replace('"Invented air, left"', "Invented air, left"), "line 2.*double quotes"),
        (lambda text: text.replace("path,x,", "x,x,", 1), "the column 'x' twice"),
    ],
)
def test_a_csv_not_in_the_released_format_is_named_in_one_sentence(root, edit, message):
    path = root / "MS_CXR_Local_Alignment_v1.1.0.csv"
    path.write_text(edit(path.read_text()))
    with pytest.raises(DatasetError, match=message) as caught:
        load_dataset("ms-cxr", root)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [finding.problem for finding in check(root)] == [str(caught.value)]


def test_a_csv_that_is_not_utf8_is_named(root):
    path = root / "MS_CXR_Local_Alignment_v1.1.0.csv"
    path.write_bytes(path.read_bytes() + b"\xff\xfe")
    with pytest.raises(DatasetError, match=r"v1\.1\.0\.csv is not UTF-8"):
        load_dataset("ms-cxr", root)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text[:-40], "is not a JSON file"),
        (lambda text: "[]", "not a COCO file"),
        (lambda text: text.replace('"images"', '"pictures"'), "list of objects under 'images'"),
        (lambda text: text.replace('"image_id": 11', '"image_id": 99'), "annotation 21: there is no image .* 99"),
        (lambda text: text.replace('"category_id": 6', '"category_id": 77'), "annotation 21: there is no category"),
        (lambda text: text.replace('"label_text"', '"sentence"'), "annotation 21: there is no phrase.*label_text"),
        (lambda text: text.replace('"Invented air, left"', '" "'), "annotation 21: there is no phrase"),
        (lambda text: text.replace('"Pneumothorax"', '" "'), "annotation 21: there is no category .* name"),
        (lambda text: re.sub(r'"(path|file_name)": "[^"]*"', r'"\1": ""', text), "id 11 has no file_name"),
        (lambda text: text.replace('"width": 100, "height"', '"height"'), "annotation 21: .*width and height"),
        (lambda text: text.replace("[10.0, 20.0, 30.0, 40.0]", "[10.0, 20.0]"), "annotation 21: bbox must be"),
        (lambda text: text.replace("[10.0, 20.0, 30.0, 40.0]", "[NaN, 2, 3, 4]"), "annotation 21: every entry of bbox"),
    ],
)
def test_a_json_not_in_the_released_format_is_named_in_one_sentence(tmp_path, write, edit, message):
    path = write.json(tmp_path)
    write.images(tmp_path)
    path.write_text(edit(path.read_text()))
    with pytest.raises(DatasetError, match=message) as caught:
        load_dataset("ms-cxr", tmp_path)
    assert str(path) in str(caught.value)


def test_the_doctor_finds_nothing_in_whole_files(tmp_path, write, make_row):
    # Version 0.1 has one published count, so that a small file can be whole: 1,160 pairs.
    rows = [make_row(1, 1, "Edema", f"phrase {number}", (1, 1, 5, 5)) for number in range(1160)]
    write.csv(tmp_path, "1.0.0", rows)
    write.images(tmp_path, rows=rows)
    assert check(tmp_path) == []


def test_the_doctor_names_every_defect(tmp_path, write, make_row):
    rows = [
        *[make_row(number, number, "Edema", f"phrase {number}", (1, 1, 5, 5)) for number in range(1, 9)],
        make_row(1, 1, "Edema", "sticks out", (90, 1, 20, 5)),
        make_row(1, 1, "Edema", "outside", (200, 1, 20, 5)),
        make_row(1, 1, "Edema", "flat", (20, 1, 20, 0)),
        make_row(1, 1, "Edema", "phrase 1", (1, 1, 5, 5)),
    ]
    write.csv(tmp_path, rows=rows)
    write.images(tmp_path, rows=rows)
    good, missing, empty, page, truncated, squeezed, smaller, twin = (tmp_path / row.path for row in rows[:8])
    missing.unlink()
    empty.write_bytes(b"")
    page.write_bytes(b"<!DOCTYPE html><html>Log in</html>")
    truncated.write_bytes(truncated.read_bytes()[:-1500])
    write.image(squeezed, (60, 60))
    write.image(smaller, (50, 60))
    twin.write_bytes(good.read_bytes())
    findings = check(tmp_path)
    errors = {finding.problem: finding.step for finding in findings if finding.level == "error"}
    assert set(errors) == {
        f"there is no image file {missing}",
        f"cannot read the image {empty}: the file is empty",
        f"cannot read the image {page}: it is a web page, not an image (a download that needed a login?)",
        next(problem for problem in errors if str(truncated) in problem and "truncated" in problem),
    }
    assert all("MIMIC-CXR-JPG" in step for step in errors.values())
    warnings = [finding.problem for finding in findings if finding.level == "warning"]
    csv = tmp_path / "MS_CXR_Local_Alignment_v1.1.0.csv"
    assert warnings[0].startswith(f"{csv} is not MS-CXR 1.1.0 as published")
    assert warnings[1:] == [
        f"{csv}: {LEAVES}: 2, for example row 10: (90, 1) to (110, 6) in 100x120",
        f"{squeezed} is 60x60, annotated 100x120: another aspect ratio",
        f"images are resized copies: 1, for example {smaller} is 50x60, annotated 100x120",
        f"the same image has several names: {good}, {twin}",
        f"{csv}, row 10: the box x=90, y=1, w=20, h=5 of an image of 100x120 sticks out of it and is clipped",
        f"{csv}, row 11: the box x=200, y=1, w=20, h=5 of an image of 100x120 lies outside it and is dropped",
        f"{csv}, row 12: the box x=20, y=1, w=20, h=0 of an image of 100x120 has no width or height and is dropped",
        f"{csv}: row 13 repeats row 2",
    ]


def test_images_are_not_decoded_by_loading(root, monkeypatch):
    monkeypatch.setattr(Radiograph, "open", lambda path: pytest.fail(f"decoded {path}"))
    assert len(load_dataset("ms-cxr", root)) == 5


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_classes_and_splits_that_are_none_are_reported(tmp_path, write, make_row, kind):
    rows = [
        *write.rows,
        make_row(5, 5, "Pneumothorx", "one", (1, 1, 5, 5), "Test"),
        make_row(6, 6, "Pneumothorx", "two", (1, 1, 5, 5), "quux"),
    ]
    getattr(write, kind)(tmp_path, rows=rows)
    write.images(tmp_path, rows=rows)
    where = ("row 9", "row 10") if kind == "csv" else ("annotation 28", "annotation 29")
    expected = [
        f"rows of the class 'Pneumothorx', none of MS-CXR's eight (the closest is 'Pneumothorax'): 2, "
        f"for example {where[0]}",
        f"rows of the split 'Test', none of train, val, test (the closest is 'test'): 1, for example {where[0]}",
        f"rows of the split 'quux', none of train, val, test: 1, for example {where[1]}",
    ]
    assert list(load_dataset("ms-cxr", tmp_path).warnings[1:]) == expected
    assert [(f.level, f.problem) for f in check(tmp_path)[1:4]] == [("warning", text) for text in expected]


def test_annotations_without_a_bbox_are_counted(tmp_path, write):
    path = write.json(tmp_path)
    write.images(tmp_path)
    path.write_text(path.read_text().replace("[10.0, 20.0, 30.0, 40.0]", "null"))
    dataset = load_dataset("ms-cxr", tmp_path)
    assert [box.as_tuple() for box in dataset[0].boxes] == [(60, 20, 90, 60)]
    sentence = "annotations have no bbox, so their samples lack that box: 1, for example annotation 21"
    assert sentence in dataset.warnings
    assert sentence in [finding.problem for finding in check(tmp_path)]
