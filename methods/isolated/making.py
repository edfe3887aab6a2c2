"""Making a method's environment with uv, as the user has asked; nothing else installs anything."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...core import GroundCXRError, MethodError, StoreError
from ...core.install import install_step
from ...core.names import one_line, printable
from ...core.paths import shown, user_path
from ...core.process import this_process
from ...core.stderr import say
from ..requirements import allows_python
from .environments import (
    MAKING,
    Environment,
    environments_folder,
    interpreter_in,
    list_environments,
    remove_folder,
    remove_unfinished,
    write_marker,
)
from .wanted import Wanted

_LAST_LINES = 12
_ERROR = "error: "
_CAUSE = " cause: "
_LONGEST = 500
_OLDEST = ">=3.8"
"""The versions of Python in which methods can be asked."""


def make_environment(spec: str, python: str | None = None) -> tuple[Environment, list[Environment]]:
    """Make an environment of what a method requires, in place of one that was made for the same.

    What uv says goes to standard error as it comes.

    Args:
        spec: ``NAME``, ``FILE.py`` or ``FILE.py:CLASS``.
        python: Path of an interpreter, or a version, as uv takes it; by default this Python where the method allows
            it, else one that it allows.

    Returns:
        The environment, and those that were made for other requirements of the method, which stay.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: If what it states cannot be read, the Python does not fit, or uv fails.
        GroundCXRError: If uv is not installed.
        StoreError: If the disk refuses.
    """
    wanted = Wanted.by(spec)
    uv = _uv()
    chosen = _chosen_python(wanted, python)
    remove_unfinished()
    before = list_environments()
    folder = environments_folder() / f"{wanted.start}{secrets.token_hex(2)}"
    try:
        folder.mkdir(parents=True)
        (folder / MAKING).write_text(this_process(), encoding="ascii")
        made = write_marker(folder, wanted, _fill(uv, folder, wanted, chosen))
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise StoreError(
                f"cannot make an environment in {folder.parent}: {error.strerror or error}; free space, or have "
                "XDG_DATA_HOME name another folder for your data"
            ) from error
        raise
    for one in before:
        if one.id.startswith(wanted.start):
            remove_folder(one.folder)
    others = [one for one in before if one.wanted.source == wanted.source and not one.id.startswith(wanted.start)]
    return made, others


def _fill(uv: str, folder: Path, wanted: Wanted, python: str) -> str:
    """Make the virtual environment and install into it; the version of its Python."""
    _run([uv, "venv", "--no-project", "--python", python, str(folder / "venv")], wanted)
    interpreter = interpreter_in(folder)
    version = _answer(interpreter, "import platform; print(platform.python_version())", wanted)
    for allowed, whose in ((wanted.requires_python, wanted.method), (_OLDEST, "groundcxr")):
        if not allows_python(allowed, version):
            raise MethodError(f"{whose} needs Python {allowed}, not {version}; give another with --python PATH|VERSION")
    # Of groundcxr's own, an environment needs NumPy alone.
    _run([uv, "pip", "install", "--python", str(interpreter), *wanted.requirements, "numpy"], wanted)
    _answer(interpreter, "import numpy", wanted)
    return version


def _uv() -> str:
    """The program uv: on PATH, or that which the extra `env` has installed beside this Python.

    Raises:
        GroundCXRError: If it is in neither place.
    """
    found = shutil.which("uv")
    if found is None:
        try:
            from uv import find_uv_bin

            found = find_uv_bin()
        except (ImportError, FileNotFoundError):
            raise GroundCXRError(
                f"environments are made with uv, which is not installed; install it with: {install_step('uv')}"
            ) from None
    return os.path.abspath(found)  # noqa: PTH100  (it runs in another folder)


def _chosen_python(wanted: Wanted, python: str | None) -> str:
    if python is None:
        here = allows_python(wanted.requires_python, platform.python_version())
        return sys.executable if here or wanted.requires_python is None else wanted.requires_python
    if os.sep not in python and not python.startswith("~"):
        return python
    path = user_path(python).absolute()
    if not path.is_file():
        raise MethodError(f"there is no Python {shown(path)}; give --python the path of an interpreter, or a version")
    return str(path)


def _run(command: Sequence[str], wanted: Wanted) -> None:
    """Run uv, in a folder where it finds nobody's project.

    Raises:
        MethodError: With its last lines, if it fails.
    """
    last: deque[str] = deque(maxlen=_LAST_LINES)
    # The environment that this Python is in is not the one meant.
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    with subprocess.Popen(  # noqa: S603  (a program and words of our own, no shell)
        command,
        cwd=environments_folder(),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                say(line.rstrip())
                last.append(line)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise MethodError(
            f"uv could not make the environment of {wanted.method} (exit status {process.returncode}): "
            f"{_reason(last) or 'it says nothing'}; mend what it says, in `requirements` or with another --python"
        )


def _reason(lines: Iterable[str]) -> str:
    """Why uv has failed, of its last lines, which are on the terminal in full."""
    text = one_line(" ".join(lines))
    text = text[text.find(_ERROR) + len(_ERROR) if _ERROR in text else 0 :].rstrip(".")
    first, *causes = text.split(_CAUSE)
    if len(text) > _LONGEST and causes:  # the last says most: that the disk is full, or there is no internet
        last = causes[-1]
        kept = last if len(last) <= _LONGEST // 2 else f"…{last[-(_LONGEST // 2) :]}"
        text = f"{printable(first.strip(), _LONGEST // 2)}{_CAUSE}{kept}"
    return printable(text, _LONGEST)


def _answer(interpreter: Path, code: str, wanted: Wanted) -> str:
    """What code prints in an environment.

    Raises:
        MethodError: If it cannot be run there.
    """
    command = [str(interpreter), "-I", "-c", code]
    ran = subprocess.run(  # noqa: S603  (as above)
        command, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if ran.returncode:
        last = one_line(" ".join(ran.stderr.splitlines()[-1:])) or f"exit status {ran.returncode}"
        raise MethodError(f"the environment made for {wanted.method} does not work: {last}; give another --python")
    return ran.stdout.strip()
