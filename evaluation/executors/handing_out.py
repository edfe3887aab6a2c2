"""Handing out the batches of a plan to the workers of a Ray cluster; those of lost workers are given out again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ...core import GroundCXRError, ImageError
from ...core.progress import Advance
from ..early_warning import Outcome
from ..outstanding import known_samples
from ..prediction import Failure, Prediction, query_key
from ..store import digests
from ..worker import GroundingReport
from .cluster import Need, nodes
from .job import Job
from .ray_worker import Order, RayWorker

_MOST_TRIES = 2
"""How often a batch is given out; what ended its worker so often would end the next one, too."""

_PATIENCE = 10.0
"""Seconds of silence after which it is looked whether there still is a node to wait for."""


@dataclass(frozen=True)
class _Call:
    """What a worker is busy with: a batch, or, where that is None, getting ready."""

    worker: Any
    batch: int | None


class HandingOut:
    """One job: its workers, and what is still to be done."""

    def __init__(self, job: Job, order: Order, need: Need, count: int, advance: Advance) -> None:
        import ray

        self._ray = ray
        self._job, self._need, self._count, self._advance = job, need, count, advance
        self._order = ray.put(order)
        self._class: Any = ray.remote(RayWorker).options(num_cpus=need.cpus, num_gpus=need.gpus, max_restarts=0)
        self._todo = deque(range(len(job.batches)))
        self._tries = [0] * len(job.batches)
        self._calls: dict[Any, _Call] = {}
        self._lost_in_a_row, self._has_worked = 0, False
        self._report = GroundingReport()

    def run(self) -> GroundingReport:
        """Until all is done; then no worker is left."""
        try:
            while self._todo or any(call.batch is not None for call in self._calls.values()):
                self._start_workers()
                done, _ = self._ray.wait(list(self._calls), num_returns=1, timeout=_PATIENCE)
                if not done:
                    self._require_node()
                for reference in done:
                    self._take(reference)
        finally:
            for call in self._calls.values():
                self._kill(call.worker)
        images = self._report.images
        self._report.images = {task.path: images[task.path] for batch in self._job.batches for task in batch}
        return self._report

    def _start_workers(self) -> None:
        busy = sum(call.batch is not None for call in self._calls.values())
        while len(self._calls) < min(self._count, len(self._todo) + busy):
            worker = self._class.remote(self._order)
            self._calls[worker.prepare.remote()] = _Call(worker, None)

    def _take(self, reference: Any) -> None:
        """An answer of a worker, or word that it is lost; one that answered gets the next batch, if there is one."""
        from ray.exceptions import RayError, RayTaskError

        call = self._calls[reference]
        try:
            came_to: Any = self._ray.get(reference)
        except RayTaskError as error:
            raise error.cause from error
        except RayError as error:
            del self._calls[reference]
            self._kill(call.worker)  # one that cannot be reached may still be at work
            self._give_back(call, _reason(error))
            return
        if call.batch is not None:
            self._lost_in_a_row, self._has_worked = 0, True
            self._add(call.batch, *came_to)
        del self._calls[reference]  # not before: what was raised so far ends this worker with the others
        if not self._todo:
            self._kill(call.worker)
            return
        batch = self._todo.popleft()
        self._tries[batch] += 1
        self._calls[call.worker.ground.remote(batch)] = _Call(call.worker, batch)

    def _add(self, batch: int, report: GroundingReport, outcomes: Sequence[Outcome]) -> None:
        self._report.images |= report.images
        self._report.computed += report.computed
        self._report.failed += report.failed
        self._job.listen(outcomes)
        samples = sum(len(task.samples) for task in self._job.batches[batch])
        self._advance(report.computed)
        self._advance(samples - report.computed, at_hand=True)

    def _give_back(self, call: _Call, reason: str) -> None:
        # Where some have done their work, what ends a worker is its batch, and it costs no more than that.
        if call.batch is None or not self._has_worked:
            self._lost_in_a_row += 1
        if call.batch is not None:
            if self._tries[call.batch] < _MOST_TRIES:
                self._todo.append(call.batch)  # last: what ends no worker is done first
            else:
                self._add(call.batch, *self._failed(call.batch, reason))
        if self._todo and self._lost_in_a_row >= max(3 * self._count, 2 * _MOST_TRIES):
            raise GroundCXRError(
                f"{self._lost_in_a_row} workers in a row were lost before one had done anything: {reason}; try "
                f"{self._job.entry.label} without --ray, which shows what it says; what was made before is kept"
            )

    def _failed(self, batch: int, reason: str) -> tuple[GroundingReport, list[Outcome]]:
        """What a batch comes to that nobody could compute: failures of the samples that have no answer, stored."""
        job, report = self._job, GroundingReport()
        failure = Failure("WorkerLost", f"the worker was lost {_MOST_TRIES} times with this batch: {reason}")
        made: dict[str, dict[str, Prediction]] = {}
        outcomes: list[Outcome] = []
        for task in job.batches[batch]:
            try:
                file = digests().of(task.path)
                sha256 = report.images[task.path] = file if job.condition is None else job.condition.key(file)
            except ImageError as error:
                unread = report.images[task.path] = Failure.of(error)
                report.failed += len(task.samples)
                outcomes += [Outcome.of(job.samples[index], unread) for index in task.samples]
                continue
            known = {} if job.overwrite else known_samples(job.store, sha256, task, job.samples)
            lost = [index for index in task.samples if not known.get(index)]
            for sample in map(job.samples.__getitem__, lost):  # a file may be there twice, under two names
                made.setdefault(sha256, {})[query_key(sha256, sample.phrase, sample.pathology)] = failure
            report.failed += len(lost)
            outcomes += [Outcome.of(job.samples[index], failure) for index in lost]
        job.store.add(made, replace=job.overwrite)
        return report, outcomes

    def _require_node(self) -> None:
        """Refuse to wait for ever: where no worker is at work, and no node is left on which one could be."""
        if all(call.batch is None for call in self._calls.values()) and not any(map(self._need.fitting, nodes())):
            raise GroundCXRError(
                f"no node with {self._need} is left in the Ray cluster; what was made is kept, and the same command "
                "goes on from there"
            )

    def _kill(self, worker: Any) -> None:
        with suppress(Exception):
            self._ray.kill(worker)


def _reason(error: Exception) -> str:
    """Why a worker is lost, as far as Ray knows."""
    text = str(error)
    if "OutOfMemory" in type(error).__name__ or "memory pressure" in text or "running low on memory" in text:
        return "its node was short of memory"
    if "node has died" in text or "NodeDied" in type(error).__name__ or "node was terminated" in text:
        return "its node was lost"
    if "failed to import" in text:
        return "groundcxr could not be imported on its node"
    return "its process ended (killed, out of memory, or crashed in native code)"
