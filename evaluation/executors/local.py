"""Grounding in this process."""

from __future__ import annotations

from ...core.progress import Advance
from ...methods import GroundingMethod
from ..asking import letting_go
from ..provenance import resolve_device
from ..worker import GroundingReport, Worker
from .job import Job


class LocalExecutor:
    """Grounds with the method in this process, batch after batch."""

    def control_device(self, device: str, method: GroundingMethod) -> str:
        """The device itself, checked."""
        return resolve_device(device, method)

    def ground(self, job: Job, advance: Advance) -> GroundingReport:
        """Ground what is missing; see `Worker.run`."""
        method = job.entry.method
        device = resolve_device(job.device, method)
        worker = Worker(
            method, job.samples, job.store, device, job.batch_size, overwrite=job.overwrite, listen=job.listen
        )
        with letting_go(method):
            return worker.run(job.batches, advance)
