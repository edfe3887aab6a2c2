"""The schema of `result.json`, and the invariants that a result must meet on write, on read and on import."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from ..core.supervision import Supervision
from ..metrics import Reduced, Reducer, reducer_of
from ..metrics.reduced_cells import point_values
from .columns import column_problems, columns_of, parts_of

SCHEMA_VERSION = 2
"""Of what is written; version 1, which lacks the optional blocks and names predictions in its rows, is read too."""

_TOLERANCE = 1e-9
_LEFT_OUT = {"empty_target", "full_target", "failed", "empty_prediction", "not_applicable", "negative"}

Finite = Annotated[float, Field(allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""In hexadecimal; nothing else may pass, since a part of it names folders."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Sparing(_Strict):
    """Says fields that came later only where they are not as they are by default: other files stay as they were."""

    _later: ClassVar[tuple[str, ...]]

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written = serialize(self)
        for name in self._later:
            if getattr(self, name) == type(self).model_fields[name].default:
                written.pop(name, None)
        return written


class Cell(_Strict):
    """One number of a table: value, 95 % interval, standard deviation, and the number of samples it rests on."""

    value: Finite | None
    low: Finite | None
    high: Finite | None
    std: Finite | None
    n: Annotated[int, Field(ge=0)]


class MetricInfo(_Sparing):
    """What a metric's key stands for.

    `cells` says how samples become a cell that is not their mean; the file says it only of such metrics.
    """

    _later = ("cells",)

    key: str
    label: str
    needs: Literal["heatmap", "box", "either"]
    low: float | None
    high: float | None
    higher_is_better: bool
    headline: bool
    cells: dict[str, Any] | None = None

    @field_validator("cells")
    @classmethod
    def _known(cls, cells: dict[str, Any] | None) -> dict[str, Any] | None:
        if cells is not None:
            reducer_of(cells)
        return cells

    @property
    def reducer(self) -> Reducer | None:
        """How samples become a cell; None for their mean."""
        return None if self.cells is None else reducer_of(self.cells)


class ProtocolInfo(_Strict):
    """The protocol and the hash of its definition."""

    name: str
    version: str
    hash: Sha256


class DatasetInfo(_Sparing):
    """The data, without anything that is confidential.

    `n_warnings` counts the kinds of defects that loading met (clipped boxes, resized copies, other counts than
    published); their sentences name files, so they are told on the terminal and by `groundcxr doctor` only. Where ids
    are keyed with a secret of the owner's (`private_ids`), random draws go by the order of the rows, not of the ids.

    `n_negatives` counts the samples about what their image does not show that the protocol left out: they were asked
    about, are in the fingerprint, and are beside `n_samples`, not among them. The file says it only where it is not 0.

    `label` is what its owner calls it in tables; it tells nothing apart, and the file says it only where there is one.

    `task` is "anatomy" where the phrases name regions that every chest has: such numbers are never averaged with those
    of findings. The file says it only of these.
    """

    _later = ("n_negatives", "task", "label")

    name: str
    version: str
    split: str
    fingerprint: Sha256
    n_samples: int
    n_skipped: int
    n_warnings: int
    options: dict[str, Any]
    licence: str
    citation: str
    credentialed: bool
    private_ids: bool = False
    task: Literal["findings", "anatomy"] = "findings"
    n_negatives: Annotated[int, Field(ge=0)] = 0
    label: str = ""

    @property
    def shown(self) -> str:
        """What tables call it: its owner's label, or its name and version."""
        return self.label or f"{self.name} {self.version}"

    @property
    def n_asked(self) -> int:
        """All samples that the method was asked about."""
        return self.n_samples + self.n_negatives


class MethodInfo(_Sparing):
    """The method in the state in which it ran.

    Of one that ran in another Python than groundcxr, `environment` has the version of that Python and those of the
    packages that the method requires, on which its fingerprint rests too; of any other the file does not have it.
    `title` is what tables and figures call it, where that is not its alias; no fingerprint and no folder has it.
    """

    _later = ("environment", "title")

    name: str
    label: str
    kind: str
    emits: list[str]
    control: bool
    revision: str
    weights: str | None
    weights_fingerprint: str
    options: dict[str, Any]
    fingerprint: Sha256
    trained_on: list[str]
    licence: str
    citation: str
    note: str
    environment: dict[str, str] | None = None
    title: str | None = None

    @property
    def shown(self) -> str:
        """What tables and figures call it."""
        return self.title or self.label


class GitInfo(_Strict):
    """The checkout that the evaluator ran from."""

    commit: str
    dirty: bool


class RunInfo(_Strict):
    """Where and how the run was made."""

    device: str
    batch_size: int
    seconds: float
    peak_memory_mb: dict[str, float]
    created: str
    packages: dict[str, str]
    git: GitInfo | None


class Note(_Strict):
    """Something that a reader of the numbers should know, in words that name no file, phrase, image or patient."""

    text: str
    count: Annotated[int, Field(ge=0)]


class GroundedWith(_Strict):
    """Where and with what some of the predictions were made, kept with them and repeated by every later scoring."""

    device: str
    batch_size: int
    packages: dict[str, str]
    git: GitInfo | None
    peak_memory_mb: dict[str, float]
    n_samples: int


class ProvenanceInfo(_Strict):
    """How the predictions came to be, one entry for each way in which some of them were made."""

    grounding: list[GroundedWith]


class AnswersInfo(_Strict):
    """Which of a method's boxes counted: those of at least a score, and the best so many of a sample."""

    min_score: Finite | None = None
    top: Annotated[int, Field(ge=1)] | None = None


class TextsInfo(_Strict):
    """Of the answers in words: which version of the parser read them, and how many said what. No text is here.

    `answers` counts all, with `refusals` (that there is nothing to mark: an empty answer) and `unparseable` ones (a
    failed sample each); `repaired` those that keep to their format only after a repair.
    """

    parser: str
    answers: Annotated[int, Field(ge=1)]
    refusals: Annotated[int, Field(ge=0)]
    unparseable: Annotated[int, Field(ge=0)]
    repaired: Annotated[int, Field(ge=0)]


class SuiteInfo(_Strict):
    """The suite that a run was a part of, and the hash of what it names."""

    name: str
    version: str
    hash: Sha256


class ConditionInfo(_Strict):
    """A condition that a run was made under: images or phrases were others, and the ground truth with them.

    `plain` is the fingerprint of the same samples without it, by which the method's other result is found.
    """

    name: Annotated[str, Field(pattern="^[a-z-]{1,40}$")]
    level: Finite | None
    version: str
    plain: Sha256

    @property
    def label(self) -> str:
        """As a command line has it: "noise:0.05"."""
        return self.name if self.level is None else f"{self.name}:{self.level:g}"


class Overall(_Sparing):
    """Averages over pathologies (macro), over samples (micro), and, where a protocol has one, over weighted classes."""

    _later = ("weighted",)

    macro: dict[str, Cell]
    micro: dict[str, Cell]
    weighted: dict[str, Cell] | None = None


class ResultFile(_Sparing):
    """The content of `result.json`.

    From schema 2 on, and None where there is nothing to say: `notes`, `provenance`, `answers` (which boxes counted),
    `supervision` (what the method has learnt places from, see `core.supervision`), `condition` (a changed input).
    `suite` is said only of a part of one, `texts` only of a method that answers in words, `derived` only under a
    protocol that scores maps as boxes too and boxes as maps: the keys of the metrics that are of the view which this
    method does not give itself.
    """

    _later = ("suite", "texts", "derived")

    schema_version: Literal[1, 2]
    complete: bool
    protocol: ProtocolInfo
    dataset: DatasetInfo
    method: MethodInfo
    run: RunInfo
    metrics: Annotated[list[MetricInfo], Field(min_length=1)]
    overall: Overall
    pathologies: dict[str, dict[str, Cell]]
    statuses: dict[str, dict[str, int]]
    n_failed: int
    samples_sha256: Sha256
    notes: list[Note] | None = None
    provenance: ProvenanceInfo | None = None
    answers: AnswersInfo | None = None
    supervision: Supervision | None = None
    condition: ConditionInfo | None = None
    suite: SuiteInfo | None = None
    texts: TextsInfo | None = None
    derived: list[str] | None = None


def drawn_patients(samples: pd.DataFrame, dataset: DatasetInfo) -> list[str]:
    """Each row's patient, under names whose alphabetical order is that in which random draws number patients.

    The keys themselves, or, where these are a secret's, the place at which a patient is first met: two owners of the
    same data with different secrets draw the same.

    Args:
        samples: The rows.
        dataset: The data.
    """
    if not dataset.private_ids:
        return samples["patient_key"].astype(str).tolist()
    places, _ = pd.factorize(samples["patient_key"].to_numpy(dtype=str))
    return [f"{place:09d}" for place in places]


def problems_of(result: ResultFile, samples: pd.DataFrame) -> list[str]:
    """What contradicts itself in a result; empty for a sound one.

    Checked: the columns and metrics are there, the columns hold what they should, the values lie in their metric's
    range and are absent only where the status says why, counts, averages and deviations are those of the rows, macro is
    the mean of the classes, and no interval is upside down.
    """
    keys = [metric.key for metric in result.metrics]
    missing = [name for name in columns_of(result.schema_version, result.metrics) if name not in samples]
    if missing:
        return [f"samples.parquet lacks the columns {', '.join(missing)}"]
    found = column_problems(samples, keys)
    if found:
        return found
    if len(samples) != result.dataset.n_samples - result.dataset.n_skipped:
        found.append(f"{len(samples)} rows for {result.dataset.n_samples - result.dataset.n_skipped} samples")
    if samples["sample_id"].duplicated().any():
        found.append("a sample_id occurs twice")
    if taken := sorted({"macro", "micro"} & set(result.pathologies)):
        found.append(f"a pathology is named {taken[0]}, as an average is")
    if set(samples["pathology"]) != set(result.pathologies):
        found.append("the pathologies are not those of the rows")
    failed = len(samples["error"].dropna())
    if failed != result.n_failed:
        found.append(f"n_failed is {result.n_failed}, the rows give {failed}")
    texts = result.texts
    if texts is not None and (
        texts.answers > len(samples)
        or texts.refusals + texts.unparseable > texts.answers
        or texts.repaired > texts.answers
        or texts.unparseable > failed
    ):
        found.append("the counts of answers in words exceed those of the rows")
    if unlisted := sorted(set(result.derived or []) - set(keys)):
        found.append(f"the derived metrics {', '.join(unlisted)} are not among its metrics")
    tables = {"macro": result.overall.macro, "micro": result.overall.micro, **result.pathologies}
    if result.overall.weighted is not None:
        tables["weighted"] = result.overall.weighted
    for name, cells in tables.items():
        if set(cells) != set(keys):
            found.append(f"the metrics of {name} are not those listed")
    if found:
        return found
    pathology = samples["pathology"].to_numpy(dtype=str)
    rows = {name: pathology == name for name in result.pathologies}
    for metric in result.metrics:
        found.extend(_metric_problems(result, samples, rows, metric))
    return found


def _metric_problems(
    result: ResultFile, samples: pd.DataFrame, rows: Mapping[str, NDArray[np.bool_]], metric: MetricInfo
) -> list[str]:
    key = metric.key
    values = samples[key].to_numpy(dtype=np.float64, na_value=np.nan)
    seen = values[~np.isnan(values)]
    found: list[str] = []
    low = -math.inf if metric.low is None else metric.low
    high = math.inf if metric.high is None else metric.high
    if seen.size and (seen.min() < low - _TOLERANCE or seen.max() > high + _TOLERANCE):
        found.append(f"{key} leaves its range [{metric.low}, {metric.high}]")
    statuses = list(map(str, samples[f"{key}_status"].tolist()))
    if Counter(statuses) != result.statuses.get(key):
        found.append(f"the status counts of {key} are not those of the rows")
    if metric.reducer is not None:
        return [*found, *_reduced_problems(result, samples, key, metric.reducer)]
    if not {statuses[row] for row in np.flatnonzero(np.isnan(values))} <= _LEFT_OUT:
        found.append(f"{key} has no value in a row whose status does not say why")
    means: list[float] = []
    for name, cells in result.pathologies.items():
        mine = values[rows[name]]
        mine = mine[~np.isnan(mine)]
        if mine.size:
            means.append(float(mine.mean()))
        found.extend(_cell_problems(f"{key} of {name}", cells[key], mine, mine.size))
    found.extend(_cell_problems(f"macro {key}", result.overall.macro[key], np.array(means), seen.size))
    found.extend(_cell_problems(f"micro {key}", result.overall.micro[key], seen, seen.size))
    return found


def _reduced_problems(result: ResultFile, samples: pd.DataFrame, key: str, reducer: Reducer) -> list[str]:
    """What contradicts itself in the cells of a metric that are no means."""
    try:
        parts = parts_of(samples, key, reducer)
    except ValueError as error:
        return [str(error)]
    left_out = samples.loc[~parts.there, f"{key}_status"].astype(str)
    if not set(left_out) <= _LEFT_OUT:
        return [f"{key} adds nothing to a cell in a row whose status does not say why"]
    pathology = samples["pathology"].astype(str).tolist()
    patients = drawn_patients(samples, result.dataset)
    classes, micro = point_values(Reduced(reducer, parts), pathology, patients, list(result.pathologies))
    counted = Counter(name for name, there in zip(pathology, parts.there.tolist(), strict=True) if there)
    valued = [value for value in classes.values() if not math.isnan(value)]
    macro = float(np.mean(valued)) if valued else math.nan
    cells = {name: (result.pathologies[name][key], value, counted[name]) for name, value in classes.items()}
    cells["macro"] = (result.overall.macro[key], macro, counted.total())
    cells["micro"] = (result.overall.micro[key], micro, counted.total())
    found: list[str] = []
    for name, (cell, value, n) in cells.items():
        if cell.n != n:
            found.append(f"{key} of {name} rests on {cell.n} samples, the rows give {n}")
        elif (cell.value is None) != math.isnan(value):
            found.append(f"{key} of {name} is {cell.value}, the rows give {None if math.isnan(value) else value}")
        elif cell.value is not None and not math.isclose(cell.value, value, rel_tol=1e-6, abs_tol=1e-9):
            found.append(f"{key} of {name} is {cell.value}, the rows give {value}")
        elif cell.low is not None and cell.high is not None and cell.low > cell.high:
            found.append(f"the interval of {key} of {name} is upside down")
    return found


def _cell_problems(name: str, cell: Cell, values: np.ndarray[Any, np.dtype[np.float64]], n: int) -> list[str]:
    if cell.n != n:
        return [f"{name} rests on {cell.n} samples, the rows give {n}"]
    if n == 0:
        return [] if cell.value is None else [f"{name} has a value and no rows"]
    mean = float(values.mean())
    if cell.value is None or not math.isclose(cell.value, mean, rel_tol=1e-6, abs_tol=1e-9):
        return [f"{name} is {cell.value}, the rows give {mean}"]
    std = float(values.std())
    if cell.std is None or not math.isclose(cell.std, std, rel_tol=1e-6, abs_tol=1e-9):
        return [f"the standard deviation of {name} is {cell.std}, the rows give {std}"]
    if cell.low is not None and cell.high is not None and cell.low > cell.high:
        return [f"the interval of {name} is upside down"]
    return []
