"""Grounding in this process."""

from __future__ import annotations

from ...core.progress import Advance
from ..provenance import resolve_device
from ..worker import GroundingReport, Worker
from .job import Job


class LocalExecutor:
    """Grounds with the method in this process, batch after batch."""

    def control_device(self, device: str) -> str:
        """The device itself, checked."""
        return resolve_device(device)

    def ground(self, job: Job, advance: Advance) -> GroundingReport:
        """Ground what is missing; see `Worker.run`."""
        device = resolve_device(job.device)
        worker = Worker(job.entry.method, job.samples, job.store, device, job.batch_size, overwrite=job.overwrite)
        return worker.run(job.batches, advance)
