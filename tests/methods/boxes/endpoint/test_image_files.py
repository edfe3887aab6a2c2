"""Of image files of every kind, the server sees the right pixels and its boxes come back to their place."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from groundcxr import evaluate
from groundcxr.core import Box
from groundcxr.methods.boxes.parsing import write

SIZES = {"portrait.png": (301, 400), "landscape.jpg": (420, 280), "sixteen.png": (320, 240), "film.dcm": (250, 310)}


@pytest.fixture
def manifest_of_markers(marked_manifest, tmp_path):
    return marked_manifest(tmp_path / "data", SIZES)


@pytest.fixture
def ms_cxr_of_markers(marked_ms_cxr, tmp_path):
    return marked_ms_cxr(tmp_path / "data", {".jpg": (301, 400), ".dcm": (420, 280)})


@pytest.mark.parametrize("preset", ["qwen2_5_vl", "medgemma"])
@pytest.mark.parametrize(("dataset", "count"), [("manifest", 4), ("ms-cxr", 2)])
def test_a_model_that_sees_the_rectangle_is_right(fake, says, waits, tmp_path, request, preset, dataset, count):
    root = request.getfixturevalue("manifest_of_markers" if dataset == "manifest" else "ms_cxr_of_markers")

    def answer(_, body):
        url = body["messages"][0]["content"][0]["image_url"]["url"]
        picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
        bright = np.asarray(picture) > 127
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        seen = Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        # What is padded is the server's whole picture: its convention is that of the unpadded one.
        return says(write([seen], "gemma3" if preset == "medgemma" else preset, picture.size, picture.size))

    fake.answer = answer
    settings = {"base_url": fake.url, "model": "tiny", "preset": preset}
    split = {} if dataset == "manifest" else {"split": "test"}
    result = evaluate("endpoint", dataset, root=root, settings=settings, out=tmp_path / "out", **split)
    assert len(result.samples) == count
    assert result.info.n_failed == 0
    assert result.samples["box_iou"].min() > 0.95


def test_words_without_a_box_are_an_answer_that_is_not_asked_for_again(
    fake, says, waits, groundcxr, manifest_of_markers
):
    fake.answer = lambda *_: says("I see 3 things at 10 20 30 40")
    command = ("evaluate", "--method", "endpoint", "--set", f"base_url={fake.url}", "--set", "model=tiny", "--set")
    command += ("preset=qwen3_vl", "--dataset", "manifest", "--root", manifest_of_markers)
    assert groundcxr(*command).code == 1
    assert len(fake.asked) == 4
    assert groundcxr(*command).code == 1
    assert len(fake.asked) == 4
