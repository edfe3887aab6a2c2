"""Made-up files in exactly the released formats; no id, box or mask is of a real data set."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

SIIM_UIDS = [f"1.2.276.0.7230010.3.1.4.8323329.{number}.1517875160.1" for number in range(3)]
RSNA_IDS = [f"0000000{number}-aaaa-4bbb-8ccc-00000000000{number}" for number in range(3)]


def picture(path: Path, size: tuple[int, int]) -> Path:
    """An image of (width, height), of the kind that its suffix says; no two are equal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(size[::-1], 60, np.uint8)
    pixels[: size[1] // 2, : size[0] // 2] = sum(path.name.encode()) % 190
    pixels[-1, -1] = len(path.as_posix()) % 250
    if path.suffix in (".png", ".jpg"):
        Image.fromarray(pixels).save(path)
        return path
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
    return path


def nih(root: Path, size=(1024, 1024)) -> Path:
    (root / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00000011_000.png,Atelectasis,225.5,547.25,86.5,79.75\n"
        "00000011_000.png,Infiltrate,100,200,300,400\n"
        "00000012_003.png,Cardiomegaly,300.0,400.0,512.0,256.0\n"
    )
    (root / "Data_Entry_2017_v2020.csv").write_text(
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
        "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n"
        "00000011_000.png,Atelectasis|Infiltration|Hernia,0,11,57,M,PA,2682,2749,0.143,0.143\n"
        "00000012_003.png,Cardiomegaly|Mass,1,12,58,M,PA,2894,2729,0.143,0.143\n"
        "00000013_000.png,No Finding,0,13,58,M,PA,2894,2729,0.143,0.143\n"
    )
    (root / "test_list.txt").write_text("00000011_000.png\n00000012_003.png\n")
    (root / "train_val_list.txt").write_text("00000013_000.png\n")
    picture(root / "images_001/images/00000011_000.png", size)
    picture(root / "images_002/images/00000012_003.png", size)
    return root


def rsna(root: Path, size=(1024, 1024)) -> Path:
    negative, one, two = RSNA_IDS
    (root / "stage_2_train_labels.csv").write_text(
        "patientId,x,y,width,height,Target\n"
        f"{negative},,,,,0\n"
        f"{one},264.0,152.0,213.0,379.0,1\n"
        f"{two},100.0,200.0,256.0,128.0,1\n"
        f"{two},600.0,200.0,256.0,512.0,1\n"
    )
    for image in RSNA_IDS:
        picture(root / f"stage_2_train_images/{image}.dcm", size)
    return root


def siim(root: Path, size=(1024, 1024)) -> Path:
    none, one, several = SIIM_UIDS
    (root / "train-rle.csv").write_text(
        "ImageId, EncodedPixels\n"
        f"{none}, -1\n"
        f"{one},2050 3 1021 4 1020 1\n"
        f"{several}, 10 5 1019 6 \n"
        f"{several},524288 1024\n"
    )
    for number, image in enumerate(SIIM_UIDS):
        picture(root / f"dicom-images-train/1.2.3.{number}/1.2.4.{number}/{image}.dcm", size)
    return root


DET = {
    "train": [
        {
            "file_name": "36200.png",
            "syms": ["Nodule"],
            "boxes": [[10, 20, 110, 220]],
            "polygons": [[[10, 20], [110, 20], [110, 220]]],
        },
        {"file_name": "36201.png", "syms": [], "boxes": [], "polygons": []},
    ],
    "test": [
        {
            "file_name": "36199.png",
            "syms": ["Effusion", "Nodule", "Effusion"],
            "boxes": [[512, 256, 768, 1024], [0, 0, 64, 128], [128, 256, 256, 512]],
            "polygons": [
                [[512, 256], [768, 256], [768, 1024], [512, 1024]],
                [[0, 0], [64, 0], [64, 128]],
                [[128, 256], [256, 256], [200, 512]],
            ],
        }
    ],
}


def chestx_det(root: Path, size=(1024, 1024)) -> Path:
    for split, records in DET.items():
        (root / f"ChestX_Det_{split}.json").write_text(json.dumps(records))
        for record in records:
            picture(root / f"{split}_data" / record["file_name"], size)
    return root


def chestx_det10(root: Path, size=(1024, 1024)) -> Path:
    for split, records in DET.items():
        boxes_only = [{key: value for key, value in record.items() if key != "polygons"} for record in records]
        (root / f"{split}.json").write_text(json.dumps(boxes_only))
        for record in records:
            picture(root / f"{split}_data" / record["file_name"], size)
    return root


CHEXLOCALIZE_CLASSES = [
    *("Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Lesion", "Airspace Opacity", "Edema"),
    *("Consolidation", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Support Devices"),
]

DRAWN = {
    "val": {
        "patient64541_study1_view1_frontal": {
            "img_size": [60, 50],
            "Cardiomegaly": [[[10.25, 20.5], [30.75, 20.5], [30.75, 55.0], [10.25, 50.0]]],
            "Airspace Opacity": [[[2.0, 3.0], [9.0, 3.0], [5.0, 12.0]], [[40.0, 3.0], [48.0, 3.0], [44.5, 18.25]]],
        },
        "patient64541_study1_view2_lateral": {
            "img_size": [60, 50],
            "Cardiomegaly": [[[10.0, 20.0], [30.0, 20.0], [30.0, 50.0]]],
        },
    },
    "test": {
        "patient64999_study1_view1_frontal": {
            "img_size": [40, 70],
            "Pleural Effusion": [[[50.0, 20.0], [68.0, 20.0], [68.0, 39.0], [50.0, 30.0]]],
        }
    },
}


def pillow_mask(polygons, size) -> np.ndarray:
    """As CheXlocalize's annotation_to_segmentation.py draws."""
    from PIL import ImageDraw

    drawn = Image.new("1", (size[1], size[0]))
    for polygon in polygons:
        ImageDraw.Draw(drawn).polygon([tuple(point) for point in polygon], outline=1, fill=1)
    return np.array(drawn, dtype=int)


def chexlocalize(root: Path, size=None, kinds=("annotations", "segmentations")) -> Path:
    (root / "CheXlocalize").mkdir()
    header = (
        "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Edema\n"
    )
    (root / "CheXpert").mkdir()
    for split, folder in (("val", "CheXpert-v1.0/valid"), ("test", "test")):
        lines = [header]
        coded = {}
        for key, classes in DRAWN[split].items():
            path = "/".join(key.split("_", 2)) + ".jpg"
            lines.append(f"{folder}/{path},Male,73,Frontal,AP,0.0,1.0,1.0,{float('patient64541' in key)},0.0\n")
            picture(root / "CheXpert" / split / path, size or tuple(classes["img_size"][::-1]))
            coded[key] = {}
            for name in CHEXLOCALIZE_CLASSES:
                drawn = pillow_mask(classes.get(name, []), classes["img_size"])
                code = coco.encode(np.asfortranarray(drawn.astype(np.uint8)))
                coded[key][name] = {"size": code["size"], "counts": code["counts"].decode()}
        (root / f"CheXpert/{split}_labels.csv").write_text("".join(lines))
        if "annotations" in kinds:
            (root / f"CheXlocalize/gt_annotations_{split}.json").write_text(json.dumps(DRAWN[split]))
        if "segmentations" in kinds:
            (root / f"CheXlocalize/gt_segmentations_{split}.json").write_text(json.dumps(coded))
    return root


WRITERS = {
    "nih-boxes": nih,
    "rsna-pneumonia": rsna,
    "siim-pneumothorax": siim,
    "chestx-det": chestx_det,
    "chexlocalize": chexlocalize,
}


class Made:
    """Writes data sets as they are released."""

    writers = WRITERS
    drawn = DRAWN
    siim_uids = SIIM_UIDS
    rsna_ids = RSNA_IDS
    picture = staticmethod(picture)
    pillow_mask = staticmethod(pillow_mask)
    chestx_det10 = staticmethod(chestx_det10)

    def __call__(self, name: str, root: Path, **options) -> Path:
        root.mkdir(parents=True, exist_ok=True)
        return self.writers[name](root, **options)


@pytest.fixture
def made(cache) -> Made:
    return Made()


@pytest.fixture
def told():
    """The doubts of a data set that are about its files; that made-up ones are few is said of all."""
    return lambda dataset: [text for text in dataset.warnings if "as published" not in text]
