"""Which process a file is of, so that what a dead one has left is known as such."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path


def this_process() -> str:
    """HOST-PID-START, fit for a file's name; the start tells two processes apart that had one number."""
    host = re.sub(r"[^\w.]+", "_", socket.gethostname())[:60]
    return f"{host}-{os.getpid()}-{_start(os.getpid()) or 0}"


def is_alive(process: str) -> bool | None:
    """Whether a process still runs; None where that cannot be known from here: it is on another host.

    Args:
        process: What `this_process` said there.
    """
    host, pid, start = (*process.rsplit("-", 2), "", "")[:3]
    if host != this_process().rsplit("-", 2)[0] or not pid.isdecimal():
        return None
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    now = _start(int(pid))
    # Where the system does not say when a process started, its number must do.
    return now is None or start == "0" or str(now) == start


def _start(pid: int) -> int | None:
    """When a process started, in ticks since boot (proc(5), field 22 of stat); 0 for one that only waits to be reaped.

    None where the system does not say.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name, field 2, is in brackets and may hold anything.
    fields = stat.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])
