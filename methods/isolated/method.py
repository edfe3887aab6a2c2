"""A method whose code runs in another Python: to plan, worker and store it is a method like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

from ...core import Grounding, MethodError, Query
from ...core.errors import said
from ...core.fingerprint import digest
from ..base import GroundingMethod, by_image
from ..contract import check_method_class
from ..here import absolute_spec, split_spec
from ..watching import FilesSeen, files_seen
from .declared import required_by
from .errors import Nonsense, ProcessEnded, ProcessLost, SetupFailed
from .frames import Frame, FrameError
from .hello import class_attributes, found_there, patience, started, stated
from .place import TIMEOUT, place
from .process import MethodProcess
from .travel import answers_in, queries_out, value_out

_TRIES = 3


def isolated_class(spec: str, python: Path) -> type[IsolatedMethod]:
    """A class that stands for a method in another Python, with what the method states of itself there.

    Args:
        spec: NAME, FILE.py or FILE.py:CLASS.
        python: The interpreter.

    Raises:
        MethodError: If the interpreter cannot be used, or the method cannot be loaded there, or not be used apart.
    """
    file, _ = split_spec(spec)
    label = spec if file is None else file.name
    spec = absolute_spec(spec)
    process, hello = started(spec, python, label, place().timeout, required_by(spec))
    try:
        attributes = class_attributes(hello)
        chosen = {"_spec": spec, "_python": python, "_timeout": place().timeout, "_spare": process}
        made = type(attributes["__qualname__"].rpartition(".")[2], (IsolatedMethod,), {**attributes, **chosen})
        check_method_class(made)
    except Exception:
        process.kill()
        raise
    process.name = made.name
    return made


class IsolatedMethod(GroundingMethod):
    """A method in another Python.

    Attributes:
        packages: Versions of Python and of what can move a number, as found there.
        peak_memory_mb: The most memory that its process had used at its last answer, in MiB, by place.
    """

    packages: ClassVar[Mapping[str, str]] = {}
    _spec: ClassVar[str] = ""
    _python: ClassVar[Path] = Path()
    _timeout: ClassVar[float] = TIMEOUT
    _found: ClassVar[Mapping[str, Any]] = {}
    # The process that was started to learn of the class is that of the first instance.
    _spare: ClassVar[MethodProcess | None] = None

    def __init__(self, options: Any = None) -> None:
        """Build the method there; it loads its weights in `setup`.

        Args:
            options: An instance of `Options`; None for the defaults.

        Raises:
            MethodError: If its options or its constructor refuse that.
        """
        super().__init__(options)
        self.__dict__["_files_seen"] = FilesSeen(elsewhere=True)
        self._device: str | None = None
        self._process: MethodProcess | None = None
        self._ready: MethodProcess | None = None
        self._described: dict[str, Any] | None = None
        self.peak_memory_mb: dict[str, float] = {}
        cls = type(self)
        spare, cls._spare = cls._spare, None
        self._process = spare if spare is not None and spare.alive else self._fresh()
        built = self._build(self._process)
        self.__dict__.update(stated(built))
        self._by_image = bool(built.get("by_image"))

    def __deepcopy__(self, memo: dict[int, Any]) -> IsolatedMethod:
        """Another with the same options, and a process of its own."""
        return type(self)(self.options)

    def setup(self, device: str) -> None:
        """Load the weights there.

        Raises:
            SetupFailed: If its process ends each time that it is tried.
            Exception: What the method's own `setup` raises.
        """
        self._device = device
        self._set_up(self._built())

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers of the method there; image by image if it answers so, each within the time limit.

        Raises:
            ProcessLost: If its process ends, is silent or answers nonsense.
            SetupFailed: If it cannot be set up again after that.
            Exception: What the method's own code raises.
        """
        if not self._by_image:
            return self._answers(queries)
        return [answer for mine in by_image(queries) for answer in self._answers(mine)]

    def answers_by_image(self) -> bool:
        """Whether nothing is gained by asking about several images at once."""
        return self._by_image

    def weights_id(self) -> str | None:
        """As the method there says."""
        return self._description()["weights_id"]

    def weights_fingerprint(self) -> str:
        """As the method there says."""
        return self._description()["weights_fingerprint"]

    def options_dict(self) -> dict[str, Any]:
        """As the method there says."""
        return self._description()["options"]

    def fingerprint(self) -> str:
        """SHA-256 over that of the method in this Python, and what its answers rest on there: Python, requirements."""
        return digest(self._description()["fingerprint"], self._found)

    def environment(self) -> dict[str, str]:
        """Versions of Python and of what the method requires, as found there."""
        versions = {"python": self._found["python"], **self._found["requirements"]}
        return {name: str(version) for name, version in versions.items() if version}

    def gpu_count(self) -> int:
        """How many GPUs are seen there."""
        count = self._ask(Frame("gpus"), "could not count GPUs").get("count")
        if not isinstance(count, int):
            raise Nonsense(f"the process of the method {self.name!r} counts {str(count)[:40]} GPUs")
        return count

    def end(self) -> None:
        """End its process; the next question starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _answers(self, queries: Sequence[Query]) -> list[Grounding]:
        process = self._ready if self._ready is not None and self._ready.alive else self._again()
        asked, arrays = queries_out(queries)
        images = len(asked["images"])
        try:
            answer = process.ask(Frame("ground", asked, arrays), self._timeout * images)
            answers = answers_in(answer.fields.get("answers"), answer.arrays)
            if len(answers) != len(queries):
                raise FrameError(f"{len(answers)} answers for {len(queries)} phrases")
        except FrameError as error:
            process.kill()
            raise Nonsense(f"the method's process answered nonsense: {error}") from error
        self._note(answer)
        self.peak_memory_mb = _memory(answer.fields.get("peak_memory_mb"))
        return answers

    def _again(self) -> MethodProcess:
        """A process that is set up as the last one was."""
        try:
            return self._set_up(self._built())
        except SetupFailed:
            raise
        except Exception as error:
            raise SetupFailed(f"the method {self.name!r} could not be set up again: {said(error)}") from error

    def _set_up(self, process: MethodProcess) -> MethodProcess:
        """Set up, with another process where one ends over it."""
        tries = 1
        while True:
            try:
                self._note(process.ask(Frame("setup", {"device": self._device}), patience(self._timeout)))
                self._ready = process
                return process
            except ProcessLost as error:
                if isinstance(error, ProcessEnded) and tries < _TRIES:
                    tries, process = tries + 1, self._built()
                    continue
                times = f", {tries} times in all" if tries > 1 else ""
                raise SetupFailed(
                    f"the method {self.name!r} could not be set up on {self._device}: {error}{times}{process.wrote()}"
                ) from error

    def _built(self) -> MethodProcess:
        """A living process in which the method is built, set up or not."""
        if self._process is None or not self._process.alive:
            self._process = self._fresh()
            self._build(self._process)
        return self._process

    def _fresh(self) -> MethodProcess:
        """A process that has loaded the method anew.

        Raises:
            SetupFailed: If it is another now than that of which the results tell.
        """
        process, hello = started(self._spec, self._python, self.name, self._timeout)
        process.name = self.name
        if (hello.get("revision"), found_there(hello)) != (self.revision, self._found):
            process.kill()
            raise SetupFailed(
                f"the method {self.name!r}, or its environment, has been changed since the run began; start it again"
            )
        return process

    def _build(self, process: MethodProcess) -> dict[str, Any]:
        usual = self.Options()
        given = {one.name: getattr(self.options, one.name) for one in fields(self.Options)}
        settings = {name: value for name, value in given.items() if value != getattr(usual, name)}
        try:
            sent = {name: value_out(value) for name, value in settings.items()}
            answer = process.ask(Frame("build", {"settings": sent}), patience(self._timeout))
        except Exception as error:
            process.kill()
            if isinstance(error, TypeError):
                raise MethodError(f"an option of the method {self.name!r} is {error}, which cannot travel") from error
            if isinstance(error, ProcessLost):
                raise MethodError(f"the method {self.name!r} cannot be built: {error}{process.wrote()}") from error
            raise
        self._note(answer)
        return answer.fields

    def _description(self) -> dict[str, Any]:
        if self._described is None:
            wanted = {"weights_id": (str, type(None)), "weights_fingerprint": str, "options": dict, "fingerprint": str}
            found = self._ask(Frame("describe"), "could not be described")
            if not all(isinstance(found.get(name), kind) for name, kind in wanted.items()):
                raise Nonsense(f"the process of the method {self.name!r} does not describe it")
            self._described = found
        return self._described

    def _ask(self, frame: Frame, failed: str) -> dict[str, Any]:
        """What the process answers, which need not be set up for it."""
        process = self._built()
        try:
            return process.ask(frame, patience(self._timeout)).fields
        except ProcessLost as error:
            raise MethodError(f"the method {self.name!r} {failed}: {error}{process.wrote()}") from error

    def _note(self, answer: Frame) -> None:
        files_seen(self).read |= set(map(str, answer.fields.get("undeclared", ())))


def check_timeout(timeout: float | None, methods: Iterable[GroundingMethod]) -> None:
    """Refuse a time limit that nothing would keep.

    Raises:
        MethodError: If one is given, and all methods run in this Python.
    """
    if timeout is not None and not any(isolated_among(one) for one in methods):
        raise MethodError(
            "a time limit counts for methods in another environment only; give them one with --python, or leave it out"
        )


def release(method: GroundingMethod) -> None:
    """End the process of a method in another Python, with the memory that it holds; others are left as they are."""
    for asked in isolated_among(method):
        asked.end()


def isolated_among(method: GroundingMethod) -> list[IsolatedMethod]:
    """Those of the methods that answer that run in another Python."""
    return [asked for asked in method.answering() if isinstance(asked, IsolatedMethod)]


def told_apart(method: GroundingMethod, told: Callable[[IsolatedMethod], Mapping[str, str]]) -> dict[str, str]:
    """What those of the methods that answer tell that run in another Python, under keys that say whose it is.

    Args:
        method: Where one method alone answers, its keys stay as they are.
        told: What each tells.
    """
    apart = isolated_among(method)
    if len(apart) == len(method.answering()) == 1:
        return dict(told(apart[0]))
    found: dict[str, str] = {}
    names = [one.name for one in apart]
    for number, one in enumerate(apart):
        before = names[:number].count(one.name)
        whose = f"{one.name} ({before + 1})" if before else one.name
        found |= {f"{key} of {whose}": value for key, value in told(one).items()}
    return found


def _memory(said_there: Any) -> dict[str, float]:
    """What a process says of its memory, as far as it is that."""
    found = said_there.items() if isinstance(said_there, dict) else ()
    return {place: float(mb) for place, mb in found if place in ("host", "gpu") and isinstance(mb, int | float)}
