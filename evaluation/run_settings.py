"""What the methods of one run share: samples, folders, device, and what follows from them for one method."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..core import GroundCXRError
from ..core.doubts import Doubt
from .early_warning import check_limit
from .entry import Entry, method_store
from .executors import Executor, LocalExecutor
from .plan import Selection
from .schema import AnswersInfo, SuiteInfo
from .store import PredictionStore

_MOST_JOBS = 1_000
"""More processes than any machine has processors for."""


@dataclass(frozen=True)
class Run:
    """What the methods of one run share.

    Attributes:
        selection: The samples.
        store: The prediction store's folder.
        out: Where results go; None to keep them in memory.
        device: As the user wrote it: "auto", "cpu", "cuda", "cuda:1".
        batch_size: Images in a batch; None for each method's own.
        answers: Which boxes count; None for all.
        judged: What an import said of its boxes as they were written; None where they are judged as a method gave them.
        overwrite: Whether predictions that are in the store are made again.
        stop_after_failures: After so many failed samples a method is ended; None for never.
        jobs: How many processes score; None for one for each processor where that is faster. Results do not depend on
            it.
        executor: Who grounds; this process by default.
        suite: The suite that the run is a part of.
        dataset_label: What tables call the data set; "" for its own name.
        debug: Whether the traceback of each new reason for a failed sample is told on stderr.

    Raises:
        GroundCXRError: If there are to be no processes, or more than any machine bears.
    """

    selection: Selection
    store: Path
    out: Path | None
    device: str = "auto"
    batch_size: int | None = None
    answers: AnswersInfo | None = None
    judged: tuple[Doubt, ...] | None = None
    overwrite: bool = False
    stop_after_failures: int | None = None
    jobs: int | None = None
    executor: Executor = field(default_factory=LocalExecutor)
    suite: SuiteInfo | None = None
    dataset_label: str = ""
    debug: bool = False

    def __post_init__(self) -> None:
        check_limit(self.stop_after_failures)
        if self.jobs is not None and self.jobs < 1:
            raise GroundCXRError(f"nothing can be scored by {self.jobs} processes: give at least 1 with --jobs")
        if self.jobs is not None and self.jobs > _MOST_JOBS:
            raise GroundCXRError(f"{self.jobs} processes are more than {_MOST_JOBS:,}: give fewer with --jobs")
        # A method, or a library of its, may change the working folder.
        object.__setattr__(self, "store", self.store.absolute())
        object.__setattr__(self, "out", None if self.out is None else self.out.absolute())


def batch_size_of(entry: Entry, run: Run) -> int:
    """How many images are in a batch."""
    return entry.method.batch_size if run.batch_size is None else run.batch_size


def store_of(entry: Entry, run: Run) -> PredictionStore:
    """Where a method's predictions are."""
    return method_store(run.store, entry.info)
