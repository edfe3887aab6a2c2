"""What this process has of the machine: the CPUs and GPUs that it sees, and the most memory that it has used."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def cpu_count() -> int:
    """How many CPUs this process may use, by its affinity."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpu_count() -> int:
    """How many GPUs PyTorch sees; where it is not installed, how many NVIDIA's driver shows to this process."""
    try:
        import torch
    except ImportError:
        return _of_driver()
    return torch.cuda.device_count()


def peak_memory_mb() -> dict[str, float]:
    """The highest memory use of this process so far, in MiB: of the host, and of the GPU where one was used."""
    peak = {"host": round(_host_kb() / 1024, 1)}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peak["gpu"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return peak


def _host_kb() -> float:
    try:
        # Unlike what getrusage tells, this is not handed down by the process that started this one.
        lines = Path("/proc/self/status").read_text().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)


def _of_driver() -> int:
    try:
        there = len(list(Path("/proc/driver/nvidia/gpus").iterdir()))
    except OSError:
        return 0
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return there if shown is None else min(there, sum(one.strip() not in ("", "-1") for one in shown.split(",")))
