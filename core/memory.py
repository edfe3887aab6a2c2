"""Whether memory ran out, as libraries say it."""

from __future__ import annotations

from .errors import text_of

_SAYINGS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "alloc_failed",
    "unable to find an engine to execute this computation",
    "resource_exhausted",
)
"""Of PyTorch's GPUs; its CPU, on Linux and on Windows; cuBLAS and cuDNN; a convolution whose working space did not fit,
or, rarely, that the GPU does not know in this precision; JAX."""


def memory_ran_out(error: BaseException) -> bool:
    """Whether an error, of whatever library, says that a device's memory or the machine's did not suffice.

    By its words: only some libraries have a class for it, and not for all ways in which it comes about.
    """
    if isinstance(error, MemoryError):
        return True
    text = text_of(error).lower()
    return isinstance(error, Exception) and any(saying in text for saying in _SAYINGS)
