"""The loop of a method's process: loads one method, sets it up, and answers what the host asks. Python 3.8."""

from __future__ import annotations

import re
import socket
import sys
from typing import Any, Dict, List, Tuple

import numpy as np

from ...core import GroundCXRError, MethodError
from ...core.errors import text_of, told_as
from ...core.guests import guest
from ...core.machine import gpu_count, peak_memory_mb
from ...core.tracebacks import place_of, trace_of
from ..base import ControlMethod, GroundingMethod, check_answers
from ..contract import STATED
from ..here import class_here, instance_here, split_spec
from ..options import options_of
from ..revision import revision_of
from ..watching import files_read, undeclared_files, watched
from .frames import Array, Frame, FrameError, decode, encode
from .option_types import enums_of, options_out
from .travel import answers_out, queries_in, value_in

_BUNDLED = (3, 11)
_LONGEST_MESSAGE = 20_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_MOVES_NUMBERS = ("numpy", "pillow", "scipy", "torch", "torchvision", "transformers", "diffusers", "open-clip-torch")

Reply = Tuple[Dict[str, Any], List[Array]]


def serve(number: int) -> None:
    """Answer the host until it says bye, or is gone.

    Args:
        number: The socket's file descriptor.
    """
    connection = socket.socket(fileno=number)
    server = _Server()
    while True:
        try:
            asked = decode(lambda size: _received(connection, size))
        except EOFError:
            return
        if asked.kind == "bye":
            return
        for piece in _reply(server, asked):
            connection.sendall(piece)


class _Server:
    """A method, once it is loaded, and what the host has been told of it."""

    def __init__(self) -> None:
        self._class: Any = None
        self._method: Any = None
        self._told: set[str] = set()

    def packages(self) -> list[str]:
        """The package of the method's code, once it is loaded."""
        return [] if self._class is None else [self._class.__module__.partition(".")[0]]

    def answer(self, asked: Frame) -> Frame:
        """What the host asks for."""
        fields, arrays = getattr(self, f"_{asked.kind}")(asked)
        if self._method is not None:
            fields["undeclared"] = self._undeclared(self._method)
        return Frame("hello" if asked.kind == "load" else "answer", fields, arrays)

    def _versions(self, asked: Frame) -> Reply:
        return {"python": _version(), "found": _versions(asked.fields["requirements"])}, []

    def _load(self, asked: Frame) -> Reply:
        spec = asked.fields["spec"]
        if split_spec(spec)[0] is None and sys.version_info < _BUNDLED:
            wanted = ".".join(map(str, _BUNDLED))
            raise MethodError(f"the method {spec!r} of groundcxr needs Python >= {wanted}, and this is {_version()}")
        self._class = method = class_here(spec)
        fields = {
            "class": method.__qualname__,
            "doc": method.__doc__,
            "control": issubclass(method, ControlMethod),
            "revision": revision_of(method),
            "options": options_out(method.Options, method.name),
            "python": _version(),
            "requirements": _versions(getattr(method, "requirements", ())),
            "packages": _versions(_MOVES_NUMBERS),
            **_attributes(method),
        }
        return fields, []

    def _build(self, asked: Frame) -> Reply:
        enums = enums_of(self._class.Options, self._class.name)
        values = {name: value_in(value, enums) for name, value in asked.fields["settings"].items()}
        self._method = method = instance_here(self._class, values, options_of)
        return {"by_image": method.answers_by_image(), **_attributes(method)}, []

    def _describe(self, asked: Frame) -> Reply:
        method = self._method
        fields = {
            "weights_id": method.weights_id(),
            "weights_fingerprint": method.weights_fingerprint(),
            "options": method.options_dict(),
            "fingerprint": method.fingerprint(),
        }
        return fields, []

    def _gpus(self, asked: Frame) -> Reply:
        return {"count": gpu_count()}, []

    def _setup(self, asked: Frame) -> Reply:
        with watched(self._method, loading=True):
            self._method.setup(asked.fields["device"])
        return {}, []

    def _ground(self, asked: Frame) -> Reply:
        queries = queries_in(asked.fields, asked.arrays)
        with watched(self._method):
            found = check_answers(self._method.ground_batch(queries), len(queries))
        items, arrays = answers_out(found)
        return {"answers": items, "peak_memory_mb": peak_memory_mb()}, arrays

    def _undeclared(self, method: GroundingMethod) -> list[str]:
        new = files_read(method) - self._told
        self._told |= new
        return [str(path) for path in undeclared_files(method, new)]


def _reply(server: _Server, asked: Frame) -> list[Any]:
    """The pieces of the answer; whatever the method's code raises is one, too."""
    try:
        with guest():
            return encode(server.answer(asked))
    except BaseException as error:
        packages = server.packages()
        fields = {
            "type": type(error).__name__,
            "message": text_of(error)[:_LONGEST_MESSAGE],
            "sentence": isinstance(error, (GroundCXRError, FrameError)),
            "place": place_of(error, packages),
            "trace": trace_of(error, packages),
        }
        return encode(Frame("error", fields))


def _attributes(method: Any) -> dict[str, Any]:
    """What a class or an instance states of itself, as its contract has it."""
    with told_as(f"the method {method.name!r} could not be described"):
        return {
            name: sorted(value) if name == "emits" else value
            for name, value in ((name, getattr(method, name)) for name in STATED)
            if not isinstance(value, property)  # which says something of instances only
        }


def _version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _versions(requirements: Any) -> dict[str, str | None]:
    """The installed versions of distributions, None for one that is not there."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | None] = {}
    for requirement in requirements:
        name = _NAME.match(str(requirement).strip())
        if name:
            key = re.sub(r"[-_.]+", "-", name.group()).lower()
            try:
                found[key] = version(name.group())
            except PackageNotFoundError:
                found[key] = None
    return found


def _received(connection: socket.socket, size: int) -> memoryview:
    content = np.empty(size, dtype=np.uint8).data  # unlike a bytearray it is not filled with zeros first
    view = content
    while view:
        count = connection.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return content
