"""Foreign files, damaged at random with fixed seeds: whatever is in them, an import ends well or in one sentence.

GROUNDCXR_FUZZ says how many inputs there are of each kind; some dozens by default.
"""

import hashlib
import io
import json
import os
import random
import zipfile

import numpy as np
import pytest
from PIL import Image

from groundcxr import evaluate
from groundcxr.core import GroundCXRError
from groundcxr.evaluation import load_result
from groundcxr.evaluation.foreign import what_is
from groundcxr.evaluation.foreign_boxes import read_boxes
from groundcxr.evaluation.foreign_maps import find_maps, read_map
from groundcxr.evaluation.import_result import import_result

COUNT = int(os.environ.get("GROUNDCXR_FUZZ", "45"))
SIZES = {"a1": (60, 40), "b2": (33, 77), "0042": (8, 8)}
VALUES = (
    *(None, True, -1, 0, 1e308, -1e-320, 10**400, float("nan"), float("inf"), 2**63, 42, 42.0),
    *("", "a1", "A1", "\ud800", "\0", "x" * 400, "../..", [], [[]], [1, 2, 3, 4], {}, {"a": {}}),
)


def mangled(content, rng):
    """Bytes with some of them changed, cut off, doubled or swapped."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        place = rng.randrange(len(data) + 1)
        change = rng.randrange(5)
        if change == 0:
            data[place : place + 1] = bytes([rng.randrange(256)])
        elif change == 1:
            del data[place : place + rng.choice((1, 4, 40))]
        elif change == 2:
            data[place:place] = data[place : place + 16]
        elif change == 3:
            data[place : place + 4] = rng.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"9999"))
        else:
            del data[max(1, place) :]
    return bytes(data)


def rewritten(content, rng):
    """JSON with another value, without one, or with one more, somewhere."""
    places = []

    def visit(node):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                visit(node[key])

    visit(content)
    for _ in range(rng.choice((1, 1, 3))):
        node, key = rng.choice(places)
        change = rng.randrange(4)
        if change == 0 and isinstance(node, dict):
            node.pop(key, None)
        elif change == 1 and isinstance(node, dict):
            node[rng.choice(("more", "macro", "", "\n"))] = rng.choice(VALUES)
        elif isinstance(node, dict) or key < len(node):
            node[key] = rng.choice(VALUES)
    return json.dumps(content).encode()


def survives(action):
    """Whether it went well; anything but the package's own errors fails the test."""
    try:
        action()
    except GroundCXRError as error:
        message = str(error)
    else:
        return True
    assert 0 < len(message) < 3000
    return False


@pytest.mark.parametrize("way", ["bytes", "values"])
def test_boxes(tmp_path, way):
    rng = random.Random(1)
    file = tmp_path / "boxes.json"
    went_well = 0
    for _ in range(COUNT):
        entries = [{"image_id": name, "bbox": [1, 2.5, 20, 30], "score": 0.5} for name in SIZES]
        content = json.dumps(entries).encode()
        file.write_bytes(mangled(content, rng) if way == "bytes" else rewritten(entries, rng))
        went_well += survives(lambda: (what_is(file), read_boxes(file, SIZES)))
    assert 0 < went_well < COUNT or COUNT < 20


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", ["npy", "npz", "png"])
def test_maps(tmp_path, suffix):
    rng, numbers = random.Random(2), np.random.default_rng(2)
    grid = numbers.random((9, 7))
    seeds = {
        "npy": [npy(grid), npy(grid.astype(">f2").T), npy((grid * 9).astype("u1"))],
        "npz": [npz(heatmap=grid, extent=np.array([0, 0, 9, 9])), npz(heatmap=grid.astype("f4"))],
        "png": [png((grid * 255).astype("u1")), png((grid * 65535).astype("u2"))],
    }[suffix]
    for _ in range(COUNT):
        for old in tmp_path.iterdir():
            old.unlink()
        name = rng.choice(("a1", "A1", "b2", "c3"))
        (tmp_path / f"{name}.{suffix}").write_bytes(mangled(rng.choice(seeds), rng))
        survives(lambda: [read_map(file, SIZES[key]) for key, file in find_maps(tmp_path, SIZES).items()])


@pytest.mark.parametrize("way", ["bytes", "values", "rows"])
def test_results(tiny, tmp_path, way):
    rng = random.Random(3)
    saved = evaluate("center-prior", tiny, out=tmp_path / "theirs").path
    rows = saved.with_name("samples.parquet").read_bytes()
    folder = tmp_path / "damaged"
    folder.mkdir()
    for number in range(COUNT):
        content = json.loads(saved.read_bytes())
        damaged = mangled(rows, rng) if way == "rows" else rows
        if way == "rows":  # whoever writes other rows writes their hash as well
            content["samples_sha256"] = hashlib.sha256(damaged).hexdigest()
        changed = rewritten(content, rng) if way == "values" else json.dumps(content).encode()
        (folder / "result.json").write_bytes(mangled(changed, rng) if way == "bytes" else changed)
        (folder / "samples.parquet").write_bytes(damaged)
        out = tmp_path / f"out{number}"
        if survives(lambda out=out: (what_is(folder), import_result(folder, out))):
            (stored,) = out.rglob("result.json")
            load_result(stored)
        else:
            assert not list(out.rglob("result.json"))


def test_archives_that_name_their_members_oddly(tmp_path):
    for name in ("heatmap.npy", "heatmap", "/heatmap.npy", "../heatmap.npy", "heatmap.npy/", "\n", "h" * 60_000):
        with zipfile.ZipFile(tmp_path / "a1.npz", "w") as archive:
            archive.writestr(name, npy(np.eye(3)))
        survives(lambda: read_map(tmp_path / "a1.npz", SIZES["a1"]))
