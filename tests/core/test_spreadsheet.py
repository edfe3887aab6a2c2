"""Text in CSV files that somebody opens in a spreadsheet."""

import pytest

from groundcxr.core.spreadsheet import cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "-1-1", "\n=1", "\uff1d1+1"]
)
def test_a_formula_becomes_text(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "no change", "a=b", "1", "-1", "+0.5", "-.5e-3", "-1.", "'=1", " - x"])
def test_numbers_and_other_text_stay(text):
    assert cell(text) == text
