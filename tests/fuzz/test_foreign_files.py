"""Foreign files, damaged at random with fixed seeds: whatever is in them, an import ends well or in one sentence."""

import hashlib
import io
import json
import shutil
import zipfile

import numpy as np
from PIL import Image

from groundcxr import evaluate
from groundcxr.evaluation import load_result
from groundcxr.evaluation.foreign import what_is
from groundcxr.evaluation.foreign_boxes import read_boxes
from groundcxr.evaluation.foreign_maps import find_maps, read_map
from groundcxr.evaluation.import_result import import_result

SIZES = {"a1": (60, 40), "b2": (33, 77), "0042": (8, 8)}


def test_boxes(fuzz, mutations, tmp_path, answered):
    file = tmp_path / "boxes.json"
    entries = [{"image_id": name, "bbox": [1, 2.5, 20, 30], "score": 0.5} for name in SIZES]

    def tried(rng):
        damage = rng.choice(
            (mutations.rewritten, lambda whole, rng: mutations.mangled(json.dumps(whole).encode(), rng))
        )
        file.write_bytes(damage(entries, rng))
        return answered(lambda: (what_is(file), read_boxes(file, SIZES)))

    went_well = fuzz("boxes", tried)
    assert any(went_well)
    assert not all(went_well)


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


def test_maps(fuzz, mutations, tmp_path, answered):
    numbers = np.random.default_rng(2)
    grid = numbers.random((9, 7))
    seeds = {
        "npy": [npy(grid), npy(grid.astype(">f2").T), npy((grid * 9).astype("u1"))],
        "npz": [npz(heatmap=grid, extent=np.array([0, 0, 9, 9])), npz(heatmap=grid.astype("f4"))],
        "png": [png((grid * 255).astype("u1")), png((grid * 65535).astype("u2"))],
    }

    def tried(rng):
        for old in tmp_path.iterdir():
            old.unlink()
        suffix = rng.choice(list(seeds))
        name = rng.choice(("a1", "A1", "b2", "c3"))
        (tmp_path / f"{name}.{suffix}").write_bytes(mutations.mangled(rng.choice(seeds[suffix]), rng))
        return answered(lambda: [read_map(file, SIZES[key]) for key, file in find_maps(tmp_path, SIZES).items()])

    went_well = fuzz("maps", tried)
    assert any(went_well)
    assert not all(went_well)


def test_results(fuzz, mutations, tiny, tmp_path, answered):
    saved = evaluate("center-prior", tiny, out=tmp_path / "theirs").path
    rows = saved.with_name("samples.parquet").read_bytes()
    folder = tmp_path / "damaged"
    folder.mkdir()

    def tried(rng):
        way = rng.choice(("bytes", "values", "rows"))
        content = json.loads(saved.read_bytes())
        damaged = mutations.mangled(rows, rng, len(rows)) if way == "rows" else rows
        if way == "rows":  # whoever writes other rows writes their hash as well
            content["samples_sha256"] = hashlib.sha256(damaged).hexdigest()
        changed = mutations.rewritten(content, rng) if way == "values" else json.dumps(content).encode()
        (folder / "result.json").write_bytes(
            mutations.mangled(changed, rng, len(changed)) if way == "bytes" else changed
        )
        (folder / "samples.parquet").write_bytes(damaged)
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        went_well = answered(lambda: (what_is(folder), import_result(folder, out)))
        if went_well:
            (stored,) = out.rglob("result.json")
            load_result(stored)
        else:
            assert not list(out.rglob("result.json"))
        return went_well

    went_well = fuzz("results", tried)
    assert any(went_well)
    assert not all(went_well)


def test_archives_that_name_their_members_oddly(tmp_path, answered):
    for name in ("heatmap.npy", "heatmap", "/heatmap.npy", "../heatmap.npy", "heatmap.npy/", "\n", "h" * 60_000):
        with zipfile.ZipFile(tmp_path / "a1.npz", "w") as archive:
            archive.writestr(name, npy(np.eye(3)))
        answered(lambda: read_map(tmp_path / "a1.npz", SIZES["a1"]))
