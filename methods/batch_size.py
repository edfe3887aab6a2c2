"""Rows of work in batches that fit into memory."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ..core import MethodError
from ..core.errors import text_of
from ..core.memory import memory_ran_out

if TYPE_CHECKING:
    import torch

_Result = TypeVar("_Result")

_LIVE_ACTIVATIONS = 32
"""About how many activations of a network's widest level are alive at once, working space included."""

_MOST_ROWS_CPU, _MOST_ROWS = 16, 64
"""A CPU is not faster with more than 16; more than 64 leave no GPU idle, only less memory."""

_CPU_BUDGET = 2**30


class BatchSize:
    """How many rows are worked on at once; halved, for good, when memory runs out.

    Args:
        rows: The most rows in a batch, at first.
        instead: What a user may do where a single row does not fit.

    Attributes:
        rows: The most rows in a batch.
    """

    def __init__(
        self, rows: int, instead: str = "use a device with more, or on a GPU a lower precision (dtype=bfloat16)"
    ) -> None:
        self.rows = max(1, rows)
        self._instead = instead

    @classmethod
    def within_budget(cls, device: torch.device, level: int) -> BatchSize:
        """The batch whose activations fill half of the free memory of a GPU, or 1 GiB of the CPU's.

        Args:
            device: Where the work is done.
            level: Numbers in one row's activation at the network's widest level.
        """
        row = _LIVE_ACTIVATIONS * 4 * level
        if device.type != "cuda":
            return cls(min(_MOST_ROWS_CPU, _CPU_BUDGET // row))
        import torch

        # What PyTorch keeps of earlier batches is free as well: else every batch would be smaller than the first.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return cls(min(_MOST_ROWS, (torch.cuda.mem_get_info(device)[0] + kept) // 2 // row))

    def run(self, rows: int, work: Callable[[int, int], _Result]) -> list[_Result]:
        """Do the work of rows `start` to `stop`, batch by batch.

        Args:
            rows: How many rows there are.
            work: Called with `start` and `stop`; called again, with fewer rows, when memory ran out.

        Raises:
            MethodError: If a single row does not fit into memory.
        """
        results: list[_Result] = []
        start = 0
        while start < rows:
            stop = min(rows, start + self.rows)
            try:
                results.append(work(start, stop))
                start = stop
                continue
            except Exception as error:
                if not memory_ran_out(error):
                    raise
                if stop - start == 1:
                    said = text_of(error).split(". ")[0] or type(error).__name__
                    raise MethodError(
                        f"one image with one phrase does not fit into memory ({said}); {self._instead}"
                    ) from error
            # Only here, past the handler, is the traceback gone that holds the failed batch's tensors.
            self.rows = (stop - start) // 2
            give_back_memory()
        return results


def give_back_memory() -> None:
    """Return to the device what nothing holds any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
