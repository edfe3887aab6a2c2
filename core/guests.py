"""Code that is not ours, run within our process: what it may not take from the run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np


@contextmanager
def guest() -> Iterator[None]:
    """Runs an author's code; what comes back from it is this one process, with its streams.

    A child that the code has forked ends here if it has not ended itself: it would go on as a second run of everything.
    Standard output and error are afterwards what they were, since the tables are printed there.
    """
    process, streams = os.getpid(), (sys.stdout, sys.stderr)
    try:
        yield
    finally:
        if os.getpid() != process:
            error = sys.exc_info()[1]
            code = error.code if isinstance(error, SystemExit) else error and 1
            os._exit(code if isinstance(code, int) else int(code is not None))
        sys.stdout, sys.stderr = streams


@contextmanager
def settings_kept() -> Iterator[None]:
    """Runs an author's code, after which this process is in the folder that it was in, with NumPy's own errors.

    Within the block they stay as the code has them, from one call to the next: it may rely on that. Whoever comes after
    it, another method or the user's session, does not.
    """
    folder = None
    with suppress(OSError):  # it may have been removed
        folder = os.getcwd()  # noqa: PTH109
    with np.errstate():
        try:
            yield
        finally:
            if folder is not None:
                with suppress(OSError):
                    os.chdir(folder)
