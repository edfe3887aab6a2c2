"""What every fuzz test shares: how many inputs of each kind there are, where each comes from, and what none may do."""

from __future__ import annotations

import faulthandler
import importlib.util
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

KINDS = {
    "csv": 120,
    "coco": 120,
    "annotations by command": 60,
    "dicom": 150,
    "images": 200,
    "boxes": 80,
    "maps": 90,
    "results": 80,
    "calls": 100,
}
"""Inputs of each kind in a thousand. `make test` tries a thousand, `make check` GROUNDCXR_FUZZ of them, else 20,000."""

HANG = 10
"""Seconds after which an input has failed."""

MEMORY = 2 * 2**30
"""Bytes that the process may have beyond those it had before the first input."""

assert sum(KINDS.values()) == 1000


class HangError(BaseException):
    """Nobody takes it for a failure of a method or a file."""


def address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def out_of_memory(error: BaseException | None) -> bool:
    """Whether a lack of memory is behind an error, whatever was made of it."""
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None


@contextmanager
def limits(what: str, base: int, stderr: int, *, hang: float = HANG, memory: int = MEMORY) -> Iterator[None]:
    """Fails when the block takes too long, asks for too much memory, or raises anything.

    Args:
        what: Names the input in what is told of a failure.
        base: Bytes of address space that do not count.
        stderr: Where to tell of code that never returns to Python; the process ends then.
        hang: In seconds.
        memory: In bytes.
    """
    hung = []

    def stop(number: int, frame: object) -> None:
        hung.append(what)
        raise HangError(f"{what} takes more than {hang} s")

    before = signal.signal(signal.SIGALRM, stop)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    faulthandler.dump_traceback_later(2 * hang, exit=True, file=stderr)
    signal.setitimer(signal.ITIMER_REAL, hang)
    resource.setrlimit(resource.RLIMIT_AS, (base + memory, hard))
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
    assert not hung  # where a hang was taken for another failure


@pytest.fixture(
    params=[
        pytest.param(1_000, id="thousand"),
        pytest.param(int(os.environ.get("GROUNDCXR_FUZZ", "20000")), id="by-hand", marks=pytest.mark.slow),
    ]
)
def total(request) -> int:
    """How many inputs are tried, those of all kinds together."""
    return request.param


@pytest.fixture
def limited(capsys) -> Iterator[Callable]:
    """`limits` of a process that is as it is now."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory in use is read from Linux's /proc")
    with capsys.disabled():
        stderr = os.dup(2)  # the real one
    base = address_space()
    yield lambda what, **other: limits(what, base, stderr, **other)
    os.close(stderr)


@pytest.fixture
def fuzz(total, request) -> Callable[[str, Callable], list]:
    """Calls a function with each input's own generator: `fuzz("csv", tried)` returns what it returned.

    An input follows from its kind and number alone, so that a failure's note is enough to see it again.
    """

    def fuzz(kind: str, attempt: Callable[[Random], object]) -> list:
        limited = request.getfixturevalue("limited")  # from here on memory counts
        answers = []
        for number in range(KINDS[kind] * total // 1000):
            with limited(f"input {number} of {kind}"):
                answers.append(attempt(Random(f"{kind} {number}")))
        assert answers
        return answers

    return fuzz


@pytest.fixture(scope="session")
def mutations():
    """The module `mutations.py`, which importlib mode keeps from being imported by name."""
    spec = importlib.util.spec_from_file_location(
        "groundcxr_tests_fuzz_mutations", Path(__file__).with_name("mutations.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def answered() -> Callable[[Callable, type], bool]:
    """Whether an action went well; the package's own error, one sentence, is the only other way to end."""
    from groundcxr.core import GroundCXRError

    def answered(action: Callable[[], object], error: type[GroundCXRError] = GroundCXRError) -> bool:
        refusal = None
        try:
            action()
        except error as raised:
            refusal = raised
        assert not out_of_memory(refusal), refusal
        assert refusal is None or 0 < len(str(refusal)) < 3000
        return refusal is None

    return answered
