"""Python's garbage collector while very many objects are made that all stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS = 50_000


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for cyclic garbage after every 50,000 new objects instead of 700.

    Each look goes over what was made since, and every so often over all there is: a third of the time in which
    100,000 rows and their boxes are made, for nothing, since they stay and are no cycles. It is not stopped altogether,
    so that what does hold cycles (opened image files) cannot pile up.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(_OBJECTS, before[0]) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
