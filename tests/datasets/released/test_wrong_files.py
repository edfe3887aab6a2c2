"""What is told where the files are not those of the data set."""

import gzip
import shutil
import zipfile

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError
from groundcxr.datasets import check_dataset

NAMES = ("nih-boxes", "rsna-pneumonia", "siim-pneumothorax", "chestx-det", "chexlocalize")
ANNOTATIONS = {
    "nih-boxes": ["BBox_List_2017.csv"],
    "rsna-pneumonia": ["stage_2_train_labels.csv"],
    "siim-pneumothorax": ["train-rle.csv"],
    "chestx-det": ["ChestX_Det_train.json", "ChestX_Det_test.json"],
    "chexlocalize": [
        f"CheXlocalize/gt_{kind}_{s}.json" for kind in ("annotations", "segmentations") for s in ("val", "test")
    ],
}

SMALL = (64, 64)
"""Of images where the size does not matter: they are written quickly."""

each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def root(made, tmp_path, name):
    return made(name, tmp_path / "data", size=SMALL)


def told(name, root):
    """The sentence; the doctor says the same, as an error."""
    with pytest.raises(DatasetError) as caught:
        load_dataset(name, root)
    text = str(caught.value)
    assert "\n" not in text
    assert text in [finding.problem for finding in check_dataset(name, root) if finding.level == "error"]
    return text


@each
def test_nothing_is_there(name, root, tmp_path):
    (tmp_path / "empty").mkdir()
    assert told(name, tmp_path / "empty").endswith(" as --root")
    assert "there is no folder" in told(name, tmp_path / "no")
    assert "needs --root" in told(name, None)
    assert "is a file; give the folder" in told(name, root / ANNOTATIONS[name][0])


@each
@pytest.mark.parametrize("archive", ["data.zip", "data.tar.gz", "images.zip.001"])
def test_the_archive_is_not_unpacked(name, root, tmp_path, archive):
    (tmp_path / "download").mkdir()
    (tmp_path / "download" / archive).write_bytes(b"PK\x03\x04")
    assert told(name, tmp_path / "download").endswith(f"but {tmp_path}/download/{archive}; unpack it there")
    assert f"{archive} is a file; unpack it and give the folder" in told(name, tmp_path / "download" / archive)


@each
def test_the_images_are_not_unpacked(name, root):
    files = [file for file in root.rglob("*") if file.suffix in (".png", ".jpg", ".dcm")]
    for file in files:
        file.unlink()
    with zipfile.ZipFile(root / "images.zip", "w"):
        pass
    assert told(name, root).endswith(f"but 1 archive, such as {root}/images.zip; unpack it there")


@each
def test_annotations_are_still_packed(name, root):
    for file in ANNOTATIONS[name]:
        (root / f"{file}.gz").write_bytes(gzip.compress((root / file).read_bytes()))
        (root / file).unlink()
    text = told(name, root)
    assert ".gz; unpack it" in text


@each
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html>\n<html><body>Please log in, to go on</body></html>", r"it is a web page, not a \w+ file"),
        (b"PK\x03\x04 and so on", "it is a compressed archive, not a"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        (b"", "is empty|is not a JSON file"),
        (b"\xff\xfe\x00", "is not UTF-8|is not a JSON file"),
    ],
)
def test_something_else_was_saved_under_the_name(name, root, content, said):
    for file in ANNOTATIONS[name]:
        (root / file).write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        load_dataset(name, root)
    told(name, root)


@each
@pytest.mark.parametrize("other", NAMES)
def test_the_files_of_another_data_set(name, made, tmp_path, other):
    if other == name:
        return
    text = told(name, made(other, tmp_path / "other", size=SMALL))
    assert f"which is of another data set; use --dataset {other} for that, or " in text


@each
@pytest.mark.parametrize("header", ["ID,Label\na_epidural,0\n", "image_id,class_name,rad_id\na,b,c\n"])
def test_a_table_of_another_competition_under_the_same_name(name, root, header):
    if name in ("chestx-det", "chexlocalize"):
        return
    (root / ANNOTATIONS[name][0]).write_text(header)
    text = told(name, root)
    assert "lacks the column" in text
    assert "download" in text


@pytest.mark.parametrize("name", ["chestx-det", "chexlocalize"])
@pytest.mark.parametrize(
    "content", ['{"images": [], "annotations": [], "categories": []}', "[1]", '{"a": 1}', "5", "[" * 99999]
)
def test_a_json_of_another_release(name, root, content):
    for file in ANNOTATIONS[name]:
        (root / file).write_text(content)
    text = told(name, root)
    assert ("is not of Che" in text and "download" in text) or "is not a JSON file" in text


@each
def test_a_folder_of_other_tables(name, root, tmp_path):
    (tmp_path / "kaggle").mkdir()
    (tmp_path / "kaggle/sample_submission.csv").write_text("a,b\n1,2\n")
    assert "but sample_submission.csv, which it is none of; download" in told(name, tmp_path / "kaggle")


@each
def test_images_of_another_set(name, root, made):
    for file in list(root.rglob("*")):
        if file.suffix in (".png", ".jpg", ".dcm"):
            file.rename(file.with_name(f"view{len(file.stem)}_other_{file.name[-8:]}"))
    text = told(name, root)
    assert "images of other ids, such as" in text
    assert "images are found by their" in text


@each
def test_one_missing_image_is_told_and_fails_alone(name, root):
    dataset = load_dataset(name, root)
    if len({sample.image_path for sample in dataset}) < 2:
        return
    dataset[0].image_path.unlink()
    again = load_dataset(name, root)
    assert len(again) == len(dataset)
    assert any("image files are missing" in text for text in again.warnings)
    assert any("there is no image file" in one.problem and one.level == "error" for one in check_dataset(name, root))


@each
def test_two_copies_of_the_images_are_told(name, root):
    first = load_dataset(name, root)[0].image_path
    shutil.copytree(root, root / "zcopy", ignore=shutil.ignore_patterns("*.csv", "*.json"))
    shutil.copy(first, root / "zcopy" / first.relative_to(root))
    again = load_dataset(name, root)
    assert again[0].image_path == first
    # What was found is remembered, the copy is not looked for: a new walk is made where a file is gone.
    first.unlink()
    after = load_dataset(name, root)
    assert after[0].image_path.is_relative_to(root / "zcopy")


@each
def test_doctor_finds_nothing_but_the_counts(name, made, tmp_path):
    findings = check_dataset(name, made(name, tmp_path / "data"))
    assert [finding for finding in findings if "as published" not in finding.problem] == []
