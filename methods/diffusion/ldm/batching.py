"""Rows of work in batches that fit into memory, and the precision they are worked on with."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from ....core import MethodError

_Result = TypeVar("_Result")

_LIVE_ACTIVATIONS = 32
"""About how many activations of a network's widest level are alive at once, working space included."""

_MOST_ROWS_CPU, _MOST_ROWS = 16, 64
"""A CPU is not faster with more than 16; more than 64 leave no GPU idle, only less memory."""

_CPU_BUDGET = 2**30


class BatchSize:
    """How many rows are worked on at once; halved, for good, when memory runs out.

    Attributes:
        rows: The most rows in a batch.
    """

    def __init__(self, rows: int) -> None:
        self.rows = max(1, rows)

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
        return cls(min(_MOST_ROWS, torch.cuda.mem_get_info(device)[0] // 2 // row))

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
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if stop - start == 1:
                    lower = ", or a lower precision (dtype=bfloat16)" if torch.cuda.is_available() else ""
                    raise MethodError(
                        f"one image with one phrase does not fit into memory; use a device with more{lower}"
                    ) from error
            # Only here, past the handler, is the traceback gone that holds the failed batch's tensors.
            self.rows = (stop - start) // 2
            give_back_memory()
        return results


DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""The precisions of a network's products, by the names that options give them."""


@contextmanager
def products_in(dtype: torch.dtype, device: torch.device) -> Iterator[None]:
    """Within it a network computes its products in a precision, exactly if it is float32."""
    if dtype is torch.float32:
        with exact_float32():
            yield
    else:
        with torch.autocast(device.type, dtype):
            yield


@contextmanager
def exact_float32() -> Iterator[None]:
    """Convolutions of float32 without TF32, which PyTorch allows on GPUs by default: maps as on a CPU."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def give_back_memory() -> None:
    """Return to the device what nothing holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that memory ran out, a GPU's or a CPU's."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)
