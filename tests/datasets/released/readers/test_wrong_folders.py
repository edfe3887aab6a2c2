"""What is below the root is not the data set: one sentence says what is there and what helps."""

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError

NAMES = ("vindr-cxr", "padchest-gr", "chest-imagenome")


@pytest.mark.parametrize(
    ("name", "file", "said"),
    [
        ("vindr-cxr", "vinbigdata-chest-xray-abnormalities-detection.zip", r"detection\.zip; unpack it there"),
        ("vindr-cxr", "annotations_train.csv.zip", r"annotations_train\.csv\.zip; unpack it"),
        ("vindr-cxr", "stage_2_train_labels.csv", "use --dataset rsna-pneumonia for that"),
        ("vindr-cxr", "train-rle.csv", "use --dataset siim-pneumothorax for that"),
        ("padchest-gr", "PadChest_GR.zip.001", r"PadChest_GR\.zip\.001; unpack it there"),
        ("padchest-gr", "ChestX_Det_test.json", "use --dataset chestx-det for that"),
        ("chest-imagenome", "MS_CXR_Local_Alignment_v1.1.0.csv", "use --dataset ms-cxr for that"),
        ("chest-imagenome", "scene_graph.zip", r"scene_graph\.zip; unpack it there"),
    ],
)
def test_other_files(name, file, said, tmp_path):
    (tmp_path / file).write_text("nothing of it is read")
    with pytest.raises(DatasetError, match=said):
        load_dataset(name, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_images_of_another_set(name, made, tmp_path):
    root = made(name, tmp_path / "data")
    for number, file in enumerate([file for file in root.rglob("*") if file.suffix in (".dicom", ".png", ".jpg")]):
        file.rename(file.with_name(f"0000001{number}_000.png"))
    with pytest.raises(DatasetError, match=r"none of the \d images of .* is below"):
        load_dataset(name, root)


def test_a_page_in_place_of_the_reports(made, tmp_path):
    root = made("padchest-gr", tmp_path / "data")
    (root / "grounded_reports_20240819.json").write_text("<html><body>Log in</body></html>")
    with pytest.raises(DatasetError, match="it is a web page, not a JSON file"):
        load_dataset("padchest-gr", root)


def test_a_file_as_root(made, tmp_path):
    root = made("padchest-gr", tmp_path / "data")
    with pytest.raises(DatasetError, match="is a file; give the folder that holds the annotations"):
        load_dataset("padchest-gr", root / "grounded_reports_20240819.json")
