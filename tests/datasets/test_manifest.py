"""Bring your own images: CSV and COCO manifests."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from groundcxr import load_dataset
from groundcxr.core import DatasetError, Radiograph, UnknownNameError
from groundcxr.core.doubts import LEAVES
from groundcxr.datasets import check_dataset

HEADER = "image,phrase,pathology,x,y,w,h"


@pytest.fixture
def folder(tmp_path, write):
    """Two images of 100x120, and a third of 80x60."""
    write.image(tmp_path / "images/a.png", seed=1)
    write.image(tmp_path / "images/b.jpg", seed=2)
    write.image(tmp_path / "c.png", (80, 60), seed=3)
    return tmp_path


def csv(folder: Path, *lines: str, header: str = HEADER, name: str = "manifest.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def coco(folder: Path, annotations, images=None, name="manifest.json") -> Path:
    images = images or [
        {"id": 1, "file_name": "images/a.png", "width": 100, "height": 120, "patient_id": 7},
        {"id": 2, "file_name": "./images/b.jpg", "width": 100, "height": 120},
        {"id": 3, "file_name": "c.png"},
    ]
    categories = [{"id": 1, "name": "Nodule"}, {"id": 2, "name": "Edema"}]
    path = folder / name
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def check(root, **options):
    return check_dataset("manifest", root, **options)


def boxes(dataset):
    return {(sample.image_id, sample.phrase): [box.as_tuple() for box in sample.boxes] for sample in dataset}


def test_rows_of_one_image_phrase_and_class_are_one_sample(folder):
    path = csv(
        folder,
        'images/a.png," a made-up spot, left ",Nodule,10,20,30,40',
        "c.png,haze,Edema,0,0,80,60",
        'images/a.png," a made-up spot, left ",Nodule,50.5,20,9.5,40',
        "images/a.png,haze,Edema,1,2,3,4",
        "images/a.png,haze,Nodule,1,2,3,4",
    )
    dataset = load_dataset("manifest", path)
    assert [(s.image_id, s.phrase, s.pathology, [b.as_tuple() for b in s.boxes]) for s in dataset] == [
        ("images/a.png", " a made-up spot, left ", "Nodule", [(10, 20, 40, 60), (50.5, 20, 60, 60)]),
        ("images/a.png", "haze", "Edema", [(1, 2, 4, 6)]),
        ("images/a.png", "haze", "Nodule", [(1, 2, 4, 6)]),
        ("c.png", "haze", "Edema", [(0, 0, 80, 60)]),
    ]
    assert [s.image_size for s in dataset] == [(100, 120)] * 3 + [(80, 60)]
    assert dataset[0].image_path == folder / "images/a.png"
    assert dataset[0].patient_id is None
    assert dataset.pathologies == ("Nodule", "Edema")
    assert (dataset.split, dataset.warnings, dataset.credentialed) == ("all", (), True)
    assert len({s.sample_id for s in dataset}) == 4
    assert check(path) == []


def test_a_coco_file_and_a_csv_are_the_same_samples(folder):
    table = csv(
        folder,
        "images/a.png,spot,Nodule,10,20,30,40,7,train",
        "./images/a.png,spot,Nodule,50,20,5,5,7,train",
        "images/b.jpg,haze,Edema,,,,,,test",
        header=f"{HEADER},patient_id,split",
    )
    json_file = coco(
        folder,
        [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40], "phrase": "spot", "split": "train"},
            {"id": 2, "image_id": 1, "category_id": 1, "bbox": [50, 20, 5, 5], "label_text": "spot", "split": "train"},
            {"id": 3, "image_id": 2, "category_id": 2, "caption": "haze", "split": "test"},
        ],
    )
    one, two = load_dataset("manifest", table), load_dataset("manifest", json_file)
    assert list(one) == list(two)
    assert one[0].patient_id == "7"
    assert one.fingerprint() == two.fingerprint()
    assert load_dataset("manifest", json_file, "test")[0] == one[1]


def test_a_row_without_a_box_is_a_sample_without_boxes(folder):
    dataset = load_dataset("manifest", csv(folder, "c.png,nothing there,Nodule,,,,", "c.png,spot,Nodule,1,1,2,2"))
    assert boxes(dataset) == {("c.png", "nothing there"): [], ("c.png", "spot"): [(1, 1, 3, 3)]}
    assert dataset.warnings == ()


def test_header_in_any_case_with_spaces_and_byte_order_mark(folder):
    path = folder / "manifest.csv"
    path.write_text(" Image,PHRASE ,Pathology,X,Y,W,H, Patient_ID\nc.png,spot,Nodule,1,1,2,2,p1\n\n", "utf-8-sig")
    (sample,) = load_dataset("manifest", path)
    assert (sample.patient_id, sample.boxes[0].as_tuple()) == ("p1", (1, 1, 3, 3))


def write_dicom(path: Path, pixels) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    file.Rows, file.Columns = pixels.shape
    file.SamplesPerPixel, file.PhotometricInterpretation, file.PixelRepresentation = 1, "MONOCHROME1", 0
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 12, 11
    file.PixelData = pixels.astype("<u2").tobytes()
    file.save_as(path)


def test_images_of_every_kind(folder):
    pixels = np.arange(20 * 30).reshape(20, 30)
    Image.fromarray(pixels.astype(np.uint16)).save(folder / "wide.png")
    write_dicom(folder / "x.dcm", pixels)
    names = ["images/a.png", "images/b.jpg", "wide.png", "x.dcm"]
    path = csv(folder, *[f"{name},spot,Nodule,1,2,3,4" for name in names])
    dataset = load_dataset("manifest", path)
    assert [sample.image_size for sample in dataset] == [(100, 120), (100, 120), (30, 20), (30, 20)]
    assert all(Radiograph.open(sample.image_path).size == sample.image_size for sample in dataset)
    assert check(path) == []


def test_names_that_lead_out_of_the_folder_are_for_the_user_to_allow(folder, tmp_path_factory, write):
    elsewhere = write.image(tmp_path_factory.mktemp("elsewhere") / "d.png", seed=9)
    lists = folder / "lists"
    lists.mkdir()
    write.image(lists / "in.png")
    for name in (str(elsewhere), "../c.png", "x/../../c.png", "..\\c.png"):
        path = csv(lists, "in.png,spot,Nodule,1,1,2,2", f"{name},spot,Nodule,1,1,2,2")
        with pytest.raises(
            DatasetError, match=r"row 3: the image .* lies outside .*--set dataset\.outside=true"
        ) as caught:
            load_dataset("manifest", path)
        assert [(finding.level, finding.problem) for finding in check(path)] == [("error", str(caught.value))]
    path = csv(lists, f"{elsewhere},spot,Nodule,1,1,2,2", "../c.png,spot,Nodule,1,1,2,2")
    for word in (True, "true"):
        dataset = load_dataset("manifest", path, outside=word)
        assert [sample.image_path.resolve() for sample in dataset] == [elsewhere, folder / "c.png"]
        assert "outside" not in dataset.options  # somebody else's result must not open it
    assert check(path, outside="true") == []
    with pytest.raises(DatasetError, match=r"outside='maybe'.*must be true or false"):
        load_dataset("manifest", path, outside="maybe")


def test_links_within_the_folder_are_its_owners_doing_and_cannot_be_climbed_out_of(folder, tmp_path_factory, write):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write.image(elsewhere / "images/d.png", seed=9)
    write.image(elsewhere / "secret.png", seed=8)
    (folder / "link").symlink_to(elsewhere / "images")
    path = csv(folder, "link/d.png,spot,Nodule,1,1,2,2", "link/../secret.png,spot,Nodule,1,1,2,2")
    dataset = load_dataset("manifest", path)
    assert [sample.image_path.is_file() for sample in dataset] == [True, False]
    assert dataset[1].image_path == folder / "secret.png"


def test_root_may_be_the_folder_of_the_only_manifest(folder):
    path = csv(folder, "c.png,spot,Nodule,1,1,2,2")
    (folder / ".hidden.csv").write_text("")
    assert load_dataset("manifest", folder).fingerprint() == load_dataset("manifest", path).fingerprint()
    csv(folder, "c.png,spot,Nodule,1,1,2,2", name="second.csv")
    with pytest.raises(DatasetError, match=r"manifest\.csv, second\.csv.*one of them"):
        load_dataset("manifest", folder)


@pytest.mark.parametrize(
    ("root", "message"),
    [(None, "--root"), ("absent.csv", "no file or folder"), (".", r"no \.csv"), ("c.png", "is neither a .csv")],
)
def test_a_root_that_is_no_manifest_is_answered_with_the_step(folder, root, message):
    path = None if root is None else folder / root
    with pytest.raises(DatasetError, match=message) as caught:
        load_dataset("manifest", path)
    assert HEADER in str(caught.value)
    assert [finding.problem for finding in check(path)] == [str(caught.value)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; its first row must be image,phrase"),
        (f"{HEADER}\n", "has a header but no rows"),
        (
            "image,phrse,pathology,x,y,w,h\nc.png,spot,Nodule,1,1,2,2\n",
            "has the column 'phrse', which is none of image, phrase, .*; did you mean 'phrase'",
        ),
        (f"{HEADER},extra\nc.png,spot,Nodule,1,1,2,2,0\n", "has the column 'extra', which is none of image, phrase, "),
        (
            f"{HEADER}\nc.png;spot, left;Nodule;1;1;2;2\n".replace(",", ";", 6),
            "by semicolons; the separator must be a comma",
        ),
        (f"{HEADER}\nc.png,spot,Nodule,1,1,2,2\n".replace(",", "\t"), "by tabs; the separator must be a comma"),
        ("image,phrase,pathology,x,y,w\nc.png,spot,Nodule,1,1,2\n", "lacks the column 'h'; found image, phrase"),
        (f"{HEADER}\nc.png,spot,Nodule,1,1,2,2\nc.png,spot,Nodule,1,one,2,2\n", "row 3: y must be a number, got 'one'"),
        (f"{HEADER}\nc.png,spot,Nodule,1,,2,2\n", "row 2: y must be a number, got ''"),
        (f"{HEADER}\nc.png,spot,Nodule,1,1,inf,2\n", "row 2: w must be a number, got 'inf'"),
        (f"{HEADER}\n\nc.png,,Nodule,1,1,2,2\n", "row 3: phrase is empty"),
        (f"{HEADER}\n,spot,Nodule,1,1,2,2\n", "row 2: image is empty"),
        (f"{HEADER}\nc.png,spot, ,1,1,2,2\n", "row 2: pathology is empty"),
        (f"{HEADER}\nc.png,spot, left,Nodule,1,1,2,2\n", "line 2.*double quotes"),
        (f'{HEADER}\nc.png,"spot,Nodule,1,1,2,2\n', "double quotes"),
    ],
)
def test_a_csv_not_in_the_format_is_named_in_one_sentence(folder, text, message):
    path = folder / "manifest.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=message) as caught:
        load_dataset("manifest", path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    (finding,) = check(path)
    assert (finding.level, finding.problem) == ("error", str(caught.value))


def test_splits(folder):
    path = csv(
        folder,
        "images/a.png,spot,Nodule,1,1,2,2,p1,train",
        "images/b.jpg,spot,Edema,1,1,2,2,p2,mine",
        "c.png,spot,Nodule,1,1,2,2,p2,train",
        header=f"{HEADER},patient_id,split",
    )
    everything, mine = load_dataset("manifest", path), load_dataset("manifest", path, "mine")
    assert len(everything) == 3
    assert list(mine) == [everything[1]]
    assert mine.pathologies == ("Edema",)
    training = mine.training_samples()
    assert training is not None
    assert [sample.image_id for sample in training] == ["images/a.png"]  # not the other image of the scored patient
    assert everything.training_samples() is None
    with pytest.raises(UnknownNameError, match="'mien'; did you mean 'mine'"):
        load_dataset("manifest", path, "mien")


def test_bad_boxes_are_mended_and_counted(folder):
    path = csv(
        folder,
        "c.png,sticks out,Nodule,70,50,40,40",
        "c.png,sticks out,Nodule,-5,10,20,20",
        "c.png,no width,Nodule,10,10,0,20",
        "c.png,negative,Nodule,10,10,20,-1",
        "c.png,outside,Nodule,80,10,5,5",
        "c.png,good,Nodule,1,2,3,4",
    )
    dataset = load_dataset("manifest", path)
    assert boxes(dataset) == {
        ("c.png", "sticks out"): [(70, 50, 80, 60), (0, 10, 15, 30)],
        ("c.png", "no width"): [],
        ("c.png", "negative"): [],
        ("c.png", "outside"): [],
        ("c.png", "good"): [(1, 2, 4, 6)],
    }
    assert sorted(dataset.warnings) == [
        "boxes of negative width or height were dropped: 1, for example row 5 (h is negative)",
        "boxes outside their image were dropped: 1, for example row 6",
        "boxes partly outside their image were clipped: 2, for example row 2",
        f"{LEAVES}: 3, for example row 2: (70, 50) to (110, 90) in 80x60",
        "boxes without width or height were dropped: 1, for example row 4",
    ]
    findings = check(path)
    assert [finding.level for finding in findings] == ["warning"] * 6
    assert findings[4].problem == (
        f"{path}, row 5: the box x=10, y=10, w=20, h=-1 of an image of 80x60 is dropped: h is negative"
    )


@pytest.mark.parametrize(
    ("annotated", "scale", "word"),
    [((160, 120), (0.5, 0.5), "annotated size"), ((160, 60), (0.5, 1), "another aspect ratio")],
)
def test_a_coco_size_that_is_not_the_files_rescales_the_boxes(folder, annotated, scale, word):
    path = coco(
        folder,
        [{"id": 1, "image_id": 3, "category_id": 1, "bbox": [10, 20, 30, 40], "phrase": "spot"}],
        [{"id": 3, "file_name": "c.png", "width": annotated[0], "height": annotated[1]}],
    )
    dataset = load_dataset("manifest", path)
    assert dataset[0].image_size == (80, 60)
    sx, sy = scale
    assert dataset[0].boxes[0].as_tuple() == pytest.approx((10 * sx, 20 * sy, 40 * sx, 60 * sy))
    (warning,) = dataset.warnings
    assert word in warning
    assert [finding.level for finding in check(path)] == ["warning"]


def test_missing_images_keep_their_samples(folder):
    path = csv(
        folder,
        "c.png,spot,Nodule,1,1,2,2",
        "gone.png,spot,Nodule,10,10,20.5,30",
        "gone.png,haze,Edema,0,0,12,55.2",
        "gone2.png,nothing,Nodule,,,,",
    )
    dataset = load_dataset("manifest", path)
    assert boxes(dataset)["gone.png", "spot"] == [(10, 10, 30.5, 40)]
    assert [sample.image_size for sample in dataset] == [(80, 60)] * 4
    (warning,) = dataset.warnings
    assert warning.endswith(f"missing (`groundcxr doctor` lists them): 2, for example {folder / 'gone.png'}")
    assert [finding.problem for finding in check(path)] == [
        f"there is no image file {folder / 'gone.png'}",
        f"there is no image file {folder / 'gone2.png'}",
    ]
    assert all(finding.level == "error" and str(folder) in finding.step for finding in check(path))


def test_a_missing_image_is_as_large_as_the_others_and_holds_its_boxes(folder, write):
    for number, size in enumerate([(40, 50), (60, 70), (500, 30)]):
        write.image(folder / f"{number}.png", size)
    path = csv(
        folder,
        *[f"{number}.png,spot,Nodule,1,1,2,2" for number in range(3)],
        "gone.png,small,Nodule,1,1,2,2",
        "gone2.png,wide,Nodule,10,10,90.5,5",
        "gone3.png,high,Nodule,10,10,5,90.5",
    )
    sizes = {sample.phrase: sample.image_size for sample in load_dataset("manifest", path)}
    assert {phrase: sizes[phrase] for phrase in ("small", "wide", "high")} == {
        "small": (60, 50),  # the medians of 40, 60, 500 and of 50, 70, 30
        "wide": (101, 50),
        "high": (60, 101),
    }


def test_a_missing_image_of_a_coco_file_has_the_annotated_size(folder):
    images = [{"id": 1, "file_name": "gone.png", "width": 300, "height": 400}, {"id": 3, "file_name": "c.png"}]
    annotations = [
        {"id": image, "image_id": image, "category_id": 1, "bbox": [1, 2, 3, 4], "phrase": "spot"} for image in (1, 3)
    ]
    dataset = load_dataset("manifest", coco(folder, annotations, images))
    assert [sample.image_size for sample in dataset] == [(300, 400), (80, 60)]


def test_without_any_image_nothing_can_be_run(folder):
    path = csv(folder, "gone.png,spot,Nodule,1,1,2,2", "gone2.png,spot,Nodule,1,1,2,2")
    with pytest.raises(DatasetError, match=r"none of the images .*gone\.png.*relative to") as caught:
        load_dataset("manifest", path)
    assert str(path) in str(caught.value)
    assert str(folder / "gone.png") in str(caught.value)


def test_the_doctor_names_every_defect(folder, write):
    good, twin, empty, page, truncated = (folder / f"{name}.jpg" for name in ("good", "twin", "empty", "page", "half"))
    write.image(good, seed=4)
    twin.write_bytes(good.read_bytes())
    empty.write_bytes(b"")
    page.write_bytes(b"<html><body>sign in</body></html>")
    truncated.write_bytes(good.read_bytes()[:3000])
    files = [good, twin, empty, page, truncated]
    path = csv(folder, *[f"{file.name},spot,Nodule,1,1,2,2" for file in files], "good.jpg,spot,Nodule,1,1,2,2")
    findings = check(path)
    errors = [finding.problem for finding in findings if finding.level == "error"]
    assert errors[:2] == [
        f"cannot read the image {empty}: the file is empty",
        f"cannot read the image {page}: it is a web page, not an image (a download that needed a login?)",
    ]
    assert errors[2].startswith(f"cannot read the image {truncated}: ")
    assert "truncated" in errors[2]
    assert [finding.problem for finding in findings if finding.level == "warning"] == [
        f"the same image has several names: {good}, {twin}",
        f"{path}: row 7 repeats row 2",
    ]
    assert len(load_dataset("manifest", path)) == 5  # all of them stay; those that cannot be read fail when run


def test_ids_do_not_depend_on_where_the_folder_lies(folder, tmp_path_factory):
    line = "images/../c.png,spot,Nodule,1,1,2,2"
    other = tmp_path_factory.mktemp("other")
    (other / "images").mkdir()
    (other / "c.png").write_bytes((folder / "c.png").read_bytes())
    one = load_dataset("manifest", csv(folder, line))
    two = load_dataset("manifest", csv(other, line), secret=folder / "groundcxr-secret")
    assert [replace(sample, image_path=None) for sample in one] == [replace(sample, image_path=None) for sample in two]
    assert one.version == two.version
    assert one.fingerprint() == two.fingerprint()


def test_an_option_that_it_does_not_have_is_told(folder):
    with pytest.raises(UnknownNameError, match="no option 'group_by' of the data set 'manifest'"):
        load_dataset("manifest", csv(folder, "c.png,spot,Nodule,1,1,2,2"), group_by="path,label_text")


ANNOTATION = {"id": 1, "image_id": 3, "category_id": 1, "bbox": [1, 1, 2, 2], "phrase": "spot"}


def test_a_coco_id_of_two_files_is_refused(folder):
    images = [{"id": 3, "file_name": "c.png"}, {"id": 3, "file_name": "images/a.png"}]
    path = coco(folder, [ANNOTATION], images)
    with pytest.raises(DatasetError, match=r"two images have the id 3: 'c\.png' and 'images/a\.png'") as caught:
        load_dataset("manifest", path)
    assert str(path) in str(caught.value)
    images = [{"id": 3, "file_name": "c.png"}, {"id": 3, "file_name": "c.png"}, {"id": 4, "file_name": "c.png"}]
    assert len(load_dataset("manifest", coco(folder, [ANNOTATION], images))) == 1


def test_a_coco_id_of_two_categories_is_refused(folder):
    path = coco(folder, [ANNOTATION])
    path.write_text(path.read_text().replace('{"id": 2, "name": "Edema"}', '{"id": 1, "name": "Edema"}'))
    with pytest.raises(DatasetError, match="two categories have the id 1: 'Nodule' and 'Edema'") as caught:
        load_dataset("manifest", path)
    assert str(path) in str(caught.value)


def test_coco_annotations_without_a_bbox_are_counted(folder):
    without = {key: value for key, value in ANNOTATION.items() if key != "bbox"}
    path = coco(folder, [ANNOTATION, {**without, "id": 2, "phrase": "haze"}, {**without, "id": 3, "bbox": None}])
    dataset = load_dataset("manifest", path)
    assert boxes(dataset) == {("c.png", "spot"): [(1, 1, 3, 3)], ("c.png", "haze"): []}
    assert dataset.warnings == (
        "annotations have no bbox, so their samples lack that box: 2, for example annotation 2",
    )
    (finding,) = check(path)
    assert (finding.level, finding.problem) == ("warning", f"{path}: {dataset.warnings[0]}")


def test_rows_that_contradict_one_another_are_reported(folder):
    path = csv(
        folder,
        "c.png,spot,Nodule,1,1,2,2,p1,train",
        "c.png,haze,nodule,1,1,2,2,p2,mine",
        "images/a.png,spot,Edema,1,1,2,2,p3,mine",
        "images/a.png,haze,Edema,1,1,2,2,,other",
        header=f"{HEADER},patient_id,split",
    )
    expected = [
        "images have more than one patient_id: 1, for example c.png: p1, p2",
        "images are in the split train and in another one: 1, for example c.png: train, mine",
        "pathologies differ in upper and lower case alone and count as different: 1, for example Nodule, nodule",
    ]
    assert list(load_dataset("manifest", path).warnings) == expected
    assert [(f.level, f.problem) for f in check(path)] == [("warning", f"{path}: {text}") for text in expected]
