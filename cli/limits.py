"""What must be known of the process's limits before NumPy is imported."""

from __future__ import annotations

import os
import threading


def spare_threads() -> None:
    """Let NumPy's OpenBLAS start no threads where none can be started.

    It interrupts the process where its threads are refused, as by a limit of processes on a login node.
    """
    try:
        probe = threading.Thread(target=int)
        probe.start()
        probe.join()
    except RuntimeError:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
