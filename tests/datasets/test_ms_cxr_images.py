"""MS-CXR's images as groups hold them: DICOM, PNG, resized, flat, by patient, on slow disks."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from groundcxr import Radiograph, load_dataset
from groundcxr.core import DatasetError
from groundcxr.datasets import check_dataset, searching
from groundcxr.datasets.image_search import SEVERAL
from groundcxr.datasets.ms_cxr import NOT_THE_JPGS

KINDS = (".jpg", ".JPG", ".jpeg", ".png", ".PNG", ".dcm", ".DCM", ".dicom", "")


@pytest.fixture
def root(tmp_path, write):
    write.csv(tmp_path)
    return tmp_path


@pytest.fixture
def entered(monkeypatch):
    """The folders that are read, in order."""
    folders: list[Path] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: folders.append(Path(folder)) or scan(folder))
    return folders


def images(rows):
    """One row of each image."""
    return list({row.dicom_id: row for row in rows}.values())


def put(path: Path, size=(100, 120), value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], size[0]), value, np.uint8)
    if path.suffix.lower() in (".dcm", ".dicom", ""):
        dicom(path, pixels)
    else:
        Image.fromarray(pixels).save(path)
    return path


def dicom(path: Path, pixels: np.ndarray) -> None:
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    header.Rows, header.Columns = pixels.shape
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = 8
    header.HighBit, header.PixelRepresentation = 7, 0
    header.PixelData = pixels.tobytes()
    header.save_as(path, enforce_file_format=True)


def patient(row):
    return row.path.split("/")[2]


def study(row):
    return row.path.split("/")[3]


LAYOUTS = {
    "released": lambda row: Path(row.path).parent,
    "without files": lambda row: Path(row.path).relative_to("files").parent,
    "released, deep": lambda row: Path("data/physionet.org/files/mimic-cxr/2.1.0") / Path(row.path).parent,
    "by patient and study": lambda row: Path("mimic", patient(row), study(row)),
    "by patient": lambda row: Path("mimic", patient(row)),
    "without letters": lambda row: Path("mimic", patient(row)[1:], study(row)[1:]),
    "by study": lambda row: Path(study(row)),
    "flat": lambda row: Path("mimic_512"),
    "flat, in the root": lambda row: Path(),
    "a folder for each image": lambda row: Path("x", row.dicom_id),
    "by the id's first letters": lambda row: Path("x", row.dicom_id[:2], row.dicom_id[2:4]),
    "several roots": lambda row: Path("a/images" if row.image % 2 else "b/pictures"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".dcm"])
def test_whatever_the_folders(root, write, layout, suffix):
    for row in images(write.rows):
        put(root / LAYOUTS[layout](row) / f"{row.dicom_id}{suffix}", value=row.image)
    dataset = load_dataset("ms-cxr", root)
    for sample in dataset:
        row = next(row for row in write.rows if row.dicom_id == sample.image_id)
        assert sample.image_path.name == f"{row.dicom_id}{suffix}"
        assert abs(int(Radiograph.open(sample.image_path).pixels[0, 0]) - row.image) <= 1  # JPEG
    assert any(text.startswith(NOT_THE_JPGS) for text in dataset.warnings) == (suffix != ".jpg")
    assert not any("missing" in text or SEVERAL in text for text in dataset.warnings)
    assert {finding.problem for finding in check_dataset("ms-cxr", root)} >= {
        text for text in dataset.warnings if NOT_THE_JPGS in text
    }


@pytest.mark.parametrize("suffix", KINDS)
def test_whatever_the_suffix_and_size(root, write, suffix):
    for row in images(write.rows):
        put(root / "flat" / f"{row.dicom_id}{suffix}", (50, 30))
    dataset = load_dataset("ms-cxr", root)
    assert {sample.image_size for sample in dataset} == {(50, 30)}
    assert [box.as_tuple() for box in dataset[0].boxes] == [(5, 5, 20, 15), (30, 5, 45, 15)]  # halved, quartered
    first = root / "flat" / f"{write.rows[0].dicom_id}{suffix}"
    assert f"{NOT_THE_JPGS}: 4, for example {first} (50x30)" in dataset.warnings
    assert any("another aspect ratio" in text and "50x30, annotated 100x120" in text for text in dataset.warnings)
    findings = check_dataset("ms-cxr", root)
    assert f"{NOT_THE_JPGS}: 4, for example {first} (50x30)" in [finding.problem for finding in findings]
    assert {finding.level for finding in findings} == {"warning"}


def test_ids_and_boxes_are_those_of_the_release(root, write, tmp_path_factory):
    released = tmp_path_factory.mktemp("released")
    write.csv(released)
    write.images(released)
    for row in images(write.rows):
        put(root / f"{row.dicom_id.upper()}.dcm")
    one, other = load_dataset("ms-cxr", root), load_dataset("ms-cxr", released)
    assert one.fingerprint() == other.fingerprint()
    assert one.training_samples() is None


def test_the_released_jpgs_go_before_all_others(root, write, entered):
    for row in images(write.rows):
        put(root / "a" / f"{row.dicom_id}.png", (10, 12))
        put(root / "b" / Path(row.path).with_suffix(".dcm"), (10, 12))
    write.images(root / "c")
    dataset = load_dataset("ms-cxr", root)
    assert {sample.image_path.relative_to(root).parts[0] for sample in dataset} == {"c"}
    assert not any(SEVERAL in text or NOT_THE_JPGS in text for text in dataset.warnings)
    assert not any(folder.name.startswith(("p1", "s5")) for folder in entered)


def test_one_whole_copy_is_used_and_the_other_named(root, write):
    for row in images(write.rows):
        put(root / "small" / f"{row.dicom_id}.png")
        put(root / "zoo" / f"{row.dicom_id}.dcm")
    put(root / "a-few" / f"{write.rows[0].dicom_id}.jpg")
    dataset = load_dataset("ms-cxr", root)
    assert {sample.image_path.parent.name for sample in dataset} == {"zoo"}
    (warning,) = [text for text in dataset.warnings if SEVERAL in text]
    first = images(write.rows)[0].dicom_id
    assert warning == f"{SEVERAL}: 4, for example {root / 'zoo' / first}.dcm rather than {root / 'small' / first}.png"
    assert warning in [finding.problem for finding in check_dataset("ms-cxr", root)]


def test_what_the_released_tree_lacks_is_taken_from_elsewhere(root, write):
    write.images(root)
    (root / write.rows[0].path).unlink()
    other = put(root / "more" / f"{write.rows[0].dicom_id}.png")
    assert load_dataset("ms-cxr", root)[0].image_path == other


def test_a_file_of_the_same_id_that_is_no_image_is_not_taken(root, write):
    for row in images(write.rows):
        put(root / "masks" / f"{row.dicom_id}_mask.png")
        put(root / "masks" / f"mask-{row.dicom_id}.png")
        (root / f"{row.dicom_id}.txt").write_text("report")
        (root / f"{row.dicom_id}.jpg").mkdir()
        os.mkfifo(root / f"{row.dicom_id}.png")
    with pytest.raises(DatasetError, match="none of the 4 images"):
        load_dataset("ms-cxr", root)


def test_folders_of_other_patients_are_not_entered(root, write, make_row, entered):
    for row in [*images(write.rows), *(make_row(number, number, "", "", ()) for number in range(40, 60))]:
        put(root / "mimic" / patient(row) / study(row) / f"{row.dicom_id}.png")
    assert len(load_dataset("ms-cxr", root)) == 5
    wanted = {patient(row) for row in write.rows} | {study(row) for row in write.rows}
    assert {folder.name for folder in entered if folder.name[0] in "ps"} == wanted


def test_links_to_folders_are_followed_once(root, write, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for row in images(write.rows):
        put(elsewhere / f"{row.dicom_id}.png")
    (elsewhere / "again").symlink_to(elsewhere)
    (root / "images").symlink_to(elsewhere)
    (root / "the same").symlink_to(elsewhere)
    (root / "loop").symlink_to(root)
    (root / "dangling").symlink_to(root / "nowhere")
    dataset = load_dataset("ms-cxr", root)
    assert {sample.image_path.parent for sample in dataset} <= {root / "images", root / "the same"}
    assert not any(SEVERAL in text for text in dataset.warnings)


class TestIndex:
    @pytest.fixture(autouse=True)
    def flat(self, root, write):
        for row in images(write.rows):
            put(root / "deep/flat" / f"{row.dicom_id}.png", value=row.image)
        return root / "deep/flat"

    @pytest.fixture
    def walks(self, monkeypatch):
        from groundcxr.datasets import image_search

        walks = []
        walk = image_search.look_for
        monkeypatch.setattr(image_search, "look_for", lambda *args: walks.append(args) or walk(*args))
        return walks

    def paths(self, root):
        return [sample.image_path.resolve() for sample in load_dataset("ms-cxr", root)]

    def test_a_tree_is_walked_once(self, root, walks, tmp_path_factory):
        first = self.paths(root)
        link = tmp_path_factory.mktemp("link") / "root"
        link.symlink_to(root)
        assert self.paths(root) == self.paths(link) == first
        check_dataset("ms-cxr", root)
        assert len(walks) == 1

    def test_it_is_for_the_users_eyes_only(self, root, cache):
        self.paths(root)
        (file,) = (cache / "images").iterdir()
        assert (cache / "images").stat().st_mode & 0o077 == 0
        assert str(root) in file.read_text()

    def test_a_file_that_moved_is_found_again(self, root, flat, walks):
        self.paths(root)
        flat.rename(root / "moved")
        assert {path.parent.name for path in self.paths(root)} == {"moved"}
        assert {path.parent.name for path in self.paths(root)} == {"moved"}
        assert len(walks) == 2

    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: b"",
            lambda content: b"\xff\xfe",
            lambda content: content[: len(content) // 2],
            lambda content: b"[" * 100_000,
            lambda content: b"[1]",
            lambda content: b'{"format": 1}',
            lambda content: content.replace(b'"format": 1', b'"format": 99'),
            lambda content: content.replace(b".png", b".npy"),
            lambda content: content.replace(b"deep/flat", b"../../deep"),
            lambda content: content.replace(b'["deep', b'[1, "deep'),
            lambda content: content.replace(b"deep/flat/00000005", b"deep/flat/0000000f"),
        ],
    )
    def test_a_damaged_one_is_no_loss(self, root, cache, walks, damage):
        first = self.paths(root)
        (file,) = (cache / "images").iterdir()
        file.write_bytes(damage(file.read_bytes()))
        assert self.paths(root) == first
        assert len(walks) == 2
        assert self.paths(root) == first
        assert len(walks) == 2

    @pytest.mark.parametrize("other", ["{other}", "../{own}", "{root}/{own}"])
    def test_entries_never_lead_to_another_image(self, root, cache, write, other):
        first = self.paths(root)
        (file,) = (cache / "images").iterdir()
        content = json.loads(file.read_text())
        (own,), (another,) = (content["files"][row.dicom_id] for row in images(write.rows)[:2])
        put(root.parent / own, value=99)
        content["files"][write.rows[0].dicom_id] = [other.format(own=own, other=another, root=root.parent)]
        file.write_text(json.dumps(content))
        assert self.paths(root) == first

    @pytest.mark.parametrize("place", ["/dev/null/x", "~nosuchuser", "x" * 5000])
    def test_where_the_cache_cannot_be_written_all_is_well(self, root, monkeypatch, place, walks):
        monkeypatch.setenv("GROUNDCXR_CACHE", place)
        assert self.paths(root) == self.paths(root)
        assert len(walks) == 2


class TestBounds:
    @pytest.fixture
    def many(self, root):
        for number in range(30):
            (root / f"other/{number:02d}/deeper").mkdir(parents=True)
        return root

    def test_a_walk_ends_and_says_so(self, many, write, monkeypatch):
        monkeypatch.setattr(searching, "MOST_FOLDERS", 20)
        write.csv(many / "a")  # a newer copy near the root
        with pytest.raises(DatasetError, match=r"ended after 20 folders; give a folder nearer.* as --root") as caught:
            load_dataset("ms-cxr", many)
        assert "download" not in str(caught.value)
        put(many / f"{write.rows[0].dicom_id}.png")
        assert any("ended after 20 folders" in text for text in load_dataset("ms-cxr", many).warnings)
        assert any("ended after 20 folders" in finding.problem for finding in check_dataset("ms-cxr", many))

    def test_a_search_for_annotations_ends_too(self, many, monkeypatch):
        monkeypatch.setattr(searching, "MOST_FOLDERS", 20)
        (many / "MS_CXR_Local_Alignment_v1.1.0.csv").unlink()
        with pytest.raises(DatasetError, match="ended after 20 folders"):
            load_dataset("ms-cxr", many)

    def test_time_ends_it_as_well(self, many, monkeypatch):
        monkeypatch.setattr(searching, "MOST_SECONDS", -1)
        with pytest.raises(DatasetError, match="ended after 0 folders"):
            load_dataset("ms-cxr", many)

    def test_a_long_walk_says_how_far_it_is(self, many, write, monkeypatch, capsys):
        put(many / f"other/29/deeper/{write.rows[0].dicom_id}.png")
        monkeypatch.setattr(searching, "SECONDS_BETWEEN_LINES", -1)
        load_dataset("ms-cxr", many)
        assert f"looking for images below {many}: 60 folders so far" in capsys.readouterr().err


class TestWhatIsSaidOfMissingImages:
    def message(self, root):
        with pytest.raises(DatasetError) as caught:
            load_dataset("ms-cxr", root)
        assert str(caught.value) in [finding.problem for finding in check_dataset("ms-cxr", root)]
        return str(caught.value)

    def test_files_of_these_ids_that_are_no_images(self, root, write):
        for row in images(write.rows):
            for suffix in (".npy", ".nii.gz"):
                (root / f"arrays/{row.dicom_id}{suffix}").parent.mkdir(exist_ok=True)
                (root / f"arrays/{row.dicom_id}{suffix}").touch()
        message = self.message(root)
        assert f"4 files of these ids with the suffix .npy are in {root / 'arrays'}" in message
        assert f"4 files of these ids with the suffix .nii.gz are in {root / 'arrays'}" in message
        assert "convert these files" in message
        assert "download" not in message

    def test_images_of_other_ids(self, root):
        for number in range(3):
            put(root / f"images/{number}.png")
        message = self.message(root)
        assert f"3 images of other ids, such as {root / 'images/0.png'}" in message
        assert "DICOM id" in message
        assert "download" not in message

    def test_folders_of_other_patients(self, root):
        for number in range(3):
            put(root / f"files/p10/p1009999{number}/s59999999/{number}.dcm")
        message = self.message(root)
        assert "3 folders of other patients" in message
        assert "download" not in message

    def test_nothing(self, root, write):
        message = self.message(root)
        assert f"tried {root / write.rows[0].path}" in message
        assert "download" in message

    def test_some(self, root, write):
        first, *others = images(write.rows)
        put(root / f"{first.dicom_id}.png")
        (root / f"{others[0].dicom_id}.tiff").touch()
        dataset = load_dataset("ms-cxr", root)
        assert any("image files are missing" in text and ": 3, for" in text for text in dataset.warnings)
        said = f"1 file of these ids with the suffix .tiff is in {root}; images must be JPEG, PNG or DICOM files"
        assert said in dataset.warnings
        assert said in [finding.problem for finding in check_dataset("ms-cxr", root)]


def test_nothing_that_is_said_of_files_is_published(root, write, groundcxr, tmp_path_factory):
    for row in images(write.rows)[1:]:
        put(root / "hidden-folder" / f"{row.dicom_id}.png", (60, 60))
    put(root / "another-folder" / f"{write.rows[1].dicom_id}.png", (60, 60))
    (root / f"{write.rows[0].dicom_id}.npy").touch()
    out = tmp_path_factory.mktemp("out")
    ran = groundcxr("evaluate", "--method", "center-prior", "--dataset", "ms-cxr", "--root", root, "--out", out)
    assert ran.code == 1  # the missing image
    assert all(said in ran.err for said in (NOT_THE_JPGS, SEVERAL, ".npy", "aspect ratio", "missing"))
    published = [file for file in out.rglob("*") if file.name in ("result.json", "samples.parquet")]
    assert len(published) == 2
    secrets = [str(root), root.name, "hidden-folder", "another-folder"]
    secrets += [text for row in write.rows for text in (row.dicom_id, patient(row), study(row), row.phrase.strip())]
    for file in published:
        content = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], file.name
