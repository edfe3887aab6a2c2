"""What this process has of the machine: the GPUs that it sees, and the most memory that it has used."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def gpu_count() -> int:
    """How many GPUs PyTorch sees; where it is not installed, how many NVIDIA's driver shows to this process."""
    try:
        import torch
    except ImportError:
        return _of_driver()
    return torch.cuda.device_count()


def peak_memory_mb() -> dict[str, float]:
    """The highest memory use of this process so far, in MiB: of the host, and of the GPU where one was used."""
    unit = 1024 if sys.platform == "darwin" else 1
    peak = {"host": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / unit, 1)}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peak["gpu"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return peak


def _of_driver() -> int:
    try:
        there = len(list(Path("/proc/driver/nvidia/gpus").iterdir()))
    except OSError:
        return 0
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return there if shown is None else min(there, sum(one.strip() not in ("", "-1") for one in shown.split(",")))
