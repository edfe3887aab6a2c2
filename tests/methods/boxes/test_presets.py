"""Presets: the table, and files of the user's own."""

import pytest

from groundcxr.core import Box, MethodError, UnknownNameError
from groundcxr.methods.boxes.parsing import parse
from groundcxr.methods.boxes.presets import PRESETS, preset, preset_for

MINE = """
prompt = "Where is {phrase}?"
grammar = "bbox_2d"
order = "yx"
unit = 500
frame = "padded-square"
answer_after = ["</reasoning>"]
max_new_tokens = 40
processor = { do_pan_and_scan = false }
"""


def test_the_table_is_whole():
    assert set(PRESETS) >= {"qwen2_vl", "qwen2_5_vl", "qwen3_vl", "chexagent2", "medgemma", "gemma3", "paligemma"}
    assert set(PRESETS) >= {"kosmos2", "internvl", "llava_fractions", "deepseek_vl2", "maira2"}
    for name, one in PRESETS.items():
        assert one.name == name
        assert one.source
        assert one.asked("left {basal} opacity").count("left {basal} opacity") == 1
    ids = [model for one in PRESETS.values() for model in one.models]
    assert len(set(ids)) == len(ids)
    assert preset_for("StanfordAIMI/CheXOne@main") is PRESETS["chexagent2"]
    assert preset_for("somebody/else") is None


@pytest.mark.parametrize(
    ("name", "image_size", "max_pixels", "expected"),
    [
        ("qwen2_5_vl", (2544, 3056), None, (896, 1092)),
        ("qwen2_5_vl", (2544, 3056), 12845056, (2548, 3052)),
        ("qwen2_5_vl", (3056, 2544), 12845056, (3052, 2548)),
        ("qwen3_vl", (1380, 245), None, (1376, 256)),
        ("qwen3_vl", (5000, 3), None, (4992, 32)),
        ("paligemma", (2544, 3056), None, (2544, 3056)),
    ],
)
def test_the_size_that_a_model_gets(name, image_size, max_pixels, expected):
    """The first two are those of the published answers in parse_cases.json."""
    assert PRESETS[name].input_size(image_size, max_pixels) == expected


def test_a_file_of_the_users_own(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    mine = preset(str(file))
    assert (mine.name, mine.chat, mine.max_new_tokens, mine.asked("it")) == ("mine", True, 40, "Where is it?")
    assert mine.asking()["processor"] == {"do_pan_and_scan": False}
    text = '{"bbox_2d": [1, 2, 3, 4]} </reasoning> {"bbox_2d": [100, 200, 200, 300]}'
    assert parse(text, mine.convention, (500, 1000)).boxes == (Box(150, 200, 350, 400),)
    file.write_text(MINE.replace("500", "1000"))
    assert preset(str(file)).asking() == mine.asking(), "what numbers mean is the parser's business"
    file.write_text(MINE.replace("Where", "Why"))
    assert preset(str(file)).asking() != mine.asking()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("prompt = ", "is no TOML"),
        (b"prompt = '\xff'", "is not UTF-8"),
        ("", "it lacks prompt, grammar, order, unit"),
        (MINE.replace("order", "ordre"), "there is no key 'ordre'; did you mean 'order'"),
        (MINE.replace('"yx"', '"zx"'), "order does not fit"),
        (MINE.replace("{phrase}", "it"), "its prompt has no {phrase}"),
        (MINE.replace('"bbox_2d"', '"bbox"'), "there is no grammar 'bbox'; did you mean 'bbox_2d'"),
        (MINE.replace("500", '"pixel"'), "unit does not fit"),
        (MINE.replace("500", '"pixels"'), "needs multiple_of"),
        (MINE.replace("500", "0"), "the unit 0"),
        (MINE.replace("40", "-1"), "max_new_tokens does not fit"),
        (MINE.replace('"yx"', '"xywh"'), "order does not fit: Input should be 'xy' or 'yx'"),
        (MINE.replace("bbox_2d", "patch-indices"), "the grammar patch-indices counts cells: it needs unit = 32"),
        (MINE.replace("bbox_2d", "loc-tokens").replace("500", "1"), "unit = 1 is for fractions"),
        (MINE.replace("</reasoning>", ""), "answer_after has an empty text"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(tmp_path, content, says):
    file = tmp_path / "mine.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MethodError) as caught:
        preset(str(file))
    assert says in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_preset_that_is_not_there(tmp_path):
    with pytest.raises(UnknownNameError, match="there is no preset 'qwen25_vl'; did you mean 'qwen2_5_vl'"):
        preset("qwen25_vl")
    with pytest.raises(MethodError, match="does not exist; check the path"):
        preset(str(tmp_path / "none.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(MethodError, match="it is a folder"):
        preset(str(tmp_path / "folder.toml"))
