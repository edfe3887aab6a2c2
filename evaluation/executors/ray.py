"""Grounding on the workers of a Ray cluster: how many there are, and what each gets of the cluster."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from ...core import GroundCXRError
from ...core.progress import Advance
from ...methods import GroundingMethod
from ..worker import GroundingReport
from .cluster import LOCAL, Need, check_address, connected, nodes, require_ray
from .handing_out import HandingOut
from .job import Job
from .ray_worker import Order, versions


class RayExecutor:
    """Grounds with workers of a Ray cluster, which is started or reached when the first method needs it.

    It is a context manager; at its end nothing that it has started is left.
    """

    def __init__(
        self, address: str = LOCAL, *, workers: int | None = None, gpus: float | None = None, cpus: int = 1
    ) -> None:
        """Check what can be checked without a cluster.

        Args:
            address: "local" for a cluster of this machine, "auto" or HOST:PORT for one that is there.
            workers: How many; None for as many as the cluster holds.
            gpus: GPUs of each; None for one where the cluster has any.
            cpus: CPUs of each.

        Raises:
            GroundCXRError: If Ray is not installed, or the address or a number does not fit.
        """
        require_ray()
        check_address(address)
        if workers is not None and workers < 1:
            raise GroundCXRError(f"{workers} workers do not fit: give at least 1")
        if cpus < 1:
            raise GroundCXRError(f"{cpus} CPUs a worker do not fit: give at least 1")
        if gpus is not None and not (0 <= gpus <= 1 or (gpus > 1 and gpus.is_integer())):
            raise GroundCXRError(
                f"{gpus:g} GPUs a worker do not fit: give a whole number, or a share of one such as 0.5"
            )
        self._address, self._workers, self._gpus, self._cpus = address, workers, gpus, cpus
        self._folder = Path.cwd()
        self._ends = ExitStack()
        self._is_connected = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def control_device(self, device: str, method: GroundingMethod) -> str:
        """The CPU: such a control needs no GPU, and the driver's machine may have none."""
        return "cpu"

    def holding(self, method: GroundingMethod) -> AbstractContextManager[None]:
        """Nothing is kept: each job has workers of its own."""
        return nullcontext()

    def ground(self, job: Job, advance: Advance) -> GroundingReport:
        """Ground what is missing.

        Raises:
            GroundCXRError: If the cluster cannot be reached or holds no such worker, or no worker can do the work.
        """
        recipe = job.entry.recipe
        if recipe is None:
            raise GroundCXRError(f"{job.entry.label} cannot be built on another machine: give a name or a file")
        _require_no_gpu_number(job.device)
        if not self._is_connected:
            self._ends.enter_context(connected(self._address, (self._workers or 1) * self._cpus))
            self._is_connected = True
        need = self._need(job.device)
        count = min(self._count(need), len(job.batches))
        order = Order(
            recipe=recipe,
            info=job.entry.info,
            fitted_on=job.entry.fitted_on,
            # What is right is nobody's business where the method is asked.
            samples=[replace(sample, boxes=(), mask=None) for sample in job.samples],
            batches=job.batches,
            root=job.root,
            device="cuda" if need.gpus else "cpu",
            batch_size=job.batch_size,
            overwrite=job.overwrite,
            versions=versions(),
            folder=self._folder,
            condition=job.condition,
        )
        return HandingOut(job, order, need, count, advance).run()

    def _need(self, device: str) -> Need:
        has_gpus = any(node.get("GPU") for node in nodes())
        gpus = self._gpus if self._gpus is not None else float(device != "cpu" and (has_gpus or device == "cuda"))
        if device == "cpu" and gpus:
            raise GroundCXRError(f"--device cpu and {gpus:g} GPUs a worker exclude each other; leave one of them out")
        if device == "cuda" and not gpus:
            raise GroundCXRError("--device cuda and 0 GPUs a worker exclude each other; leave one of them out")
        return Need(self._cpus, gpus)

    def _count(self, need: Need) -> int:
        holds = sum(map(need.fitting, nodes()))
        if not holds:
            raise GroundCXRError(f"no node of the Ray cluster has {need} for a worker; {_largest()}")
        if self._workers is not None and self._workers > holds:
            raise GroundCXRError(
                f"{self._workers} workers with {need} each are more than the Ray cluster holds; "
                f"write --workers {holds}, or give each less with --cpus-per-worker or --gpus-per-worker"
            )
        return self._workers or holds


def _require_no_gpu_number(device: str) -> None:
    if device not in ("auto", "cpu", "cuda"):
        raise GroundCXRError(
            f"the device {device!r} does not fit with Ray, which chooses the GPU: write auto, cpu or cuda"
        )


def _largest() -> str:
    held = [Need(int(node.get("CPU", 0)), node.get("GPU", 0.0)) for node in nodes()]
    if not held:
        return "it has no node"
    return f"the largest has {max(held, key=lambda node: (node.gpus, node.cpus))}"
