"""What is written beside a result that was made again: whether it came out the same, and what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...core import StoreError
from ...core.files import write_atomically
from ...core.regular import read_regular
from ..schema import Finite, RunInfo, Sha256

REPRODUCTION_FILE = "reproduction.json"

IDENTICAL, CLOSE, DIFFERENT = "identical", "within 1e-5", "different"
TOLERANCE = 1e-5
"""Of two values, as a share of the larger one where that is above 1."""

_MOST_BYTES = 2**20

Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Change(_Strict):
    """Something that is not as it was when the result was made.

    Attributes:
        kind: "method": what is measured is another thing (an option, the weights); "code": the source that answers;
            "environment": where and with what it ran.
        what: Its name, as in "option steps".
        result: As the result says it; None where it says nothing.
        again: As it is now.
    """

    kind: Literal["method", "code", "environment"]
    what: str
    result: str | None
    again: str | None

    def said(self) -> str:
        """In words."""
        edited = " (it was edited, or is another)" if self.kind == "code" else ""
        return f"{self.what}: {self.result or 'none'} in the result, {self.again or 'none'} now{edited}"


class DifferingValues(_Strict):
    """A metric whose samples did not come out as they were.

    Attributes:
        metric: Its key.
        n: Samples that differ.
        largest: The largest difference, as a share where values are above 1; None where a status or failure differs,
            or one of the two has no value.
        sample_id: Where that is.
        result: The value and status there, as the result has them.
        again: As they are now.
    """

    metric: str
    n: Count
    largest: Finite | None
    sample_id: str
    result: tuple[Finite | None, str]
    again: tuple[Finite | None, str]


class DifferingAverage(_Strict):
    """A cell of the table that did not come out as it was: its value, or an end of its interval, or its deviation.

    Attributes:
        column: A pathology, "macro", "micro" or "weighted".
        metric: The metric's key.
        of: Which number of the cell.
        result: As the result has it.
        again: As it is now.
    """

    column: str
    metric: str
    of: Literal["value", "low", "high", "std", "n"]
    result: Finite | None
    again: Finite | None


class ReproductionFile(_Strict):
    """The content of `reproduction.json`. It names no path, phrase, image or patient.

    Attributes:
        schema_version: Of this file.
        verdict: What came of it: every number the same to the last digit, within 1e-5, or not.
        result_sha256: Of the `result.json` that was made again; of another one this file says nothing.
        n_samples: Samples that were compared.
        n_only_in_result: Rows that did not come again.
        n_only_again: Rows that the result does not have.
        values: Metrics with samples that differ.
        averages: Cells that differ, the largest difference first, at most 20 of them.
        changes: What is not as it was.
        run: Where and how it was made again.
        by: Who made it, where somebody wished to be named.
    """

    schema_version: Literal[1] = 1
    verdict: Literal["identical", "within 1e-5", "different"]
    result_sha256: Sha256
    n_samples: Count
    n_only_in_result: Count
    n_only_again: Count
    values: list[DifferingValues]
    averages: list[DifferingAverage]
    changes: list[Change]
    run: RunInfo
    by: str | None = None

    @property
    def same_method(self) -> bool:
        """Whether what was measured is the same thing: options, weights, and all else but its code."""
        return not any(change.kind == "method" for change in self.changes)

    @property
    def reproduces(self) -> bool:
        """Whether the same method gave the same numbers, to 1e-5."""
        return self.verdict != DIFFERENT and self.same_method


def said_of(again: ReproductionFile) -> str:
    """What came of it, when, by whom, and what had changed, in a line."""
    who = f" by {again.by}" if again.by else ""
    changed = ", ".join(change.what for change in again.changes)
    return f"{again.verdict}, {again.run.created[:10]}{who}" + (f"; not as it was: {changed}" if changed else "")


def read_reproduction(folder: Path) -> ReproductionFile | None:
    """What came of making a run's result again; None where nobody has.

    Raises:
        StoreError: If the file is damaged.
    """
    file = folder / REPRODUCTION_FILE
    try:
        return ReproductionFile.model_validate_json(read_regular(file, _MOST_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror or error}") from error
    except ValidationError as error:
        raise StoreError(
            f"{file} is damaged, so the result beside it is not shown as reproduced: {error.errors()[0]['msg']}; "
            "`groundcxr reproduce` makes it again"
        ) from error


def write_reproduction(folder: Path, about: ReproductionFile) -> Path:
    """Write it beside the result; one that is there is replaced.

    Returns:
        The file.

    Raises:
        StoreError: If the folder cannot be written.
    """
    file = folder / REPRODUCTION_FILE
    write_atomically(file, (about.model_dump_json(indent=2) + "\n").encode())
    return file
