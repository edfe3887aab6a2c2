"""What a worker of a Ray cluster does: it holds one warm method and grounds batches into the shared store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...core import GroundCXRError, Sample
from ...core.alterations import Alteration
from ..early_warning import Outcome
from ..entry import Entry, Recipe, method_store
from ..plan import Batch
from ..provenance import git_state, packages
from ..schema import MethodInfo
from ..worker import GroundingReport, Worker


@dataclass(frozen=True)
class Order:
    """What a worker is to ground, and with what; it travels to each worker once.

    Attributes:
        recipe: How the method is built.
        info: The method as the driver has it.
        fitted_on: Of the driver's entry.
        samples: Those of the run, without their ground truth.
        batches: The plan.
        root: The store's folder.
        device: What the method is set up on.
        batch_size: Of the plan.
        overwrite: Whether predictions that are in the store are made again.
        versions: What is installed where the driver runs.
        folder: The folder that the driver was started in, from which relative paths of options lead.
        condition: What images become others by.
    """

    recipe: Recipe
    info: MethodInfo
    fitted_on: str
    samples: Sequence[Sample]
    batches: Sequence[Batch]
    root: Path
    device: str
    batch_size: int
    overwrite: bool
    versions: dict[str, str]
    folder: Path
    condition: Alteration | None = None


def versions() -> dict[str, str]:
    """What is installed here and must be the same on every node: predictions depend on it."""
    git = git_state()
    return packages() | ({"groundcxr's commit": git.commit[:12]} if git else {})


class RayWorker:
    """The class of the actors. What it raises ends the run; what ends its process gives its batch back."""

    def __init__(self, order: Order) -> None:
        """Keep the order; all that can fail is in `prepare`, whose errors arrive at the driver."""
        self._order = order
        self._worker: Worker | None = None
        self._outcomes: list[Outcome] = []

    def prepare(self) -> None:
        """Build the method, and see that it is the driver's.

        Raises:
            GroundCXRError: If the node has other versions, or another method by that name.
        """
        order = self._order
        with suppress(OSError):  # a folder of the driver's machine alone; then options have no relative paths
            os.chdir(order.folder)
        _require_equal(order.versions, versions())
        entry = Entry(order.recipe.build(), order.info.label, order.fitted_on)
        if entry.info.fingerprint != order.info.fingerprint:
            raise GroundCXRError(
                f"{order.info.label} is another method on {_here()} than where the run was started (code, weights or "
                "options differ); its file and weights must be the same on every node, best on a shared disk"
            )
        store = method_store(order.root, order.info)
        self._worker = Worker(
            entry.method,
            order.samples,
            store,
            order.device,
            order.batch_size,
            overwrite=order.overwrite,
            listen=self._outcomes.extend,
            condition=order.condition,
        )

    def ground(self, number: int) -> tuple[GroundingReport, list[Outcome]]:
        """Ground one batch of the plan.

        Args:
            number: Which.

        Returns:
            What it came to, and what became of each of its samples: no image and no map.
        """
        assert self._worker is not None  # noqa: S101
        self._worker.report = GroundingReport()
        self._outcomes.clear()
        return self._worker.run([self._order.batches[number]], _unseen), [*self._outcomes]


def _unseen(count: int = 1, *, at_hand: bool = False) -> None:
    """The driver shows the progress."""


def _require_equal(there: dict[str, str], here: dict[str, str]) -> None:
    for name in {**there, **here}:
        if there.get(name) != here.get(name):
            raise GroundCXRError(
                f"{_here()} has {name} {here.get(name, 'not')} and the run was started with {name} "
                f"{there.get(name, 'not')}; every node needs the same versions, best one environment on a shared disk"
            )


def _here() -> str:
    import ray.util

    return f"the node {ray.util.get_node_ip_address()}"
