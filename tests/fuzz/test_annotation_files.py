"""Annotation files with seeded mutations: whatever is in them, loading and checking ends in samples or one sentence."""

import json
import os
from copy import deepcopy
from random import Random

import numpy as np
import pytest
from PIL import Image

from groundcxr import load_dataset
from groundcxr.core import GroundCXRError
from groundcxr.datasets import check_dataset

CASES = int(float(os.environ.get("GROUNDCXR_FUZZ", "1")) * 150)
"""Of each kind; the environment variable GROUNDCXR_FUZZ multiplies it."""

CSV = """image,phrase,pathology,x,y,w,h,patient_id,split,image_width,image_height
a.png,left haze,Edema,1,2,20,20,p1,train,80,64
b.png,"right, haze",Edema,30,30,10.5,9,p2,test,,
a.png,spot,Nodule,,,,,p1,train,80,64
"""

RUNS = {"size": [32, 40], "counts": "U3?a0000000000kn0"}

COCO = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 40, "height": 32},
        {"id": 2, "file_name": "b.png", "path": "/somewhere/b.png", "caption": "haze"},
    ],
    "categories": [{"id": 1, "name": "Edema"}, {"id": 2, "name": "Nodule"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 20, 20], "phrase": "p", "split": "train"},
        {"id": 2, "image_id": 1, "category_id": 2, "segmentation": [[1, 2, 30, 2, 9, 20]], "caption": "q"},
        {
            "id": 3,
            "image_id": 1,
            "category_id": 2,
            "segmentation": {"size": [32, 40], "counts": "U3?a0000000000kn0"},
            "phrase": "r",
        },
        {
            "id": 4,
            "image_id": 2,
            "category_id": 1,
            "segmentation": {"size": [2, 3], "counts": [1, 2, 3]},
            "phrase": "s",
        },
    ],
}

VALUES = [
    *(None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, -1e308, float("nan"), float("inf"), 10**400, -(10**18), 65536),
    *(
        "",
        " ",
        "a.png",
        "A\u0301",
        "\x00",
        "b\x00.png",
        "b" * 300,
        "x/" * 3000,
        "\ud800",
        "../a.png",
        "/etc/passwd",
        "~",
    ),
    *("..\\a.png", "C:\\a.png", "macro", "=1+1", "\u202e", "{class}", "1,2", '"', "\n", "1e5", "nan", "P", "0" * 50),
    *([], {}, [[]], [1], [1, 2, 3, 4], [[1, 2, 3, 4]], [[0, 0, 9e9, 0, 5, 5]], [1, 2, [3], 4], {"size": [9, 9]}),
    *({"size": [10**9, 10**9], "counts": [10**18]}, {"size": [4, 4], "counts": "~~~~"}, {"id": {}}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    for name in ("a.png", "b.png"):
        Image.fromarray(np.arange(80 * 64, dtype=np.uint8).reshape(64, 80)).save(folder / name)
    return folder


def tried(path, **options):
    """Load, draw every mask, and check; the package's own errors are answers."""
    try:
        dataset = load_dataset("manifest", path, **options)
        for sample in dataset:
            if sample.mask is not None:
                sample.mask.load()
        dataset.fingerprint()
        assert all("\n" not in warning for warning in dataset.warnings)
    except GroundCXRError:
        pass
    for finding in check_dataset("manifest", path, **options):
        assert finding.problem.strip()


def test_the_files_are_good_before_anything_is_changed(folder):
    (folder / "m.csv").write_text(CSV)
    (folder / "m.json").write_text(json.dumps(COCO))
    assert len(load_dataset("manifest", folder / "m.csv")) == 3
    dataset = load_dataset("manifest", folder / "m.json")
    assert [bool(sample.mask and sample.mask.load().any()) for sample in dataset] == [False, True, True, True]


@pytest.mark.parametrize("block", range(5))
def test_no_csv_ends_in_anything_but_samples_or_a_sentence(folder, block):
    path = folder / "m.csv"
    for case in range(block, CASES, 5):
        rng = Random(case)
        content = CSV.encode()
        for _ in range(rng.randint(1, 2)):
            content = rng.choice([_cell, _cell, _cell, _byte, _column, _cut])(content, rng)
        path.write_bytes(content)
        _told(path, case, rng)


@pytest.mark.parametrize("block", range(5))
def test_no_coco_file_ends_in_anything_but_samples_or_a_sentence(folder, block):
    path = folder / "m.json"
    for case in range(block, CASES, 5):
        rng = Random(case)
        content = json.loads(json.dumps(COCO))
        for _ in range(rng.randint(1, 3)):
            _change(content, rng)
        data = json.dumps(content).encode()
        if rng.random() < 0.2:
            data = rng.choice([_byte, _cut])(data, rng)
        path.write_bytes(data)
        _told(path, case, rng)


def _told(path, case, rng):
    options = rng.choice([{}, {}, {}, {"phrases": "class"}, {"phrases": "a {class}", "outside": "true"}])
    try:
        tried(path, **options)
    except Exception as error:
        raise AssertionError(f"case {case} with {options}: {path.read_bytes()[:1500]!r}") from error


def _change(content, rng):
    """Replace, remove, double or rename one thing anywhere in a JSON value."""
    holder = content
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            return
        key = rng.choice(keys)
        inner = holder[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.85:
            holder = inner
            continue
        break
    action = rng.random()
    if action < 0.7:
        holder[key] = deepcopy(rng.choice(VALUES))
    elif action < 0.85:
        del holder[key]
    elif isinstance(holder, list):
        holder.append(deepcopy(inner))
    else:
        holder[str(rng.choice(VALUES))] = holder.pop(key)


def _cell(content: bytes, rng: Random) -> bytes:
    lines = content.split(b"\n")
    index = rng.randrange(len(lines))
    cells = lines[index].split(b",")
    text = str(rng.choice(VALUES)).replace('"', '""')
    cells[rng.randrange(len(cells))] = f'"{text}"'.encode("utf-8", "surrogatepass")
    lines[index] = b",".join(cells)
    return b"\n".join(lines)


def _byte(content: bytes, rng: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _column(content: bytes, rng: Random) -> bytes:
    names = ["x1", "y1", "x2", "y2", "xmin", "width", "height", "image_width", "area", "other", "", "phrase", "w", "cx"]
    header, _, rest = content.partition(b"\n")
    cells = header.split(b",")
    cells[rng.randrange(len(cells))] = rng.choice(names).encode()
    return b",".join(cells) + b"\n" + rest


def _cut(content: bytes, rng: Random) -> bytes:
    start, end = sorted(rng.randrange(len(content)) for _ in range(2))
    return content[:start] + content[end:] or b"\n"
