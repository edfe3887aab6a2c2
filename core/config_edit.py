"""Changing one setting of the user's configuration file; comments and all other lines stay as they are."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

from .config import config_file, in_file, settings_of
from .errors import GroundCXRError
from .files import write_whole
from .paths import shown

_HEADER = re.compile(r"\s*\[")
_VALUE = re.compile(r"""(\s*=\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*')(\s*(?:#.*)?)$""")


def write_setting(key: str, value: str | None) -> None:
    """Write a setting into the file, which is made where there is none, or take it out.

    Args:
        key: Such as "device" or "data.ms-cxr".
        value: Its value; None to take it out.

    Raises:
        GroundCXRError: If the file cannot be used or written, or is laid out so that no single line says the setting.
    """
    file = config_file()
    wanted = in_file()
    if value is None:
        wanted.pop(key, None)
    else:
        wanted[key] = value
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    changed = _changed(text, key, value)
    # TOML has many ways to say the same; what came out is believed only where it says what it should.
    try:
        same = settings_of(tomllib.loads(changed)) == wanted
        content = changed.encode()
    except (tomllib.TOMLDecodeError, GroundCXRError, UnicodeEncodeError):
        same, content = False, b""
    if not same:
        raise GroundCXRError(f"{key} cannot be changed in {shown(file)} as it is written there; change it in an editor")
    try:
        write_whole(Path(os.path.realpath(file)), content)  # a link stays, and what it names is written
    except OSError as error:
        raise GroundCXRError(f"cannot write {shown(file)}: {error.strerror or error}") from error


def _changed(text: str, key: str, value: str | None) -> str:
    lines = text.removesuffix("\n").split("\n") if text else []
    table, _, name = key.rpartition(".")
    start, end = _part(lines, table)
    of_key = re.compile(rf"""\s*(?:{re.escape(name)}|"{re.escape(name)}"|'{re.escape(name)}')(?=\s*=)""")
    said = None if value is None else json.dumps(value, ensure_ascii=False)  # JSON's texts are TOML's, too
    for number in range(start, end):
        if found := of_key.match(lines[number]):
            after = _VALUE.match(lines[number], found.end())
            if said is None:
                del lines[number]
            elif after is not None:
                lines[number] = found[0] + after[1] + said + after[2]
            return _joined(lines)
    if said is not None:
        if table and start > len(lines):
            lines += ["", f"[{table}]"] if lines else [f"[{table}]"]
            start = end = len(lines)
        # Behind the last line of its table, and before the empty ones that set the next apart.
        while end > start and not lines[end - 1].strip():
            end -= 1
        lines.insert(end, f"{name} = {said}")
        if not table and end + 1 < len(lines) and _HEADER.match(lines[end + 1]):
            lines.insert(end + 1, "")
    return _joined(lines)


def _part(lines: list[str], table: str) -> tuple[int, int]:
    """The lines of a table, behind its header; those above all tables for ""; beyond the end where it is not there."""
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    if not table:
        return 0, headers[0] if headers else len(lines)
    header = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?$")
    for number in headers:
        if header.match(lines[number]):
            return number + 1, next((one for one in headers if one > number), len(lines))
    return len(lines) + 1, len(lines) + 1


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
