"""What must be known of the process's limits before NumPy is imported."""

from __future__ import annotations

import os
import threading

_OPENBLAS = "OPENBLAS_NUM_THREADS"


def spare_threads() -> None:
    """Let NumPy's OpenBLAS compute in the thread that asks it, unless the user has chosen another number.

    Its products here are thousands of small ones, which threads make hardly faster: beside other processes they wait
    for one another, spinning, for up to a hundred times as long. And where threads are refused, as by a limit of
    processes on a login node, it interrupts the process, whatever the user has chosen.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ.setdefault(_OPENBLAS, "1")
    try:
        probe = threading.Thread(target=int)
        probe.start()
        probe.join()
    except RuntimeError:
        os.environ[_OPENBLAS] = "1"
