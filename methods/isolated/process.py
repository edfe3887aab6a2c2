"""The host's side of a method's process: starting, asking, waiting, and how it ended."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from ...core import MethodError, errors
from ...core.names import escaped, printable
from ...core.stderr import say
from ...core.tracebacks import bring
from .errors import NoAnswer, Nonsense, ProcessEnded, ProcessLost
from .frames import Frame, FrameError, decode, encode

_PACKAGE = Path(__file__).resolve().parents[2]
_START = Path(__file__).resolve().with_name("start.py")

# What would make another Python look for modules where this one does.
_OURS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "PYTHONPLATLIBDIR", "__PYVENV_LAUNCHER__")

_NO_PROGRAM = (errno.ENOENT, errno.ENOEXEC, errno.EACCES)
_GLANCE = 0.1  # seconds between looks at whether a silent process still lives
_GOODBYE = 5.0  # seconds that a process may take to end when it is asked to
_LAST_LINES = 3
_LONGEST_LINE = 4096
_BUFFER = 2**22


class MethodProcess:
    """A process of another interpreter that answers for a method.

    Args:
        python: The interpreter.
        name: What stands before the lines that it writes; may be set later, when the method's own name is known.

    Attributes:
        answered: Whether it has answered anything.

    Raises:
        ProcessLost: If it cannot be started.
    """

    def __init__(self, python: Path, name: str) -> None:
        self.name = name
        self.answered = False
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        ours, theirs = socket.socketpair()
        lifeline, our_lifeline = os.pipe()
        try:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            self._process = subprocess.Popen(  # noqa: S603  (the user's own interpreter, our own script)
                [str(python), str(_START), str(_PACKAGE), str(theirs.fileno()), str(lifeline)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(), lifeline),
                env={key: value for key, value in os.environ.items() if key not in _OURS},
                # A group of its own: Ctrl-C is the host's to take, and what it has started ends with it.
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            os.close(our_lifeline)
            step = "; give the path of an environment's Python" if error.errno in _NO_PROGRAM else ""
            raise ProcessLost(f"{python} cannot be started: {error.strerror or error}{step}") from error
        finally:
            theirs.close()
            os.close(lifeline)
        self._socket = ours
        # Runs at the end of the program, too. The guard that holds the other end of the pipe ends the whole group.
        self._let_go = weakref.finalize(self, _let_go, self._process, ours, our_lifeline, os.getpid())
        self._pump = Thread(target=_pass_on, args=(self._process.stdout, weakref.ref(self), self._lines), daemon=True)
        self._pump.start()

    def ask(self, frame: Frame, limit: float) -> Frame:
        """Send a frame and wait for what it is answered with.

        Args:
            frame: The question.
            limit: Seconds that all of it may take.

        Raises:
            ProcessLost: If the process ended, does not answer in time, or answers nonsense; it is gone then.
            MethodError: If the question is too large.
            Exception: What the method's code raised there, by the name that it has there.
        """
        try:
            pieces = encode(frame)
        except FrameError as error:
            raise MethodError(f"the question cannot be sent to the method's process: {error}") from error
        try:
            deadline = time.monotonic() + limit
            with self._telling(limit):
                for piece in pieces:
                    self._socket.settimeout(max(_left(deadline), 0.001))
                    self._socket.sendall(piece)
                answer = decode(lambda size: self._receive(size, deadline))
                self.answered = True
                if answer.kind not in ("error", "answer", "hello"):
                    raise FrameError(f"its kind is {answer.kind!r}")
                raised = _raised(answer) if answer.kind == "error" else None
        except BaseException:  # Ctrl-C, too: what comes next would be the answer to this
            self.kill()
            raise
        if raised is not None:
            raise raised
        return answer

    @property
    def alive(self) -> bool:
        """Whether it can be asked, as far as is known."""
        return self._let_go.alive

    def end(self) -> None:
        """Ask it to end, and see to it."""
        with suppress(OSError, subprocess.TimeoutExpired):
            self._socket.settimeout(_GOODBYE)
            for piece in encode(Frame("bye")):
                self._socket.sendall(piece)
            self._process.wait(_GOODBYE)
        self.kill()

    def kill(self) -> None:
        """End it and what it has started."""
        self._let_go()
        self._pump.join(1)

    def wrote(self) -> str:
        """The last lines that it wrote, in one, for the end of a message; "" where it wrote none."""
        self._pump.join(1 if self._process.poll() is not None else 0)
        lines = [printable(line, 300) for line in self._lines]
        return f"; the last that it wrote: {' | '.join(lines)}" if lines else ""

    @contextmanager
    def _telling(self, limit: float) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise NoAnswer(f"no answer within {limit:g} s") from None
        except FrameError as error:
            raise Nonsense(f"the method's process answered nonsense: {error}") from error
        except (EOFError, OSError):
            raise ProcessEnded(f"the method's process ended: {self._ending()}") from None

    def _receive(self, size: int, deadline: float) -> bytearray:
        content = bytearray(size)
        view = memoryview(content)
        ended = False
        while view:
            self._socket.settimeout(min(_GLANCE, max(_left(deadline), 0.001)))
            try:
                count = self._socket.recv_into(view)
            except TimeoutError:
                # What it has started may hold the socket, so its own end is looked for. What it sent before is read.
                if ended:
                    raise EOFError from None
                ended = self._process.poll() is not None
                count = None
            # Also where bytes drip in for ever.
            if not ended and _left(deadline) <= 0 and count != len(view):
                raise TimeoutError
            if count is None:
                continue
            if not count:
                raise EOFError
            view = view[count:]
        return content

    def _ending(self) -> str:
        try:
            status = self._process.wait(_GOODBYE)
        except subprocess.TimeoutExpired:
            return "it closed its connection"
        if status >= 0:
            return f"exit status {status}"
        name = (signal.strsignal(-status) or "unknown").lower()
        memory = "; usually because memory ran out" if -status == signal.SIGKILL else ""
        return f"signal {-status} ({name}{memory})"


def _let_go(process: subprocess.Popen[bytes], connection: socket.socket, lifeline: int, owner: int) -> None:
    # A copy of this program, made by fork, ends nothing that is not its own.
    if os.getpid() == owner and process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GOODBYE)
    os.close(lifeline)
    connection.close()


def _pass_on(stream: object, process: weakref.ref[MethodProcess], lines: deque[str]) -> None:
    """Write to standard error what a process writes, line by line, with its name in front."""
    rest = b""
    name = "method"
    with stream:  # pyright: ignore[reportGeneralTypeIssues, reportAttributeAccessIssue]
        while True:
            try:
                content = os.read(stream.fileno(), 65536)  # pyright: ignore[reportAttributeAccessIssue]
            except OSError:
                content = b""
            # A progress bar goes back to the start of its line; a line without an end is cut.
            *whole, rest = (rest + content).replace(b"\r", b"\n").split(b"\n")
            if len(rest) > _LONGEST_LINE or not content:
                whole, rest = [*whole, rest], b""
            known = process()
            name = known.name if known else name
            del known  # held here it would never be let go
            for line in filter(None, (escaped(line.decode("utf-8", "replace").rstrip()) for line in whole)):
                lines.append(line)
                say(f"{name}: {line}")
            if not content:
                return


def _left(deadline: float) -> float:
    return deadline - time.monotonic()


def _raised(answer: Frame) -> Exception:
    """What the method's code raised, under its own name: a failed sample shows that, wherever it failed."""
    name, message = answer.fields.get("type"), str(answer.fields.get("message", ""))
    if not (isinstance(name, str) and name.isidentifier() and len(name) < 100):
        raise FrameError("its error has no name")
    if answer.fields.get("sentence"):
        known = getattr(errors, name, None)
        kind = known if isinstance(known, type) and issubclass(known, errors.GroundCXRError) else MethodError
        raised: Exception = kind(message)
    else:
        raised = type(name, (Exception,), {"__module__": __name__})(message)
    bring(raised, printable(str(answer.fields.get("place", "")), 300), str(answer.fields.get("trace", "")))
    return raised
