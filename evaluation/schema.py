"""The schema of `result.json`: what the file says of a run, block by block."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from ..core.supervision import Supervision
from ..metrics import Reducer, reducer_of

SCHEMA_VERSION = 2
"""Of what is written; version 1, which lacks the optional blocks and names predictions in its rows, is read too."""

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

    `unit` is what intervals and tests are over: "image" where no sample has a patient. The file says it only then, and
    older files never; what is read has it from the rows.
    """

    _later = ("n_negatives", "task", "label", "unit")

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
    unit: Literal["patient", "image"] = "patient"

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
