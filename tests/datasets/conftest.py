"""Made-up annotation files in the released formats; no phrase, id or box is of a real data set."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COLUMNS = ["dicom_id", "category_name", "label_text", "path", "x", "y", "w", "h", "image_width", "image_height"]
CATEGORIES = [
    "Consolidation",
    "Pneumothorax",
    "Lung Opacity",
    "Edema",
    "Pleural Effusion",
    "Pneumonia",
    "Cardiomegaly",
    "Atelectasis",
]


@dataclass(frozen=True)
class Row:
    """One box of MS-CXR, in the frame 100x120."""

    image: int
    patient: int
    category: str
    phrase: str
    box: tuple[float, float, float, float]
    split: str = "train"
    frame: tuple[int, int] = (100, 120)

    @property
    def dicom_id(self) -> str:
        return "-".join(f"{self.image * 5 + part:08x}" for part in range(5))

    @property
    def path(self) -> str:
        shard = f"p1{self.patient % 10}"
        return f"files/{shard}/{shard}{self.patient:06d}/s5{self.image:07d}/{self.dicom_id}.jpg"


ROWS = [
    Row(1, 1, "Pneumothorax", "Invented air, left", (10, 20, 30, 40)),
    Row(2, 2, "Edema", " made-up  haze. ", (0, 0, 100, 120), "val"),
    Row(1, 1, "Lung Opacity", 'a "quoted" shadow', (50, 60, 20, 20)),
    Row(1, 1, "Pneumothorax", "Invented air, left", (60, 20, 30, 40)),  # a second box of the first phrase
    Row(3, 3, "Pneumonia", "DEID said so", (5, 5, 10, 10), "test"),
    Row(3, 3, "Consolidation", "DEID said so", (40, 5, 10, 10), "test"),  # the phrase again, of another class
    Row(4, 1, "Cardiomegaly", "Invented air, left", (30, 60, 50, 40)),
]


class Writer:
    """Writes MS-CXR as PhysioNet lays it out."""

    rows = ROWS

    def csv(self, folder: Path, version: str = "1.1.0", rows=None, *, columns=None, bom=False) -> Path:
        path = self._path(folder, version, "csv")
        columns = columns or (COLUMNS if version == "1.0.0" else [*COLUMNS, "split"])
        with path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in self.rows if rows is None else rows:
                cells = [row.dicom_id, row.category, row.phrase, row.path, *row.box, *row.frame, row.split]
                writer.writerow(cells[: len(columns)])
        return path

    def json(self, folder: Path, version: str = "1.1.0", rows=None) -> Path:
        path = self._path(folder, version, "json")
        rows = self.rows if rows is None else rows
        names = sorted({row.category for row in rows})
        categories = {name: index for index, name in enumerate(names, start=1)}
        # One image record for each image and category, as released: image ids are not unique per file.
        records = {key: index for index, key in enumerate(dict.fromkeys((row.path, row.category) for row in rows), 11)}
        frames = {(row.path, row.category): row.frame for row in rows}
        content = {
            "info": {"version": version},
            "categories": [{"id": number, "name": name} for name, number in categories.items()],
            "images": [
                {
                    "id": number,
                    "file_name": Path(key[0]).name,
                    "path": key[0],
                    "width": frames[key][0],
                    "height": frames[key][1],
                }
                for key, number in records.items()
            ],
            "annotations": [
                {
                    "id": number,
                    "image_id": records[row.path, row.category],
                    "category_id": categories[row.category],
                    "bbox": [float(value) for value in row.box],
                    "label_text": row.phrase,
                    "width": row.frame[0],
                    "height": row.frame[1],
                    "area": row.box[2] * row.box[3],
                    "iscrowd": 0,
                    **({} if version == "1.0.0" else {"split": row.split}),
                }
                for number, row in enumerate(rows, start=21)
            ],
        }
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    def images(self, folder: Path, size=(100, 120), rows=None) -> None:
        """The images, `folder` being where ``files/`` lies."""
        for row in {row.path: row for row in (self.rows if rows is None else rows)}.values():
            self.image(folder / row.path, size, row.image)

    def image(self, path: Path, size=(100, 120), seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0])).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    def _path(self, folder: Path, version: str, suffix: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"MS_CXR_Local_Alignment_v{version}.{suffix}"


@pytest.fixture
def cache(tmp_path_factory, monkeypatch):
    """A cache folder of the test's own: where images were found is remembered, and must be neither read nor left."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("GROUNDCXR_CACHE", str(folder))
    return folder


@pytest.fixture
def write(cache) -> Writer:
    return Writer()


@pytest.fixture
def make_row():
    return Row
