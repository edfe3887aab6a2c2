"""The name of the processor that a table was measured on."""

from __future__ import annotations

import platform
from pathlib import Path


def cpu() -> str:
    """The processor's name, as Linux gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
