"""MS-CXR's annotation file as groups have it: rewritten elsewhere, renamed, edited; it leads to no other file."""

import json
from pathlib import Path

import pytest
from PIL import Image

from groundcxr import load_dataset
from groundcxr.core import DatasetError
from groundcxr.datasets import check_dataset


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (100, 120)).save(path)


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("/", "\\\\" if text.startswith("{") else "\\"),
        lambda text: text.replace("files/", "/data/mimic/files/"),
        lambda text: text.replace("files/", "../../files/"),
        lambda text: text.replace("files/", "D:/mimic/files/"),
        lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
    ],
)
def test_rewritten_elsewhere_it_is_the_same(tmp_path, write, kind, edit):
    for name in ("plain", "edited"):
        path = getattr(write, kind)(tmp_path / name)
        write.images(tmp_path / name)
    path.write_bytes(edit(path.read_text()).encode())
    plain, edited = (load_dataset("ms-cxr", tmp_path / name) for name in ("plain", "edited"))
    assert edited.fingerprint() == plain.fingerprint()
    assert all(sample.image_path.is_relative_to(tmp_path / "edited") for sample in edited)
    assert [sample.patient_id for sample in edited] == [sample.patient_id for sample in plain]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_its_text_does_not_lead_out_of_the_root(tmp_path, write, kind):
    root = tmp_path / "root"
    path = getattr(write, kind)(root)
    (root / "files/p11").mkdir(parents=True)
    path.write_text(path.read_text().replace("files/p1", "../../p1").replace("/s5", "/x5"))
    for row in write.rows:
        put(tmp_path / row.path.replace("files/", "").replace("/s5", "/x5"))
    put(root / f"{write.rows[0].dicom_id}.png")
    dataset = load_dataset("ms-cxr", root)
    assert all(sample.image_path.is_relative_to(root) for sample in dataset)
    assert any("missing" in text and ": 3, for" in text for text in dataset.warnings)


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "a\0.jpg", "/", ".."])
def test_a_name_that_no_file_can_have_is_told(tmp_path, write, name):
    for kind in ("csv", "json"):
        path = getattr(write, kind)(tmp_path / kind)
        write.images(tmp_path / kind)
        written = json.dumps(name)[1:-1] if kind == "json" else name
        path.write_text(path.read_text().replace(write.rows[1].path, written))
        told = r"(row 3|annotation 22): path does not end with a file's name: .{1,200}$"
        with pytest.raises(DatasetError, match=told):
            load_dataset("ms-cxr", tmp_path / kind)
        assert [finding.level for finding in check_dataset("ms-cxr", tmp_path / kind)] == ["error"]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_its_name_in_any_case(tmp_path, write, kind):
    path = getattr(write, kind)(tmp_path)
    path.rename(path.with_name(path.name.upper().replace("_V1", "_v1") if kind == "csv" else path.name.lower()))
    write.images(tmp_path)
    assert load_dataset("ms-cxr", tmp_path).version == "1.1.0"


@pytest.mark.parametrize("name", ["MS_CXR_Local_Alignment_v1.1.0.csv.gz", "ms_cxr_test.csv"])
def test_a_similar_name_is_told(tmp_path, name):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / name).touch()
    with pytest.raises(DatasetError, match=f"but {tmp_path / 'x' / name}; unpack it") as caught:
        load_dataset("ms-cxr", tmp_path)
    assert "download" not in str(caught.value)


def test_as_root_it_is_told_from_a_folder(tmp_path, write):
    with pytest.raises(DatasetError, match="is a file; give the folder") as caught:
        load_dataset("ms-cxr", write.csv(tmp_path))
    assert "download" not in str(caught.value)
