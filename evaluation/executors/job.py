"""What an executor is given: one method's part of a run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...core import Sample
from ...core.alterations import Alteration
from ...core.progress import Advance
from ...methods import GroundingMethod
from ..early_warning import Listener
from ..entry import Entry
from ..plan import Batch
from ..store import PredictionStore
from ..worker import GroundingReport


@dataclass(frozen=True)
class Job:
    """Batches to be grounded with one method into one store.

    Attributes:
        entry: The method, not yet set up.
        samples: All samples of the run, with the phrases that are asked about; batches name them by index.
        batches: A plan, or a part of one.
        root: The store's folder, shared by all methods.
        store: The method's part of it.
        device: As the user wrote it: "auto", "cpu", "cuda", "cuda:1".
        batch_size: Of the plan.
        overwrite: Whether predictions that are in the store are made again.
        listen: Told what became of each batch; what it raises ends the job.
        condition: What images become others by before they are asked about; the samples are those of then.
    """

    entry: Entry
    samples: Sequence[Sample]
    batches: Sequence[Batch]
    root: Path
    store: PredictionStore
    device: str
    batch_size: int
    overwrite: bool
    listen: Listener
    condition: Alteration | None = None


class Executor(Protocol):
    """Grounds a job's batches, in any order; predictions do not depend on who does it."""

    def control_device(self, device: str, method: GroundingMethod) -> str:
        """Where a control that reads whole samples is set up; it answers in this process, whoever grounds.

        Args:
            device: As the user wrote it.
            method: Who is to be set up.

        Raises:
            GroundCXRError: If it is not there.
        """
        ...

    def holding(self, method: GroundingMethod) -> AbstractContextManager[None]:
        """A block of several jobs of one method, whose model is loaded once where the executor can keep it.

        Args:
            method: Who answers.
        """
        ...

    def ground(self, job: Job, advance: Advance) -> GroundingReport:
        """Ground what is missing.

        Args:
            job: What.
            advance: Told how many samples are done.

        Raises:
            GroundCXRError: If nothing can be run.
        """
        ...
