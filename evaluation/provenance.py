"""Where and with what a number was made."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path

from ..core import GroundCXRError
from ..core.config import DEVICE, configured
from ..core.machine import gpu_count, peak_memory_mb
from ..methods import GroundingMethod
from ..methods.isolated.method import IsolatedMethod, isolated_among, told_apart
from .schema import GitInfo, GroundedWith, RunInfo

_STORED = "none (stored predictions)"

_PACKAGES = (
    "groundcxr",
    "numpy",
    "pillow",
    "pydicom",
    "scipy",
    "torch",
    "torchvision",
    "transformers",
    "diffusers",
    "open-clip-torch",
    "hi-ml-multimodal",
)


def resolve_device(device: str, method: GroundingMethod) -> str:
    """The device to set a method up on: "auto" becomes the GPU where there is one, anything else is checked.

    For "auto", PyTorch is imported only where an NVIDIA driver is: methods without a network start at once elsewhere.

    Args:
        device: As the user wrote it.
        method: Of one in another Python, the GPUs that count are those that it sees there.

    Raises:
        GroundCXRError: If a GPU is asked for and there is none.
    """
    if check_device(device) == "cpu":
        return device
    if device == "mps":
        import torch

        if not torch.backends.mps.is_available():
            raise GroundCXRError("the device 'mps', an Apple GPU, is not there; use --device cpu")
        return device
    places = [one.gpu_count if isinstance(one, IsolatedMethod) else gpu_count for one in method.answering()]
    if device == "auto":
        driver = sys.platform != "linux" or Path("/proc/driver/nvidia/version").exists()
        return "cuda" if driver and all(gpus() for gpus in places) else "cpu"
    count = min(gpus() for gpus in places)
    if count <= int(device.partition(":")[2] or 0):
        raise GroundCXRError(f"the device {device!r} is not there ({count} GPUs found); use --device cpu")
    return device


def check_device(device: str) -> str:
    """A device as the user wrote it, which need not be there: a run may be planned on another machine.

    Raises:
        GroundCXRError: If it is no device's name.
    """
    name, _, index = device.partition(":")
    if device not in ("auto", "cpu", "mps") and (name != "cuda" or (index and not index.isdecimal())):
        raise GroundCXRError(f"there is no device {device!r}; write auto, cpu, cuda, cuda:N or mps")
    return device


def configured_device() -> str:
    """The device that the environment or the user's file says; "auto" where neither does.

    Raises:
        GroundCXRError: If it is no device's name.
    """
    said = configured(DEVICE)
    if said is None:
        return "auto"
    try:
        return check_device(said.value)
    except GroundCXRError as error:
        raise GroundCXRError(f"{error} (it is {said.place})") from error


def packages(method: GroundingMethod | None = None) -> dict[str, str]:
    """Versions of Python and of the installed packages that can move a number, and of a server that answers.

    Args:
        method: What is grounded with: of one in another Python, they are those that are installed there.
    """
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if method is None:
        return found
    apart = isolated_among(method)
    # Of one that runs there alone, nothing that is installed here counts.
    here = ("groundcxr",) if len(apart) == len(method.answering()) == 1 else tuple(found)
    return {
        **{name: found[name] for name in here if name in found},
        **told_apart(method, lambda one: one.packages),
        **answered_by(method),
    }


def answered_by(method: GroundingMethod) -> dict[str, str]:
    """What answers in the stead of methods, a server and its model; of several, under keys that say whose it is."""
    told = [one for one in method.answering() if one.answered_by]
    return {
        key if len(told) == 1 else f"{key} of {one.name}": value
        for one in told
        for key, value in one.answered_by.items()
    }


def memory_used(method: GroundingMethod) -> dict[str, float]:
    """The highest use of memory so far, in MiB, of the process that a method runs in; of several, their sum."""
    apart = isolated_among(method)
    used = [one.peak_memory_mb for one in apart]
    if len(apart) < len(method.answering()):
        used.append(peak_memory_mb())
    return {place: sum(one.get(place, 0.0) for one in used) for place in dict.fromkeys(chain(*used))}


def git_state() -> GitInfo | None:
    """Commit and dirty flag of the checkout that the package runs from; None where it is installed elsewhere."""
    home = Path(__file__).resolve().parents[1]
    if not (home / ".git").exists():
        return None
    try:
        commit = _git(home, "rev-parse", "HEAD")
        return GitInfo(commit=commit, dirty=bool(_git(home, "status", "--porcelain")))
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(home: Path, *arguments: str) -> str:
    # The command is fixed and its arguments are this module's own. Without locks: to look writes nothing, and a kill
    # leaves no index.lock with which the owner's next commit is refused.
    command = ["git", "--no-optional-locks", "-C", str(home), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout.strip()


def grounded_here(device: str, batch_size: int, n_samples: int) -> GroundedWith:
    """This process, as what has grounded samples."""
    return GroundedWith(
        device=device,
        batch_size=batch_size,
        packages=packages(),
        git=git_state(),
        peak_memory_mb=peak_memory_mb(),
        n_samples=n_samples,
    )


@cache
def host_kind(device: str) -> str:
    """The kind of this machine, as "Linux x86_64, 8 CPUs, NVIDIA H100"; never its name.

    Args:
        device: What a method is set up on; of a GPU the model is named.
    """
    parts = [f"{platform.system()} {platform.machine()}", f"{os.cpu_count()} CPUs"]
    torch = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None and torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name(device))
    return ", ".join(parts)


def run_info(grounding: Sequence[GroundedWith], stored: int, batch_size: int, seconds: float) -> RunInfo:
    """Where and with what most predictions were made; where nothing is noted of most, where they were scored.

    Args:
        grounding: What is known of how they were made.
        stored: How many predictions came from the store.
        batch_size: Images in a batch, as this run has it.
        seconds: Of grounding, all together.
    """
    unknown = stored - sum(way.n_samples for way in grounding)
    most = max(grounding, key=lambda way: way.n_samples, default=None)
    if most is None or most.n_samples < unknown:
        # The peak of memory would be the whole process's, which says nothing of a method that was not run.
        most = grounded_here(_STORED, batch_size, unknown).model_copy(update={"peak_memory_mb": {}})
    return RunInfo(
        **most.model_dump(exclude={"n_samples"}),
        seconds=round(seconds, 6),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
