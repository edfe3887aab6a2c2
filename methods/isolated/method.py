"""A method whose code runs in another Python: to plan, worker and store it is a method like any other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

from ...core import Grounding, MethodError, Query
from ...core.errors import said
from ...core.fingerprint import digest
from ..base import GroundingMethod
from ..contract import STATED, check_method_class
from ..here import split_spec
from ..watching import FilesSeen
from .errors import Nonsense, ProcessEnded, ProcessLost, SetupFailed
from .frames import Frame, FrameError
from .option_types import options_in
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
    file, class_name = split_spec(spec)
    label = spec if file is None else file.name
    if file is not None:
        spec = f"{file.absolute()}{f':{class_name}' if class_name else ''}"
    process = _started(spec, python, label)
    try:
        made = _class_of(process[1], spec, python)
    except Exception:
        process[0].kill()
        raise
    process[0].name = made.name
    made._spare = process[0]
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
    _by_image: ClassVar[bool] = True
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
        self._described: dict[str, Any] | None = None
        self.peak_memory_mb: dict[str, float] = {}
        cls = type(self)
        spare, cls._spare = cls._spare, None
        self._state = self._built(spare or self._fresh())
        for name, value in _attributes(self._state).items():
            self.__dict__[name] = value

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
        self._set_up(self._living() or self._built_anew())

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers of the method there; image by image if it answers so, each within the time limit.

        Raises:
            ProcessLost: If its process ends, is silent or answers nonsense.
            SetupFailed: If it cannot be set up again after that.
            Exception: What the method's own code raises.
        """
        if not self._by_image:
            return self._answers(queries)
        images = [list(group) for _, group in groupby(queries, key=lambda query: id(query.image))]
        return [answer for mine in images for answer in self._answers(mine)]

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

    def gpu_count(self) -> int:
        """How many GPUs are seen there."""
        process = self._living() or self._built_anew()
        try:
            count = process.ask(Frame("gpus"), _patience(self._timeout)).fields.get("count")
        except ProcessLost as error:
            raise MethodError(
                f"the process of the method {self.name!r} could not count GPUs: {error}{process.wrote()}"
            ) from error
        if not isinstance(count, int):
            raise Nonsense(f"the process of the method {self.name!r} counts {str(count)[:40]} GPUs")
        return count

    def end(self) -> None:
        """End its process; the next question starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _answers(self, queries: Sequence[Query]) -> list[Grounding]:
        process = self._living() or self._again()
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

    def _living(self) -> MethodProcess | None:
        return self._process if self._process is not None and self._process.alive else None

    def _again(self) -> MethodProcess:
        """A process that is set up as the last one was."""
        try:
            return self._set_up(self._built_anew())
        except SetupFailed:
            raise
        except Exception as error:
            raise SetupFailed(f"the method {self.name!r} could not be set up again: {said(error)}") from error

    def _set_up(self, process: MethodProcess) -> MethodProcess:
        """Set up, with another process where one ends over it."""
        for left in reversed(range(_TRIES)):
            try:
                self._note(process.ask(Frame("setup", {"device": self._device}), _patience(self._timeout)))
                self._process = process
                return process
            except ProcessLost as error:
                if left and isinstance(error, ProcessEnded):
                    process = self._built_anew()
                    continue
                times = f", {_TRIES} times in all" if isinstance(error, ProcessEnded) else ""
                raise SetupFailed(
                    f"the method {self.name!r} could not be set up on {self._device}: {error}{times}{process.wrote()}"
                ) from error
        raise AssertionError

    def _built_anew(self) -> MethodProcess:
        process = self._fresh()
        self._built(process)
        return process

    def _fresh(self) -> MethodProcess:
        process, _ = _started(self._spec, self._python, self.name)
        return process

    def _built(self, process: MethodProcess) -> dict[str, Any]:
        usual = self.Options()
        given = {one.name: getattr(self.options, one.name) for one in fields(self.Options)}
        settings = {name: value for name, value in given.items() if value != getattr(usual, name)}
        try:
            sent = {name: value_out(value) for name, value in settings.items()}
        except TypeError as error:
            process.kill()
            raise MethodError(f"the options of the method {self.name!r} cannot travel: {error}") from error
        try:
            answer = process.ask(Frame("build", {"settings": sent}), _patience(self._timeout))
        except Exception as error:
            process.kill()
            if isinstance(error, ProcessLost):
                raise MethodError(f"the method {self.name!r} cannot be built: {error}{process.wrote()}") from error
            raise
        self._process = process
        self._note(answer)
        return answer.fields

    def _description(self) -> dict[str, Any]:
        if self._described is None:
            process = self._living() or self._built_anew()
            wanted = {"weights_id": (str, type(None)), "weights_fingerprint": str, "options": dict, "fingerprint": str}
            try:
                found = process.ask(Frame("describe"), _patience(self._timeout)).fields
            except ProcessLost as error:
                raise MethodError(
                    f"the method {self.name!r} could not be described: {error}{process.wrote()}"
                ) from error
            if not all(isinstance(found.get(name), kind) for name, kind in wanted.items()):
                raise Nonsense(f"the process of the method {self.name!r} does not describe it")
            self._described = found
        return self._described

    def _note(self, answer: Frame) -> None:
        seen: FilesSeen = self.__dict__["_files_seen"]
        seen.read |= set(map(str, answer.fields.get("undeclared", ())))


def check_timeout(timeout: float | None, methods: Iterable[GroundingMethod]) -> None:
    """Refuse a time limit that nothing would keep.

    Raises:
        MethodError: If one is given, and all methods run in this Python.
    """
    if timeout is not None and not any(isinstance(one.answering(), IsolatedMethod) for one in methods):
        raise MethodError(
            "a time limit counts for methods in another environment only; give them one with --python, or leave it out"
        )


def release(method: GroundingMethod) -> None:
    """End the process of a method in another Python, with the memory that it holds; others are left as they are."""
    asked = method.answering()
    if isinstance(asked, IsolatedMethod):
        asked.end()


def _started(spec: str, python: Path, label: str) -> tuple[MethodProcess, Mapping[str, Any]]:
    """A process that has loaded the method, and what it says of it."""
    process = MethodProcess(python, label)
    try:
        return process, process.ask(Frame("load", {"spec": spec}), _patience(place().timeout)).fields
    except ProcessLost as error:
        raise MethodError(f"the method {label!r} cannot be loaded by {python}: {error}{process.wrote()}") from error
    except MethodError:
        process.kill()
        raise


def _class_of(hello: Mapping[str, Any], spec: str, python: Path) -> type[IsolatedMethod]:
    """The class of what a process says of the method that it has loaded.

    Raises:
        MethodError: If it needs the data set, or its options cannot travel, or what is said is nonsense.
    """
    try:
        name = str(hello["name"])
        if hello["control"]:
            raise MethodError(
                f"the control {name!r} reads the samples of a data set, so it runs in this Python only; "
                "leave --python out, or give it to the other methods alone, as ALIAS=PATH"
            )
        attributes = {
            **_attributes(hello),
            "__doc__": hello["doc"],
            "__qualname__": str(hello["class"]),
            "revision": str(hello["revision"]),
            "Options": options_in(hello["options"]),
            "packages": {"python": hello["python"], **{k: v for k, v in hello["packages"].items() if v}},
            "_spec": spec,
            "_python": python,
            "_timeout": place().timeout,
            "_by_image": bool(hello["by_image"]),
            "_found": {"python": str(hello["python"]), "requirements": dict(hello["requirements"])},
        }
        made = type(str(hello["class"]).rpartition(".")[2], (IsolatedMethod,), attributes)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Nonsense(f"the process of the method {spec} says nonsense of it: {said(error)}") from error
    check_method_class(made)
    return made


def _attributes(said_there: Mapping[str, Any]) -> dict[str, Any]:
    """What a class or an instance states of itself; a property's value is known of instances only."""
    return {
        name: tuple(said_there[name]) if isinstance(said_there[name], list) else said_there[name]
        for name in STATED
        if name in said_there
    }


def _memory(said_there: Any) -> dict[str, float]:
    """What a process says of its memory, as far as it is that."""
    found = said_there.items() if isinstance(said_there, dict) else ()
    return {place: float(mb) for place, mb in found if place in ("host", "gpu") and isinstance(mb, int | float)}


def _patience(timeout: float) -> float:
    """Seconds for what is not an answer: weights may have to be read, or brought, first."""
    return max(timeout, TIMEOUT)
