"""Answers in words as boxes."""

import json
from pathlib import Path

import pytest

from groundcxr.methods.boxes.parsing import parse

CASES = json.loads((Path(__file__).parents[2] / "data" / "vlm" / "parse_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_real_answers_are_read_as_their_authors_meant_them(case):
    parsed = parse(case["raw_text"], case["convention"], tuple(case["image_size"]), tuple(case["model_input_size"]))
    expected = case["expected_boxes_xyxy_original_pixels"]
    assert parsed.repaired == case["repaired"]
    if isinstance(expected, str):
        assert parsed.kind == expected
        assert not parsed.boxes
        return
    assert parsed.kind == "boxes"
    assert [box.as_tuple() for box in parsed.boxes] == [
        pytest.approx(box, abs=case["tolerance_px"]) for box in expected
    ]
