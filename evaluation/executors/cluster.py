"""A Ray cluster for the time of a run: one of this machine that is started and ended here, or one that is there."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...core import GroundCXRError
from ...core.errors import said
from ...core.install import install_step
from ...core.machine import cpu_count
from ...core.process import is_alive, this_process

LOCAL = "local"
"""The address of no cluster that is there: one of this machine is started."""

_FOLDER = "groundcxr-ray-"
_OWNER = "process"
# A socket's path has at most 107 bytes on Linux, 103 elsewhere, and Ray's own part of it takes up to 70.
_LONGEST_FOLDER = 32
_SECONDS_TO_ANSWER = 10.0
_STEP = "; give the address that `ray start --head` printed, or --ray alone for a cluster of this machine"
_OURS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_COLOR_PREFIX": "0",
    # What Ray would warn of on every run: workers without a GPU see the node's, which they do not use.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@dataclass(frozen=True)
class Need:
    """What one worker takes of a node.

    Attributes:
        cpus: CPUs, at least 1.
        gpus: GPUs; a fraction is a share of one.
    """

    cpus: int
    gpus: float

    def __str__(self) -> str:
        gpus = f"{self.gpus:g} GPU{'' if self.gpus <= 1 else 's'}"
        return f"{self.cpus} CPU{'' if self.cpus == 1 else 's'}" + (f" and {gpus}" if self.gpus else "")

    def fitting(self, resources: Mapping[str, float]) -> int:
        """How many workers a node holds.

        Args:
            resources: The node's, by Ray's names.
        """
        cpus = int(resources.get("CPU", 0) // self.cpus)
        # Of whole GPUs: a share does not span two. Rounded, as three times a third is less than 1.
        gpus = resources.get("GPU", 0)
        if not self.gpus:
            return cpus
        return min(cpus, int(gpus) * int(1 / self.gpus + 1e-6) if self.gpus < 1 else int(gpus // self.gpus))


def require_ray() -> None:
    """Refuse where Ray is not installed, before anything is loaded.

    Raises:
        GroundCXRError: With the step that installs it.
    """
    if find_spec("ray") is None:
        raise GroundCXRError(f"--ray needs the package ray, which is not installed; {install_step('ray')}")


def check_address(address: str) -> None:
    """Refuse what cannot be the address of a cluster.

    Raises:
        GroundCXRError: If it is none of `LOCAL`, "auto" and HOST:PORT.
    """
    host, _, port = _parts(address)
    if address not in (LOCAL, "auto") and not (host and port.isdecimal() and int(port) < 2**16):
        raise GroundCXRError(f"the address {address!r} of a Ray cluster does not fit: write HOST:PORT or auto{_STEP}")


@contextmanager
def connected(address: str, cpus: int) -> Iterator[None]:
    """A connection of this process to a cluster; afterwards nothing of a cluster that was started here is left.

    Args:
        address: `LOCAL`, "auto" or HOST:PORT.
        cpus: How many CPUs a cluster of this machine has at least, whatever the machine has.

    Raises:
        GroundCXRError: If it cannot be started or reached.
    """
    os.environ.update(_OURS)
    if address != LOCAL:
        _require_answer(address)
    elif "ray" not in sys.modules:
        # Its ports are open to the network: nobody else may send it work.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        # Where this process is killed, its helpers wait so long for it to come back.
        os.environ["RAY_gcs_rpc_server_reconnect_timeout_s"] = "5"  # noqa: SIM112
    import ray  # which reads the environment

    folder = _own_folder()
    options: dict[str, Any] = {"address": address}
    with ExitStack() as ends:
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        if address == LOCAL:
            options |= {"num_cpus": max(cpus, cpu_count()), "include_dashboard": False, "_temp_dir": str(folder)}
        # What methods print on the workers comes to this process, which has its tables on standard output.
        ends.enter_context(redirect_stdout(sys.stderr))
        ends.callback(ray.shutdown)
        ends.enter_context(_terminated_as_interrupted())
        try:
            # Ray has its workers import from the folder that it is started in, which may hold anything.
            with chdir(folder):
                ray.init(**options, logging_level=logging.ERROR)
        except Exception as error:
            if address == LOCAL:
                raise GroundCXRError(f"Ray could not be started on this machine: {said(error)}") from error
            raise GroundCXRError(
                f"the Ray cluster at {address} could not be reached: {said(error)}{_STEP} (for a cluster with a token, "
                "set RAY_AUTH_MODE=token)"
            ) from error
        _catch_termination()
        yield


def _require_answer(address: str) -> None:
    """Refuse an address where nothing listens, at once; Ray itself would try for minutes.

    Raises:
        GroundCXRError: If nothing answers there.
    """
    if address == "auto":
        return
    host, _, port = _parts(address)
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
    except (OSError, UnicodeError) as error:
        raise GroundCXRError(f"no Ray cluster answers at {address} ({said(error)}){_STEP}") from error


def _parts(address: str) -> tuple[str, str, str]:
    return address.removeprefix("ray://").rpartition(":")


def nodes() -> list[dict[str, float]]:
    """What each node of the cluster has, whoever uses it."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _own_folder() -> Path:
    """A new private folder for logs and sockets; those of runs that were killed are removed."""
    root = Path(tempfile.gettempdir())
    if len(os.fsencode(root)) + len(_FOLDER) + 8 > _LONGEST_FOLDER + len(_FOLDER):
        root = Path("/tmp")  # noqa: S108  (the folder within is made for us alone)
    for left in root.glob(f"{_FOLDER}*"):
        with suppress(OSError):
            if is_alive((left / _OWNER).read_text(encoding="utf-8")) is False:
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER, dir=root))
    (folder / _OWNER).write_text(this_process(), encoding="utf-8")
    return folder


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Puts back what SIGTERM does, which Ray changes."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _catch_termination() -> None:
    """Have SIGTERM, which a batch system sends when the time is over, end the run as Ctrl-C does: cleanly."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
