"""What is written beside an imported result: where it is from. Its presence makes the run's tier `imported`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..core import StoreError
from ..core.files import write_atomically
from ..core.regular import read_regular
from .schema import MethodInfo

IMPORT_FILE = "import.json"
IMPORT_FOLDER = "imported"
"""Imported runs go to OUT/imported/DATASET/PROTOCOL/METHOD, so that they never replace a measured one."""

_MOST_BYTES = 2**20


class ImportFile(BaseModel):
    """The content of `import.json`.

    Attributes:
        schema_version: Of this file.
        what: "result": numbers and rows made elsewhere; "predictions": made elsewhere, scored here.
        source: Name of the imported file or folder, without its path.
        sha256: Of the imported `result.json`, or of the predictions.
        imported: When, in UTC (ISO 8601).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    what: Literal["result", "predictions"]
    source: str
    sha256: str
    imported: str


def revision_of_predictions(kind: str, sha256: str) -> str:
    """The revision of a method whose predictions were made elsewhere.

    Args:
        kind: The method's.
        sha256: Of the predictions.
    """
    return f"{kind} predictions sha256:{sha256}"


def answered_elsewhere(method: MethodInfo) -> bool:
    """Whether a method stands for predictions that were made elsewhere and scored here."""
    return method.revision.startswith(revision_of_predictions(method.kind, ""))


def read_import(folder: Path) -> ImportFile | None:
    """Where a run's folder was imported from; None for a measured run.

    Raises:
        StoreError: If the file is damaged.
    """
    file = folder / IMPORT_FILE
    try:
        return ImportFile.model_validate_json(read_regular(file, _MOST_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror or error}") from error
    except ValidationError as error:
        raise StoreError(f"{file} is damaged: {error.errors()[0]['msg']}; import the result again") from error


def write_import(folder: Path, about: ImportFile) -> None:
    """Mark a run's folder as imported; done before its result is there, so that it never passes as measured.

    Raises:
        StoreError: If the folder cannot be written.
    """
    write_atomically(folder / IMPORT_FILE, (about.model_dump_json(indent=2) + "\n").encode())
