"""Long runs against servers that fail and die: every sample is scored in the end, and none is stored twice."""

import numpy as np
import pytest
from PIL import Image

from groundcxr.evaluation.store import StoredPredictions


@pytest.fixture
def five_hundred(tmp_path):
    """A manifest of 100 images with five phrases each."""
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(5)
    rows = ["image,phrase,pathology,x,y,w,h"]
    for number in range(100):
        Image.fromarray(rng.integers(0, 256, (24, 32), dtype=np.uint8)).save(folder / f"{number}.png")
        rows += [f"{number}.png,opacity {number} {part},Edema,4,4,16,12" for part in range(5)]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    (folder / "groundcxr-secret").write_text("0123456789abcdef" * 4 + "\n")
    return folder / "manifest.csv"


def phrase_of(body):
    return body["messages"][0]["content"][1]["text"]


def test_five_hundred_samples_over_a_server_that_fails_and_dies_once(
    fake, says, waits, groundcxr, five_hundred, tmp_path
):
    right = says('[{"bbox_2d": [125, 167, 625, 667]}]')
    died = []

    def answer(number, _):
        if number == 260 and not died:
            died.append(number)
            return says.DIE
        return (500, {"error": {"message": "oops"}}) if number % 20 == 0 else right

    fake.answer = answer
    command = ("evaluate", "--method", "endpoint", "--set", f"base_url={fake.url}", "--set", "model=tiny", "--set")
    command += ("preset=qwen3_vl", "--dataset", "manifest", "--root", five_hundred, "--out", tmp_path / "out")
    first = groundcxr(*command)
    assert first.code == 2
    assert "has stopped answering" in first.err
    assert "goes on from there" in first.err

    def held():
        return [
            (image, query)
            for about in sorted((tmp_path / "out").rglob("method.json"))
            for image, query, _ in StoredPredictions(about.parent).members()
        ]

    before = held()
    assert 100 < len(before) < 260

    asked = len(fake.asked)
    fake.start()
    second = groundcxr(*command)
    assert second.code == 0, second.err
    after = held()
    assert len(after) == len(set(after)) == 500
    assert set(before) <= set(after)
    # What was stored is not asked again: the rest, and the failures' second tries.
    assert len(fake.asked) - asked <= (500 - len(before)) * 1.1
    assert fake.most_at_once <= 16
    assert " 500 " in second.out


def test_what_fails_to_the_end_is_counted_and_asked_again(fake, says, waits, groundcxr, manifest, tmp_path):
    down = [True]

    def answer(_, body):
        return (503, {}) if "opacity 2" in phrase_of(body) and down else says('[{"bbox_2d": [0, 0, 500, 500]}]')

    fake.answer = answer
    command = ("evaluate", "--method", "endpoint", "--set", f"base_url={fake.url}", "--set", "model=tiny", "--set")
    command += ("preset=qwen3_vl", "--set", "retries=2", "--dataset", "manifest", "--root", manifest)
    first = groundcxr(*command)
    assert first.code == 1
    assert "RequestFailed" in first.out + first.err
    # Three tries of the one that fails; the four others are not asked again for its sake.
    assert len(fake.asked) == 4 + 3
    down.clear()
    assert groundcxr(*command).code == 0
    assert sum("opacity 2" in phrase_of(body) for body in fake.asked) == 4


def test_no_server_is_one_sentence(fake, groundcxr, manifest):
    fake.stop()
    ran = groundcxr(
        *("evaluate", "--method", "endpoint", "--set", f"base_url={fake.url}", "--set", "model=tiny"),
        *("--set", "preset=qwen3_vl", "--dataset", "manifest", "--root", manifest),
    )
    assert ran.code == 2
    assert "error: no server answers at http://127.0.0.1" in ran.err
    assert "Traceback" not in ran.err
