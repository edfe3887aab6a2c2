"""Images of the kinds that data sets have, as manifests, and the command line about them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIZES = {"portrait.png": (500, 640), "landscape.jpg": (640, 480), "deep.png": (520, 410), "film.dcm": (400, 520)}


@pytest.fixture
def films(write_film, tmp_path):
    """A manifest of a portrait, a landscape, a 16-bit and a DICOM image, with one box on each."""
    folder = tmp_path / "films"
    folder.mkdir()
    rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
    for number, (name, (width, height)) in enumerate(SIZES.items()):
        rng = np.random.default_rng(number)
        write_film(folder / name, rng.integers(0, 4096, (height, width), dtype=np.uint16))
        rows.append(
            f"{name},effusion number {number},Pleural Effusion,{100 + number},{120},{150},{180 + number},p{number}"
        )
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    (folder / "groundcxr-secret").write_text("0123456789abcdef" * 4 + "\n")
    return folder / "manifest.csv"


@pytest.fixture(scope="session")
def same_in_any_batch():
    """Asserts that a method gives the bytes of its answers to a batch also alone, by twos and in another order."""

    def answers(method, queries):
        def maps(asked):
            found = method.ground_batch(asked)
            return {
                (one.image.sha256, one.phrase): (answer.heatmap.values if answer.heatmap else answer.boxes)
                for one, answer in zip(asked, found, strict=True)
            }

        whole = maps(queries)
        turned = [*queries[1::2], *queries[::2]][::-1]
        others = [[query] for query in queries] + [queries[at : at + 2] for at in range(0, len(queries), 2)]
        for asked in (turned, *others):
            for key, values in maps(asked).items():
                np.testing.assert_array_equal(values, whole[key], err_msg=f"{key[1]!r} in a batch of {len(asked)}")
        return [whole[query.image.sha256, query.phrase] for query in queries]

    return answers


@pytest.fixture
def checked_and_evaluated(groundcxr, tmp_path):
    """Checks a method and evaluates it on a wide JPEG and a tall 16-bit PNG, both from the command line."""

    def result(name, *settings):
        rng = np.random.default_rng(4)
        data = tmp_path / "data"
        data.mkdir()
        Image.fromarray(rng.integers(0, 256, (90, 131), dtype=np.uint8)).save(data / "wide.jpg")
        Image.fromarray(rng.integers(0, 60000, (140, 101)).astype(np.uint16)).save(data / "tall.png")
        (data / "manifest.csv").write_text(
            "image,phrase,pathology,x,y,w,h\n"
            "wide.jpg,small right effusion,Pleural Effusion,30,20,40,30\n"
            "tall.png,left lung opacity,Lung Opacity,10,60,40,30\n"
        )
        options = [part for setting in settings for part in ("--set", setting)]
        checked = groundcxr("check-method", name, *options)
        assert checked.code == 0, checked.out + checked.err
        where = ["--dataset", "manifest", "--root", data / "manifest.csv", "--protocol", "v1"]
        ran = groundcxr("evaluate", "--method", name, *options, *where)
        assert ran.code == 0, ran.err
        (path,) = (Path(line) for line in ran.out.splitlines() if line.endswith("result.json"))
        return json.loads(path.read_text())

    return result
