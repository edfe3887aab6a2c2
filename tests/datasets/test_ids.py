"""Published ids: keyed with a release's own content, or with a secret that only the owner of the data has."""

import stat
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from PIL import Image

from groundcxr.core import Box, DatasetError
from groundcxr.core.fingerprint import digest
from groundcxr.datasets import load_dataset, opaque_id, owners_secret, release_key
from groundcxr.datasets.annotations import Annotation
from groundcxr.datasets.ids import SECRET_FILE, find_secret

HEADER = "image,phrase,pathology,x,y,w,h,patient_id"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def guessable(tmp_path):
    """Writes a data set whose image names, patient numbers and phrases follow a pattern."""

    def write(name):
        folder = tmp_path / name
        folder.mkdir()
        rows = [HEADER]
        for number in range(3):
            image = np.full((20, 30), number, np.uint8)
            Image.fromarray(image).save(folder / f"img_{number:03d}.png")
            rows.append(f"img_{number:03d}.png,small left apical edema,Edema,{number},2,10,8,100000{number}")
        (folder / "m.csv").write_text("\n".join(rows) + "\n")
        return folder / "m.csv"

    return write


def published(dataset):
    """Everything of a data set that stands in result files."""
    ids = [sample.sample_id for sample in dataset]
    ids += [dataset.opaque("image", sample.image_id) for sample in dataset]
    ids += [dataset.opaque("patient", sample.patient_id) for sample in dataset]
    return {*ids, dataset.fingerprint(), dataset.version}


def test_nothing_that_is_published_can_be_confirmed_by_guessing_the_content(guessable):
    dataset = load_dataset("manifest", guessable("data"))
    found = published(dataset)
    # What whoever guesses all of the content right can make of it without the secret.
    names = [sample.image_id for sample in dataset]
    salts = ["", digest(sorted(names)), digest(names), "manifest", release_key_of(dataset)]
    sample = dataset[0]
    parts = [
        ("image", sample.image_id),
        ("patient", sample.patient_id),
        (sample.image_id, sample.phrase, sample.pathology),
        (sample.sample_id, sample.phrase),
    ]
    assert not found & {opaque_id(salt, *part) for salt, part in product(salts, parts)}
    # With the secret they are there: the test tries the right forms.
    secret = owners_secret(guessable_path(dataset))
    assert found >= {opaque_id(secret, *part) for part in parts[:3]}


def guessable_path(dataset):
    return dataset[0].image_path.parent / "m.csv"


def release_key_of(dataset):
    return release_key(
        Annotation(s.image_id, s.image_id, s.phrase, s.pathology, s.boxes[0], None, s.patient_id, None, "")
        for s in dataset
    )


def test_two_homes_with_one_secret_publish_the_same_and_with_two_nothing_in_common(guessable):
    one, other = guessable("one"), guessable("other")
    first = load_dataset("manifest", one)
    secret = one.parent / SECRET_FILE
    assert published(first) == published(load_dataset("manifest", other, secret=secret))
    assert not published(first) & published(load_dataset("manifest", other))


def test_the_secret_is_made_once_and_is_the_owners_alone(guessable, capsys):
    path = guessable("data")
    first = load_dataset("manifest", path)
    file = path.parent / SECRET_FILE
    assert str(file) in capsys.readouterr().err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = load_dataset("manifest", path)
    assert capsys.readouterr().err == ""
    assert published(first) == published(again)
    assert first.warnings == again.warnings
    assert not [file for file in path.parent.iterdir() if file.name.startswith(f".{SECRET_FILE}")]


def test_processes_that_start_together_agree_on_one_secret(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: owners_secret(tmp_path / "m.csv"), range(32)))
    assert len(found) == 1


def test_where_the_data_cannot_be_written_the_secret_is_at_home(guessable, home, monkeypatch):
    path = guessable("data")
    refuse_to_write(monkeypatch, path.parent)
    first = load_dataset("manifest", path)
    assert not (path.parent / SECRET_FILE).exists()
    (kept,) = (home / "groundcxr" / "secrets").iterdir()
    assert find_secret(path) == kept
    assert published(first) == published(load_dataset("manifest", path))


def test_where_nothing_can_be_written_the_error_says_what_to_do(guessable, tmp_path, monkeypatch):
    path = guessable("data")
    refuse_to_write(monkeypatch, tmp_path)
    with pytest.raises(DatasetError, match="--secret"):
        load_dataset("manifest", path)


def refuse_to_write(monkeypatch, folder):
    """As on a read-only disk; the tests may run as root, whom permissions do not stop."""
    import tempfile

    real = tempfile.mkstemp

    def mkstemp(*arguments, dir=None, **others):
        if dir is not None and str(dir).startswith(str(folder)):
            raise OSError(30, "Read-only file system")
        return real(*arguments, dir=dir, **others)

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)


@pytest.mark.parametrize("content", [b"", b"abc\n", b"\xff" * 64, b"g" * 64, b"a" * 64 + b"\n" + b"b" * 64])
def test_a_file_that_holds_no_secret_is_refused(guessable, content):
    path = guessable("data")
    (path.parent / SECRET_FILE).write_bytes(content)
    with pytest.raises(DatasetError, match=f"{SECRET_FILE} holds no secret"):
        load_dataset("manifest", path)


def test_a_secret_that_is_named_must_be_there(guessable, tmp_path):
    path = guessable("data")
    with pytest.raises(DatasetError, match=r"there is no file .*nowhere \(--secret\)"):
        load_dataset("manifest", path, secret=tmp_path / "nowhere")
    assert not (path.parent / SECRET_FILE).exists()


@pytest.mark.parametrize("content", [b"", b"no secret", b"image,phrase\n" * 1000])
def test_a_named_file_that_holds_no_secret_is_told_with_a_step_that_makes_none(guessable, tmp_path, content):
    path = guessable("data")
    (tmp_path / "other.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=r"other\.csv.*; name [^;]* --secret$"):
        load_dataset("manifest", path, secret=tmp_path / "other.csv")
    assert not (path.parent / SECRET_FILE).exists()


ROW = Annotation("a", "a.jpg", "small", "Edema", Box.from_xywh(1, 2, 3, 4), (10, 10), None, "train", "row 2")


def test_a_release_has_one_key_in_every_order_and_file_form_and_another_when_it_differs():
    from dataclasses import replace

    rows = [ROW, replace(ROW, image_id="b")]
    key = release_key(rows)
    assert release_key(reversed(rows)) == key
    fractions = [
        replace(row, box=Box.from_xywh(1.1, 2.3, 3.7, 4.2), image="x/a.jpg", where="annotation 7") for row in rows
    ]
    assert release_key(fractions) == key
    for changed in (
        {"image_id": "c"},
        {"phrase": "large"},
        {"pathology": "Pneumonia"},
        {"box": Box.from_xywh(1, 2, 3, 5)},
        {"box": None},
    ):
        assert release_key([replace(ROW, **changed), rows[1]]) != key
