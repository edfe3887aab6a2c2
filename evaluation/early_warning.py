"""Warnings while a method still works: that nothing it was asked so far has an answer that marks anything.

A method that fails in the same way on every sample is found out after a few images, and not at the end of a night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core import GroundCXRError, Grounding, Sample, StoppedError
from ..core.sizes import counted
from ..core.stderr import say
from .prediction import Failure, Prediction
from .reasons import Reasons
from .written import read

if TYPE_CHECKING:
    from .answers import GivenPart

_IMAGES = 8
"""After so many images in which nothing was marked, that is said."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sample, without its map: small enough to be sent from another machine.

    Attributes:
        sample_id: The sample.
        image: What its image is told apart by.
        failure: Why it has no answer; None where it has one.
        empty: Whether its answer marks nothing.
    """

    sample_id: str
    image: str
    failure: Failure | None
    empty: bool

    @classmethod
    def of(cls, sample: Sample, prediction: Prediction) -> Outcome:
        """The outcome that an answer stands for."""
        prediction, _ = read(prediction, sample.image_size)
        failure = prediction if isinstance(prediction, Failure) else None
        empty = not isinstance(prediction, Failure) and marks_nothing(prediction)
        return cls(sample.sample_id, str(sample.image_path), failure, empty)


Listener = Callable[[Sequence[Outcome]], object]
"""Told what became of the samples of each batch, after they were stored."""


def marks_nothing(answer: Grounding) -> bool:
    """Whether an answer has no box, and no map or one whose values are all equal."""
    if answer.boxes:
        return False
    if answer.heatmap is None:
        return True
    values = answer.heatmap.values
    # The corners first: of most maps they differ, and the whole need not be read.
    return bool(values[0, 0] == values[-1, -1]) and bool((values == values[0, 0]).all())


def check_limit(stop_after: int | None) -> None:
    """Refuse a number of failures that ends a run before it begins.

    Raises:
        GroundCXRError: If it is below 1.
    """
    if stop_after is not None and stop_after < 1:
        raise GroundCXRError(f"to stop after {stop_after} failures does not fit: give at least 1 failure")


class EarlyWarning:
    """Looks at what becomes of one method's samples in one run; what earlier runs have stored is not counted."""

    def __init__(self, label: str, stop_after: int | None = None, *, debug: bool = False) -> None:
        """Nothing is seen yet.

        Args:
            label: The method, as tables show it.
            stop_after: After so many failed samples the method is ended; None for never.
            debug: Whether the traceback of each new reason for failing is told.
        """
        self._debug = debug
        self._label = label
        self._stop_after = stop_after
        self._images: set[str] = set()
        self._samples = self._failed = self._empty = 0
        self._first_empty = ""
        self._reasons = Reasons()
        self._warned = False

    def see(self, outcomes: Sequence[Outcome]) -> None:
        """Look at the outcomes of a batch.

        Raises:
            StoppedError: If as many samples have failed as may.
        """
        for one in outcomes:
            self._images.add(one.image)
            self._samples += 1
            if one.failure is not None:
                self._failed += 1
                is_new = self._reasons.add(one.sample_id, one.failure)
                if is_new and self._debug and one.failure.trace:
                    say(f"{self._label}, sample {one.sample_id}:\n{one.failure.trace}")
            elif one.empty:
                self._empty += 1
                self._first_empty = self._first_empty or one.sample_id
        if self._stop_after is not None and self._failed >= self._stop_after:
            raise StoppedError(self._stopped())
        if not self._warned and self._nothing_marked() and len(self._images) >= _IMAGES:
            self._warned = True
            self._tell(f"{self._label} has marked nothing so far in this run, in {self._seen()}: {self._counts()}")

    def passing(self, parts: Iterable[GivenPart]) -> Iterator[GivenPart]:
        """The answers of a control, which are not stored, each part looked at as it passes."""
        for part in parts:
            self.see([Outcome.of(one.sample, one.prediction) for one in part.given])
            yield part
        self.end()

    def end(self) -> None:
        """Say at the end what came of a warning, or that nothing was marked in all the run."""
        if self._samples and self._nothing_marked():
            self._tell(f"{self._label} has marked nothing in this run, in {self._seen()}: {self._counts()}")
        elif self._warned:
            self._tell(
                f"{self._label} marked nothing in its first images but did later, in {self._seen()}: {self._counts()}"
            )

    def _nothing_marked(self) -> bool:
        return self._failed + self._empty == self._samples

    def _seen(self) -> str:
        return counted(len(self._images), "image")

    def _counts(self) -> str:
        """How many samples failed and came back empty, where there are any."""
        of = f"of {counted(self._samples, 'sample')}"
        failed = f"{self._failed} {of} failed" if self._failed else ""
        empty = f"{self._empty} {of} came back empty (no box, and no map or one of equal values)" if self._empty else ""
        return ", ".join(filter(None, (failed, empty)))

    def _tell(self, sentence: str) -> None:
        say(f"warning: {sentence}")
        say(f"  {self._example()}")

    def _example(self) -> str:
        if not self._failed:
            return f"for example sample {self._first_empty}"
        reason = self._reasons.commonest()[0]
        return f"the commonest reason, {_times(reason.count)}: {reason.message} (sample {reason.sample_id})"

    def _stopped(self) -> str:
        return (
            f"{self._label} was stopped: {self._failed} of {counted(self._samples, 'sample')} failed and the limit is "
            f"{self._stop_after}, {self._example()}; what was made is kept and no result is written (that of an "
            "earlier run stays); mend the cause and run the same again, which goes on from there and asks again what "
            "failed"
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
