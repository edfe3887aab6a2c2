"""The precision that networks compute in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

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
