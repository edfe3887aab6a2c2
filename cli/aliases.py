"""`ALIAS=` in front of what names a method, a data set, a root, a split or a Python."""

from __future__ import annotations

import re


def split_alias(text: str) -> tuple[str, str]:
    """The alias as typed, "" without one, and what follows it."""
    alias, _, rest = text.partition("=") if re.match(r"[\w.-]+=", text) else ("", "", text)
    return alias, rest
