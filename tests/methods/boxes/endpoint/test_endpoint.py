"""The method `endpoint` in a run: what it asks, what it answers, what results say, and what costs what."""

import base64
import io
import json
import re
import warnings

import numpy as np
import pytest
from PIL import Image

from groundcxr import Query, Radiograph, evaluate
from groundcxr.core import MethodError
from groundcxr.evaluation.check_method import run_checks
from groundcxr.methods import SomeFailed
from groundcxr.methods.boxes.parsing import write
from groundcxr.methods.boxes.presets import PRESETS
from groundcxr.methods.loading import build_method

CHAT = [name for name, preset in PRESETS.items() if preset.chat and preset.generates]


@pytest.fixture
def endpoint(fake, waits):
    def build(**settings):
        return build_method("endpoint", {"base_url": fake.url, "model": "tiny", "preset": "qwen3_vl", **settings})

    return build


def radiograph(width=200, height=120, dtype=np.uint8):
    rng = np.random.default_rng(width)
    return Radiograph.from_array(rng.integers(0, np.iinfo(dtype).max, (height, width), dtype=dtype))


def picture_of(body):
    """The picture as a server decodes it, and the words beside it."""
    image, text = body["messages"][0]["content"]
    head, _, content = image["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(content))), text["text"]


def test_what_is_asked(fake, says, endpoint):
    fake.answer = lambda *_: says("```json\n[]\n```")
    method = endpoint(repetition_penalty="1.0", max_new_tokens="77", prompt="Find {phrase}!")
    method.setup("cpu")
    image = radiograph(dtype=np.uint16)
    method.ground_batch([Query(image, "small {odd} opacity", "Edema")])
    (body,) = fake.asked
    picture, text = picture_of(body)
    assert text == "Find small {odd} opacity!"
    # Sides are multiples of Qwen3-VL's 32, and so close to the image's that the server's processor resizes no more.
    assert picture.size == (192, 128)
    assert picture.mode == "L"
    assert {key: body[key] for key in ("model", "temperature", "max_tokens", "repetition_penalty")} == {
        "model": "tiny",
        "temperature": 0,
        "max_tokens": 77,
        "repetition_penalty": 1.0,
    }
    assert "skip_special_tokens" not in body


def test_tokens_that_are_the_grammar_are_asked_for(fake, says, endpoint):
    fake.answer = lambda *_: says("nothing")
    method = endpoint(preset="qwen2_vl", repetition_penalty="0")
    method.setup("cpu")
    method.ground_batch([Query(radiograph(), "opacity", "Edema")])
    assert fake.asked[0]["skip_special_tokens"] is False
    assert "repetition_penalty" not in fake.asked[0]


@pytest.mark.parametrize("preset", CHAT)
@pytest.mark.parametrize("size", [(300, 200), (200, 301)])
def test_a_perfect_answer_comes_back_to_its_place(fake, says, endpoint, preset, size):
    """The server's model writes where the white rectangle lies in the picture that it gets."""
    pixels = np.zeros(size[::-1], dtype=np.uint8)
    pixels[60:150, 40:120] = 255
    image = Radiograph.from_array(pixels)
    convention = PRESETS[preset].convention

    def answer(_, body):
        picture, _ = picture_of(body)
        bright = np.asarray(picture) > 127
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        unit = picture.size if convention.unit == "pixels" else (convention.unit,) * 2
        values = [value / side * one for value, side, one in zip(found, picture.size * 2, unit * 2, strict=True)]
        values = values if convention.order == "xy" else [values[1], values[0], values[3], values[2]]
        return says(
            convention.rules.written([tuple(f"{v:.3f}" if convention.unit == 1 else f"{v:.0f}" for v in values)])
        )

    fake.answer = answer
    method = endpoint(preset=preset)
    method.setup("cpu")
    (found,) = method.ground_batch([Query(image, "the rectangle", "Edema")])
    step = 1.5 + max(size) / (1000 if convention.unit == "pixels" or convention.unit >= 999 else 100)
    np.testing.assert_allclose(found.boxes[0].as_tuple(), (40, 60, 120, 150), atol=step)


def test_a_large_film_is_sent_as_large_as_the_cap_allows(fake, says, endpoint):
    fake.answer = lambda *_: says("[]")
    for settings in ({"preset": "qwen2_5_vl"}, {"preset": "internvl", "max_pixels": "10000"}):
        method = endpoint(**settings)
        method.setup("cpu")
        method.ground_batch([Query(radiograph(2544, 3056), "opacity", "Edema")])
    first, second = (picture_of(body)[0].size for body in fake.asked)
    assert first[0] % 28 == first[1] % 28 == 0
    assert first[0] * first[1] <= 1280 * 28 * 28
    assert 9_500 < second[0] * second[1] <= 10_000
    assert second[0] / second[1] == pytest.approx(2544 / 3056, rel=0.02)


def test_score_and_text_are_kept(fake, says, endpoint):
    text = '[{"bbox_2d": [100, 200, 300, 400]}, {"bbox_2d": [500, 500, 600, 600]}]'
    fake.answer = lambda *_: says(text, logprobs=(-0.5, -1.5))
    method = endpoint()
    method.setup("cpu")
    (answer,) = method.ground_batch([Query(radiograph(), "opacity", "Edema")])
    assert [box.score for box in answer.boxes] == [-1.0]
    assert answer.boxes[0].as_tuple() == pytest.approx((20, 24, 60, 48))
    assert answer.text == text


def test_all_phrases_of_a_batch_are_asked_at_once_and_each_image_is_encoded_once(fake, says, endpoint, monkeypatch):
    from groundcxr.methods.boxes import endpoint as module

    encoded = []
    real = module._data_url
    monkeypatch.setattr(module, "_data_url", lambda picture: encoded.append(picture) or real(picture))
    fake.answer = lambda *_: says("[]")
    method = endpoint(concurrency="4")
    method.setup("cpu")
    images = [radiograph(), radiograph(140)]
    queries = [Query(image, f"phrase {number}", "Edema") for image in images for number in range(6)]
    assert len(method.ground_batch(queries)) == 12
    assert len(encoded) == 2
    assert fake.most_at_once <= 4


def test_a_failed_question_leaves_the_others_their_answers(fake, says, endpoint):
    fake.answer = lambda _, body: (400, {}) if "bad" in picture_of(body)[1] else says("[]")
    method = endpoint()
    method.setup("cpu")
    queries = [Query(radiograph(), phrase, "Edema") for phrase in ("good", "bad", "fine")]
    with pytest.raises(SomeFailed, match="1 of 3 phrases have no answer; the first: RequestFailed") as caught:
        method.ground_batch(queries)
    assert [isinstance(one, Exception) for one in caught.value.answers] == [False, True, False]


def test_what_is_said_of_weights_that_cannot_be_hashed(fake, says, endpoint, tiny, tmp_path):
    fake.gets["/version"] = (200, {"version": "0.33.0"})
    fake.answer = lambda *_: says('[{"bbox_2d": [0, 0, 500, 500]}]', model="tiny-of-today")
    result = evaluate(endpoint(revision="2026-05"), tiny, out=tmp_path)
    assert result.info.method.weights == "tiny@2026-05"
    assert result.info.method.weights_fingerprint == "not hashed: tiny@2026-05"
    assert "not hashed" in result.info.method.note
    (way,) = result.info.provenance.grounding
    assert way.packages["server"] == "vllm 0.33.0"
    assert way.packages["served model"] == "tiny-of-today"
    assert result.info.n_failed == 0


def test_a_server_that_changes_its_model_is_told(fake, says, endpoint, tiny, tmp_path):
    """As a gateway does that sends each question to whoever is free; half of a result was another model's."""
    fake.answer = lambda number, _: says('[{"bbox_2d": [0, 0, 500, 500]}]', model=f"tiny-{number // 5 % 2}")
    with pytest.warns(UserWarning, match=r"several models' names.*: 10, for example tiny-0, tiny-1"):
        evaluate(endpoint(concurrency=1), tiny, out=tmp_path, batch_size=2)
    fake.answer = lambda number, _: says('[{"bbox_2d": [0, 0, 500, 500]}]', model="tiny-0")
    with warnings.catch_warnings(record=True) as told:
        evaluate(endpoint(concurrency=1), tiny, out=tmp_path, batch_size=2, overwrite=True)
    assert not [one for one in told if "several models" in str(one.message)]


def test_no_word_and_no_key_gets_into_a_result(fake, says, endpoint, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "s3cr3t")
    fake.answer = lambda *_: says('the heart [{"bbox_2d": [0, 0, 500, 500]}]')
    evaluate(endpoint(api_key_env="MY_KEY"), tiny, out=tmp_path / "out")
    assert set(fake.keys) == {"Bearer s3cr3t"}
    for file in (tmp_path / "out").rglob("*.json"):
        if "store" not in file.parts:
            assert not re.search("s3cr3t|secret|the heart", file.read_text()), file


def test_the_fingerprint_is_of_what_is_asked_and_not_of_how_patiently(endpoint, fake):
    usual = endpoint().fingerprint()
    for same in ({"timeout": "5"}, {"retries": "0"}, {"concurrency": "1"}, {"allow_remote": "true"}):
        assert endpoint(**same).fingerprint() == usual, same
    others = (
        {"model": "other"},
        {"revision": "b"},
        {"prompt": "Where is {phrase}?"},
        {"max_pixels": "100000"},
        {"max_new_tokens": "5"},
        {"boxes": "2"},
        {"preset": "gemma3"},
        {"repetition_penalty": "1.1"},
        {"base_url": "http://127.0.0.1:1/v1"},
    )
    found = {endpoint(**other).fingerprint() for other in others}
    assert len(found) == len(others)
    assert usual not in found


def test_an_address_elsewhere_is_known_and_not_published(endpoint):
    one, other = (endpoint(base_url=f"https://{host}.example/v1", allow_remote="true") for host in ("gpu1", "gpu2"))
    assert one.fingerprint() != other.fingerprint()
    assert "gpu" not in json.dumps(one.options_dict())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": ""}, "model=NAME"),
        ({"preset": ""}, "does not know how tiny writes boxes"),
        ({"preset": "paligemma"}, "use --method vlm"),
        ({"preset": "kosmos2"}, "use --method vlm"),
        ({"preset": "maira2"}, "groundcxr import"),
        ({"prompt": "Where?"}, "{phrase}"),
        ({"concurrency": "0"}, "concurrency"),
        ({"timeout": "nan"}, "timeout"),
        ({"retries": "-1"}, "retries"),
        ({"base_url": "http://api.example.com/v1"}, "allow_remote=true"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_runs(endpoint, fake, settings, said):
    with pytest.raises(MethodError, match=re.escape(said)):
        endpoint(**settings)
    assert fake.looked_up == []


def test_a_key_that_is_not_there(endpoint, fake, monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(MethodError, match="NO_SUCH_KEY"):
        endpoint(api_key_env="NO_SUCH_KEY").setup("cpu")
    assert fake.looked_up == []


def test_what_is_known_of_a_model_by_its_name(endpoint):
    method = endpoint(model="StanfordAIMI/CheXOne", preset="")
    assert "MS-CXR" in method.trained_on
    assert method.options_dict()["preset"] == "chexagent2"


def test_it_keeps_the_contract(fake, says, endpoint, monkeypatch):
    fake.answer = lambda *_: says('[{"bbox_2d": [100, 100, 500, 500]}]')
    problems = [check.problem for check in run_checks(endpoint(), "cpu")]
    assert len(problems) > 5
    assert problems == [None] * len(problems)


def test_the_true_box_is_read_right_through_a_run(fake, says, endpoint, tiny, tmp_path):
    boxes = {sample.phrase: sample for sample in tiny}

    def answer(_, body):
        picture, text = picture_of(body)
        sample = next(one for phrase, one in boxes.items() if phrase in text)
        return says(write(sample.boxes, "qwen2_5_vl", sample.image_size, picture.size))

    fake.answer = answer
    result = evaluate(endpoint(preset="qwen2_5_vl"), tiny, out=tmp_path)
    assert result.info.n_failed == 0
    assert result.info.overall.micro["acc50"].value == 1
