"""Words beside the predictions that several runs write without a lock: files that are never changed, read together."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...core.files import make_private, write_atomically
from ...core.fingerprint import digest
from ...core.json_text import parse_json
from ...core.regular import read_regular

_SAMPLES = "samples"
_UNDECLARED = "undeclared"
_UNDECLARED_FORMER = "undeclared-files.json"
_LOOKS = 10


def sample_keys(folder: Path, dataset_fingerprint: str) -> dict[str, str]:
    """Where the predictions of a data set's samples are, by sample id; empty where nothing is noted.

    Args:
        folder: A method's folder of predictions.
        dataset_fingerprint: Of the samples that were scored.
    """
    return _noted(folder, dataset_fingerprint)[0]


def note_samples(folder: Path, root: Path, dataset_fingerprint: str, keys: Mapping[str, str | None]) -> None:
    """Note where the predictions of a data set's samples are; what is noted of samples that are not named stays.

    Each note says all that its writer knew, and is numbered one higher than those that it makes needless. Of notes
    with one number, made at one moment, the reader takes what they say together.

    Args:
        folder: A method's folder of predictions.
        root: The store's, which is as private as its owner made it.
        dataset_fingerprint: Of the samples that were selected.
        keys: Where its prediction is, for each sample that was scored; None where it has none.

    Raises:
        StoreError: If the store cannot be written.
    """
    known, files = _noted(folder, dataset_fingerprint)
    new = {sample: key for sample, key in {**known, **keys}.items() if key is not None}
    # A store that may only be read, as a colleague's, is complete when it says this already.
    if new == known:
        return
    number = 1 + max((_number(file) for file in files), default=0)
    path = folder / _SAMPLES / f"{dataset_fingerprint[:16]}-{number:06d}-{secrets.token_hex(6)}.json"
    make_private(path.parent, root)
    write_atomically(path, (json.dumps(new, indent=0, sort_keys=True) + "\n").encode(), private=True)
    for file in files:
        with suppress(OSError):
            file.unlink()


def undeclared(folder: Path) -> list[str]:
    """The files that any run saw the method read without declaring them."""
    files = [folder / _UNDECLARED_FORMER, *_files(folder / _UNDECLARED, "*.json")]
    found: set[str] = set()
    for file in files:
        noted = _parsed(file)
        found.update(map(str, noted if isinstance(noted, list) else ()))
    return sorted(found)


def note_undeclared(folder: Path, root: Path, files: Sequence[str]) -> None:
    """Note files that the method read without declaring them, beside those that are noted.

    Raises:
        StoreError: If the store cannot be written.
    """
    place = folder / _UNDECLARED
    make_private(place, root)
    content = (json.dumps(list(files), indent=0) + "\n").encode()
    write_atomically(place / f"{digest(list(files))[:16]}.json", content, private=True)


def _noted(folder: Path, dataset_fingerprint: str) -> tuple[dict[str, str], list[Path]]:
    """What is noted, and the files that say so: those of the highest number, and older ones that a kill has left."""
    short = dataset_fingerprint[:16]
    for _ in range(_LOOKS):
        files = _files(folder / _SAMPLES, f"{short}*.json")
        said = {file: _parsed(file) for file in files}
        if all(noted is not None for noted in said.values()) and files == _files(folder / _SAMPLES, f"{short}*.json"):
            break
    else:
        files, said = [], {}
    found: dict[str, str] = {}
    last = max(map(_number, files), default=0)
    for file in sorted(files):
        noted = said[file]
        if _number(file) == last and isinstance(noted, dict):
            found.update({str(sample): str(key) for sample, key in noted.items()})
    return found, files


def _number(file: Path) -> int:
    """Which note it is; an older store has one without a number."""
    number = file.name.split("-")[1:2]
    return int(number[0]) if number and number[0].isdecimal() else 0


def _files(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _parsed(file: Path) -> Any:
    """A file's JSON; None where it is gone, and nothing where it is damaged: it is written again."""
    try:
        return parse_json(read_regular(file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
