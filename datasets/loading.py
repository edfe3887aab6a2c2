"""Data sets by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core import unknown_name
from .base import DATASETS, Finding


def check_dataset(name: str, root: Path | None = None, **options: Any) -> list[Finding]:
    """Everything that is missing or wrong in the files of a data set, by the data set's name.

    Args:
        name: As for `load_dataset`.
        root: Folder or file of the data; None where the user gave none.
        **options: The options with which it would be loaded.

    Raises:
        UnknownNameError: If there is no such data set, or it has no such option.
    """
    check: Callable[..., list[Finding]] = DATASETS.get(name).check
    known = list(inspect.signature(check).parameters)[1:]
    for option in options:
        if option not in known:
            raise unknown_name(f"option of the check of the data set {name!r}", option, known)
    return check(root, **options)
