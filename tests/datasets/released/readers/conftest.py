"""Made-up files of the sets with several readers, sentences or regions, in exactly the released formats."""

import json

import pytest

LANDSCAPE, NORMAL, PORTRAIT, OF_TEST = (letter * 32 for letter in "abcd")
VINDR_SIZES = {LANDSCAPE: (300, 200), NORMAL: (200, 200), PORTRAIT: (200, 300), OF_TEST: (300, 200)}
VINDR_TRAIN = [
    (LANDSCAPE, "R9", "Cardiomegaly", (100.5, 80, 200.5, 180)),
    (LANDSCAPE, "R10", "Cardiomegaly", (110.5, 80, 210.5, 180)),
    (LANDSCAPE, "R8", "Cardiomegaly", (102.5, 84, 202.5, 184)),
    (LANDSCAPE, "R9", "Pleural effusion", (10, 150, 60, 190)),
    (LANDSCAPE, "R10", "ILD", (10, 20, 90, 120)),
    (NORMAL, "R9", "No finding", None),
    (NORMAL, "R8", "No finding", None),
    (NORMAL, "R10", "No finding", None),
    (PORTRAIT, "R9", "Nodule/Mass", (20.25, 30.5, 60.75, 90)),
    (PORTRAIT, "R8", "No finding", None),
    (PORTRAIT, "R11", "Nodule/Mass", (150, 250, 230, 290)),  # sticks out of the image
]
VINDR_TEST = [(OF_TEST, None, "Cardiomegaly", (90, 70, 190, 170)), (OF_TEST, None, "ILD", (15, 25, 95, 125))]
# The header of image_labels_*.csv as released, written down apart from the loader: it is held against its classes.
VINDR_LABELS = [
    "Aortic enlargement",
    "Atelectasis",
    "Calcification",
    "Cardiomegaly",
    "Clavicle fracture",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Enlarged PA",
    "ILD",
    "Infiltration",
    "Lung Opacity",
    "Lung cavity",
    "Lung cyst",
    "Mediastinal shift",
    "Nodule/Mass",
    "Pleural effusion",
    "Pleural thickening",
    "Pneumothorax",
    "Pulmonary fibrosis",
    "Rib fracture",
    "Other lesion",
    "COPD",
    "Lung tumor",
    "Pneumonia",
    "Tuberculosis",
]


def cells(box):
    return ["", "", "", ""] if box is None else [str(side) for side in box]


def labels(rows, images, last):
    """A row for each image and reader: what each has drawn, and nothing else."""
    header = [
        "image_id",
        *(["rad_id"] if any(reader for _, reader, _, _ in rows) else []),
        *VINDR_LABELS,
        last,
        "No finding",
    ]
    lines = [",".join(header)]
    for image in images:
        for reader in dict.fromkeys(who for one, who, _, _ in rows if one == image):
            seen = {finding for one, who, finding, _ in rows if (one, who) == (image, reader)}
            values = [str(int(name in seen)) for name in header[1 + (reader is not None) :]]
            lines.append(",".join([image, *([reader] if reader else []), *values]))
    return "\n".join(lines) + "\n"


def vindr(root, made, suffix=".dicom", scale=1):
    folder = root / "vindr-cxr/1.0.0"
    (folder / "annotations").mkdir(parents=True)
    for split, rows in (("train", VINDR_TRAIN), ("test", VINDR_TEST)):
        images = list(dict.fromkeys(image for image, _, _, _ in rows))
        reader = ["rad_id"] if split == "train" else []
        lines = [",".join(["image_id", *reader, "class_name", "x_min", "y_min", "x_max", "y_max"])]
        lines += [",".join([image, *([who] if who else []), name, *cells(box)]) for image, who, name, box in rows]
        (folder / f"annotations/annotations_{split}.csv").write_text("\n".join(lines) + "\n")
        last = "Other diseases" if split == "train" else "Other disease"
        (folder / f"annotations/image_labels_{split}.csv").write_text(labels(rows, images, last))
        for image in images:
            width, height = VINDR_SIZES[image]
            made.picture(folder / split / f"{image}{suffix}", (int(width * scale), int(height * scale)))
    return root


def vindr_of_kaggle(root, made, suffix=".dicom", size=None):
    names = sorted({name for _, _, name, _ in VINDR_TRAIN} - {"No finding"})
    lines = ["image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max"]
    for image, who, name, box in VINDR_TRAIN:
        number = 14 if box is None else names.index(name)
        lines.append(",".join([image, name, str(number), who, *cells(box and [float(int(side)) for side in box])]))
    (root / "train.csv").write_text("\n".join(lines) + "\n")
    for image in (LANDSCAPE, NORMAL, PORTRAIT):
        made.picture(root / f"train/{image}{suffix}", size or VINDR_SIZES[image])
    return root


STUDIES = ["1" * 38 + "1", "2" * 38 + "2", "3" * 38 + "3"]
PICTURES = [f"{study}_abc12{number}.png" for number, study in enumerate(STUDIES)]
PADCHEST = [
    {
        "StudyID": STUDIES[0],
        "ImageID": PICTURES[0],
        "PreviousStudyID": None,
        "PreviousImageID": None,
        "findings": [
            {
                "sentence_en": "Small left pleural effusion.",
                "sentence_es": "Pequeño derrame pleural izquierdo.",
                "abnormal": True,
                "boxes": [[0.6, 0.7, 0.9, 0.95]],
                "extra_boxes": [[0.65, 0.7, 0.95, 0.95]],
                "labels": ["pleural effusion", "costophrenic angle blunting"],
                "locations": ["pleural"],
                "progression": None,
            },
            {"sentence_en": "No pneumothorax.", "sentence_es": "No hay neumotórax.", "abnormal": False},
            {
                "sentence_en": "Small left pleural effusion.",  # twice on one image
                "sentence_es": "Pequeño derrame pleural izquierdo.",
                "abnormal": True,
                "boxes": [[0.1, 0.2, 0.2, 0.4]],
                "extra_boxes": [],
                "labels": ["pleural effusion"],
                "locations": [],
                "progression": None,
            },
        ],
    },
    {
        "StudyID": STUDIES[1],
        "ImageID": PICTURES[1],
        "PreviousStudyID": STUDIES[0],
        "PreviousImageID": PICTURES[0],
        "findings": [
            {
                "sentence_en": "Nodule in the right upper lobe.",
                "sentence_es": "Nódulo en el lóbulo superior derecho.",
                "abnormal": True,
                "boxes": [[0.25, 0.1, 0.35, 0.2], [0.3, 0.3, 0.4, 0.4]],
                "extra_boxes": [[0.25, 0.1, 0.35, 0.2]],
                "labels": ["nodule"],
                "locations": ["right upper lobe"],
                "progression": "stable",
            },
            {
                "sentence_en": "Osteopenia.",
                "sentence_es": "Osteopenia.",
                "abnormal": True,
                "boxes": [],
                "extra_boxes": [],
                "labels": ["osteopenia"],
                "locations": [],
                "progression": None,
            },
        ],
    },
    {
        "StudyID": STUDIES[2],
        "ImageID": PICTURES[2],
        "PreviousStudyID": None,
        "PreviousImageID": None,
        "findings": [
            {
                "sentence_en": "Cardiomegaly.",
                "sentence_es": "Cardiomegalia.",
                "abnormal": True,
                "boxes": [[0.3, 0.5, 0.8, 0.9]],
                "extra_boxes": [[0.3, 0.5, 0.75, 0.9]],
                "labels": ["cardiomegaly"],
                "locations": ["cardiac"],
                "progression": None,
            },
        ],
    },
]
TABLE = (
    "StudyID,ImageID,label,boxes_count,extra_boxes_count,locations,prior_study,progression_status,prior_imageID,sentence_en,"
    "sentence_es,study_is_benchmark,study_is_validation,split,PatientID,patient_is_benchmark,PatientBirth,PatientSex_DICOM,"
    "StudyDate_DICOM,StudyDate,PatientAge,label_group,Year"
)


def padchest(root, made, sizes=((200, 300), (300, 200), (200, 200))):
    (root / "grounded_reports_20240819.json").write_text(json.dumps(PADCHEST))
    lines = [TABLE]
    for study, picture, split, patient in zip(
        STUDIES, PICTURES, ("train", "test", "test"), ("p1", "p1", "p2"), strict=True
    ):
        values = {"StudyID": study, "ImageID": picture, "label": "x", "split": split, "PatientID": patient}
        lines.append(",".join(values.get(name, "") for name in TABLE.split(",")))
    (root / "master_table.csv").write_text("\n".join(lines) + "\n")
    for picture, size in zip(PICTURES, sizes, strict=True):
        made.picture_of_16_bits(root / "Padchest_GR_files/PadChest_GR" / picture, size)
    return root


DICOM_IDS = [f"{number}a1b2c3d-11111111-22222222-33333333-4444444{number}" for number in range(2)]
GOLD = (
    "image_id,x1,y1,x2,y2,width,height,bbox_name,annot_id,original_x1,original_x2,original_y1,original_y2,original_width,"
    "original_height,annotator,coord224,coord_original"
)
REGIONS = [
    (DICOM_IDS[0], "right lower lung zone", (20, 120, 90, 180)),
    (DICOM_IDS[0], "trachea", (95, 10, 110, 60)),
    (DICOM_IDS[1], "right lower lung zone", (30, 150, 110, 230)),
    (DICOM_IDS[1], "cardiac silhouette", (90, 130, 180, 250)),
]
MIMIC_SIZES = {DICOM_IDS[0]: (250, 200), DICOM_IDS[1]: (200, 260)}


def imagenome(root, made, scale=1, lists=("avoid", "metadata")):
    import gzip

    gold = root / "physionet.org/files/chest-imagenome/1.0.0/gold_dataset"
    gold.mkdir(parents=True)
    lines = [GOLD]
    for image, region, (x1, y1, x2, y2) in REGIONS:
        values = [f"{image}.dcm", 1, 2, 3, 4, 2, 2, region, f"{image}_{region}", x1, x2, y1, y2, x2 - x1, y2 - y1, 1]
        lines.append(",".join(map(str, [*values, '"[1, 2, 3, 4]"', f'"[{x1}, {y1}, {x2}, {y2}]"'])))
    (gold / "gold_bbox_coordinate_annotations_1000images.csv").write_text("\n".join(lines) + "\n")
    studies = {image: (f"1000000{number}", f"5000000{number}") for number, image in enumerate(DICOM_IDS)}
    if "avoid" in lists:
        splits = gold.parent / "silver_dataset/splits"
        splits.mkdir(parents=True)
        lines = ["subject_id,study_id,dicom_id,path,ViewPosition"]
        lines += [f"{subject},{study},{image},files/x.dcm,PA" for image, (subject, study) in studies.items()]
        (splits / "images_to_avoid.csv").write_text("\n".join(lines) + "\n")
    tree = root / "physionet.org/files/mimic-cxr-jpg/2.1.0"
    tree.mkdir(parents=True)
    if "metadata" in lists:
        lines = ["dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns"]
        for image, (subject, study) in studies.items():
            width, height = MIMIC_SIZES[image]
            lines.append(f'{image},{subject},{study},"CHEST, PA",PA,{height},{width}')
        (tree / "mimic-cxr-2.0.0-metadata.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    for image, (subject, study) in studies.items():
        width, height = MIMIC_SIZES[image]
        place = tree / f"files/p10/p{subject}/s{study}/{image}.jpg"
        made.picture(place, (int(width * scale), int(height * scale)))
    return root


@pytest.fixture
def made(made):
    """The writers of these sets beside the others'."""
    import numpy as np
    from PIL import Image

    def picture_of_16_bits(path, size):
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full(size[::-1], 9000, np.uint16)
        pixels[: size[1] // 2] = 30_000 + sum(path.name.encode())
        Image.fromarray(pixels).save(path)

    made.picture_of_16_bits = picture_of_16_bits
    made.writers = {
        **made.writers,
        "vindr-cxr": lambda root, **options: vindr(root, made, **options),
        "vindr-kaggle": lambda root, **options: vindr_of_kaggle(root, made, **options),
        "padchest-gr": lambda root, **options: padchest(root, made, **options),
        "chest-imagenome": lambda root, **options: imagenome(root, made, **options),
    }
    return made
