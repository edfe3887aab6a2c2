"""Text in CSV files that somebody opens in a spreadsheet."""

from __future__ import annotations

import re

# OWASP's list; programs take the wide signs of Asian keyboards for the plain ones.
_FORMULA = (*"=+-@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def cell(text: str) -> str:
    """A cell's text such that Excel, LibreOffice and Google Sheets show it and do not run it.

    What begins like a formula gets a leading apostrophe, as OWASP's page on CSV injection advises; a number, also a
    negative one, stays a number.
    """
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
