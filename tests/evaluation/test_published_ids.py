"""What result files give away of one's own data, and what they must not depend on."""

import hashlib
import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from groundcxr import evaluate, load_dataset
from groundcxr.core.fingerprint import digest, file_digest
from groundcxr.datasets.ids import SECRET_FILE
from groundcxr.evaluation.prediction import image_key, query_key
from groundcxr.leaderboard.board import boards
from groundcxr.leaderboard.library import Library

PHRASES = [
    f"{size} {side} {zone} edema"
    for size in ("small", "large")
    for side in ("left", "right")
    for zone in ("apical", "basal")
]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def write_data(folder: Path) -> Path:
    """Twelve images of six patients; names, record numbers and phrases follow a pattern."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
    for number in range(12):
        name = f"img_{number:03d}.png"
        Image.fromarray(rng.integers(0, 256, (32, 40), dtype=np.uint8)).save(folder / name)
        for phrase in (PHRASES[number % 8], PHRASES[(number + 3) % 8]):
            x, y = rng.integers(0, 20, 2)
            rows.append(f"{name},{phrase},{('Edema', 'Pneumonia')[number % 2]},{x},{y},12,9,{1000000 + number // 2}")
    (folder / "m.csv").write_text("\n".join(rows) + "\n")
    return folder / "m.csv"


def run(path: Path, out: Path, method="random", **options):
    return evaluate(method, load_dataset("manifest", path, **options), out=out)


def test_nothing_in_the_files_can_be_confirmed_by_whoever_guesses_all_of_the_data(tmp_path):
    path = write_data(tmp_path / "data")
    result = run(path, tmp_path / "out")
    files = [result.path, result.path.with_name("samples.parquet")]
    told = files[0].read_text() + pd.read_parquet(files[1]).to_csv()
    found = set(re.findall(r"[0-9a-f]{8,64}", told))
    rows = pd.read_csv(path)
    images = list(dict.fromkeys(rows["image"]))
    contents = {name: hashlib.sha256((path.parent / name).read_bytes()).hexdigest() for name in images}
    salts = ["", digest(sorted(images)), digest(images), "manifest", file_digest(path), path.read_text()]
    guesses = {file_digest(path), digest(images), *contents.values(), *map(image_key, contents.values())}
    for salt in salts:
        guesses |= {digest(salt, *kind, name) for kind in (("image",), ()) for name in images}
        guesses |= {digest(salt, "patient", str(number)) for number in rows["patient_id"]}
        guesses |= {digest(salt, *row) for row in rows[["image", "phrase", "pathology"]].to_numpy().tolist()}
        guesses.add(digest(salt, "version", file_digest(path)))
    for (name, content), phrase, pathology in product(contents.items(), PHRASES, ("Edema", "Pneumonia")):
        guesses |= {query_key(content, phrase, pathology), digest("", name, phrase, pathology)}
    # Whoever has the published ids themselves tries to confirm the rest of the fingerprint with them.
    dataset = load_dataset("manifest", path)
    unkeyed = digest(
        dataset.name,
        [
            (s.sample_id, s.phrase, s.pathology, [box.as_tuple() for box in s.boxes], None, s.image_size, patient)
            for s, patient in zip(dataset, result.samples["patient_key"], strict=True)
        ],
    )
    guesses.add(unkeyed)
    beginnings = {guess[:length] for guess in guesses for length in (8, 12, 16, 32, 64)}
    assert not found & beginnings
    assert "img_" not in told
    assert "edema" not in told
    assert "100000" not in told
    # The secret is what was missing.
    secret = (path.parent / SECRET_FILE).read_text().strip()
    assert digest(secret, "patient", "1000000")[:16] in found


def test_two_homes_with_one_secret_have_equal_results(tmp_path):
    one, other = (write_data(tmp_path / name) for name in ("one", "other"))
    first = run(one, tmp_path / "out1")
    second = run(other, tmp_path / "out2", secret=one.parent / SECRET_FILE)
    assert first.path.relative_to(tmp_path / "out1") == second.path.relative_to(tmp_path / "out2")
    columns = [name for name in first.samples if name != "seconds"]
    pd.testing.assert_frame_equal(first.samples[columns], second.samples[columns])
    assert first.info.dataset == second.info.dataset
    assert first.info.overall == second.info.overall


@pytest.mark.parametrize("method", ["random", "class-mean-box", "text-prior"])
def test_no_number_depends_on_the_secret(tmp_path, method):
    one, other = (write_data(tmp_path / name) for name in ("one", "other"))
    first, second = run(one, tmp_path / "out1", method), run(other, tmp_path / "out2", method)
    assert not set(first.samples["sample_id"]) & set(second.samples["sample_id"])
    assert not set(first.samples["patient_key"]) & set(second.samples["patient_key"])
    assert first.info.overall == second.info.overall
    assert first.info.pathologies == second.info.pathologies


def test_shuffled_phrases_and_tests_do_not_depend_on_the_secret(tmp_path):
    written = []
    for name in ("one", "other"):
        path, out = write_data(tmp_path / name), tmp_path / f"out-{name}"
        dataset = load_dataset("manifest", path)
        evaluate("random", dataset, out=out)
        evaluate("shuffled-phrase", dataset, settings={"method": "random"}, out=out)
        evaluate("center-prior", dataset, out=out)
        (board, *_) = boards(Library.scan([out]).runs, ["auroc"])
        cells = {
            row.run.label: {column: (cell.value, cell.low, cell.high, cell.p) for column, cell in row.cells.items()}
            for row in board.rows
        }
        written.append(json.dumps(cells, sort_keys=True))
    assert written[0] == written[1]
