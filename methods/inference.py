"""How networks are run: without gradients, and so that devices agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def exact_inference() -> Iterator[None]:
    """No gradients, and the same numbers on every device as far as its kernels allow.

    cuDNN's default for convolutions is TF32, whose 10-bit mantissa moves a cosine by 1e-3.
    """
    import torch

    cudnn = torch.backends.cudnn
    with (
        torch.inference_mode(),
        cudnn.flags(enabled=cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=False),
    ):
        yield
