"""Grounding in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from ...core import GroundCXRError
from ...core.guests import settings_kept
from ...core.progress import Advance
from ...methods import GroundingMethod
from ..asking import letting_go, set_up
from ..provenance import resolve_device
from ..worker import GroundingReport, Worker
from .job import Job


class LocalExecutor:
    """Grounds with the method in this process, batch after batch."""

    def __init__(self) -> None:
        self._held: _Held | None = None

    def control_device(self, device: str, method: GroundingMethod) -> str:
        """The device itself, checked."""
        return resolve_device(device, method)

    @contextmanager
    def holding(self, method: GroundingMethod) -> Iterator[None]:
        """Within the block, the method is loaded once, whatever the number of jobs."""
        before, self._held = self._held, _Held(method)
        try:
            with letting_go(method), settings_kept():
                yield
        finally:
            self._held = before

    def ground(self, job: Job, advance: Advance) -> GroundingReport:
        """Ground what is missing; see `Worker.run`."""
        method = job.entry.method
        device = resolve_device(job.device, method)
        is_held = self._held is not None and self._held.method is method
        with nullcontext() if is_held else self.holding(method):
            worker = Worker(
                method,
                job.samples,
                job.store,
                device,
                job.batch_size,
                overwrite=job.overwrite,
                listen=job.listen,
                load=self._held.load if self._held else set_up,
                condition=job.condition,
            )
            return worker.run(job.batches, advance)


class _Held:
    """A method that is loaded when it is first asked; one that could not be is not tried again."""

    def __init__(self, method: GroundingMethod) -> None:
        self.method = method
        self._is_loaded = False
        self._error: GroundCXRError | None = None

    def load(self, method: GroundingMethod, device: str) -> None:
        if self._error is not None:
            raise self._error
        if self._is_loaded:
            return
        try:
            set_up(method, device)
        except GroundCXRError as error:
            self._error = error
            raise
        self._is_loaded = True
