"""Whether memory ran out, as libraries say it."""

from __future__ import annotations

import errno

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


_SAY_OTHER_THINGS = (LookupError, OSError, TypeError, ValueError)
"""What libraries raise of what they were given, whose words, a phrase or a file's name, may be among its own."""


def memory_ran_out(error: BaseException) -> bool:
    """Whether an error, of whatever library, says that a device's memory or the machine's did not suffice.

    By its words: only some libraries have a class for it, and not for all ways in which it comes about.
    """
    # By name, since what was raised in another Python has no more than that of its class.
    if any(one.__name__.endswith("MemoryError") for one in type(error).__mro__):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, _SAY_OTHER_THINGS) or not isinstance(error, Exception):
        return False
    text = text_of(error).lower()
    return any(saying in text for saying in _SAYINGS)
