"""Where the user has said that data sets are; see `groundcxr.core.config`."""

from __future__ import annotations

from pathlib import Path

from ..core import GroundCXRError, unknown_name
from ..core.config import DATA, Setting, config_file, configured, in_file
from ..core.names import printable
from ..core.paths import shown
from .registry import DATASETS


def configured_root(name: str) -> Setting | None:
    """Where a data set is, as the environment or the user's file says; None where neither does.

    Args:
        name: The data set's.

    Raises:
        GroundCXRError: If the file cannot be used, or names something that is no data set.
    """
    found = configured(f"{DATA}.{name}")
    if found is None or not found.variable:
        check_names()
    return found


def configured_roots() -> dict[str, Path]:
    """Where each data set is that the environment or the user's file tells of, by name.

    Raises:
        GroundCXRError: As of `configured_root`; or if one is no possible path.
    """
    check_names()
    found = {name: configured(f"{DATA}.{name}") for name in DATASETS.names()}
    return {name: setting.path for name, setting in found.items() if setting is not None}


def check_names() -> None:
    """Refuse a file that names something that is no data set.

    Raises:
        GroundCXRError: With the closest name.
    """
    known = DATASETS.names()
    for key in in_file():
        table, dot, name = key.partition(".")
        if dot and name not in known:
            error = unknown_name("dataset", printable(name), known, see="`groundcxr list datasets` shows all.")
            raise GroundCXRError(f"[{table}] in {shown(config_file())}: {error}")
