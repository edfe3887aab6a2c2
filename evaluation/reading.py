"""Reading ahead: threads hash and decode the images of the next batches while the method works on one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Thread
from types import TracebackType

from ..core import Radiograph
from ..core.machine import cpu_count
from ..core.threads import start
from ..methods.watching import unwatched
from .plan import Batch, ImageTask
from .prediction import Failure

AHEAD_BYTES = 256 * 2**20
"""What may be held of images that the method has not got yet: a dozen films or more."""

_MOST_BATCHES = 64
_THREADS = 8


def reading_threads() -> int:
    """How many threads read: one for each processor, two at least, since one may wait for a disk."""
    return min(max(cpu_count(), 2), _THREADS)


@dataclass(eq=False)
class Seen:
    """What has been found out about one image.

    Attributes:
        task: The image, and who asks about it.
        sha256: The hash of its file; "" where that could not be read.
        known: Which of its samples the store knows, and whether it has an answer.
        content: The file's bytes, where they had to be read for the hash and are still to be decoded.
        image: The image, where it has been decoded.
        failure: Why there is none.
    """

    task: ImageTask
    sha256: str = ""
    known: Mapping[int, bool] = field(default_factory=dict)
    content: bytes | None = None
    image: Radiograph | None = None
    failure: Failure | None = None

    @property
    def readable(self) -> bool:
        """Whether nothing was found to be wrong with it."""
        return self.failure is None

    @property
    def lacks(self) -> bool:
        """Whether the store does not know all of its samples."""
        return self.readable and len(self.known) < len(self.task.samples)

    @property
    def held(self) -> int:
        """Bytes of it in memory."""
        arrays = () if self.image is None else (self.image.pixels, self.image.padding)
        return len(self.content or b"") + sum(array.nbytes for array in arrays if array is not None)


@dataclass(eq=False)
class _Ahead:
    """A batch on its way: `seen` holds what is found so far, `waiting` the places whose next step is not begun."""

    tasks: Batch
    seen: dict[int, Seen] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    busy: int = 0
    ready: bool = False
    error: BaseException | None = None


class ReadAhead:
    """Batches in order, each looked at and decoded as far as it is wanted, the next ones meanwhile by threads.

    A context manager: when it is left, no thread works on. Threads are started when the first file is read, so that
    there are none where nothing is; the calling thread works too whenever it has to wait, so it gets on without any.

    Args:
        batches: In the order in which they are given.
        look: Finds out what an image is and whether the store knows it.
        decode: Decodes an image that was looked at.
        wanted: Which images of a batch are to be decoded, now that this is known of them; asked again after that until
            there are none. What is wanted must be neither decoded nor unreadable.
        expected: Bytes that an image will take in memory.
        threads: How many threads read.
        budget: Bytes that may be held of the batches that were not given yet. The next one is read whole in any case
            once it is waited for.
    """

    def __init__(
        self,
        batches: Sequence[Batch],
        look: Callable[[ImageTask], Seen],
        decode: Callable[[Seen], None],
        wanted: Callable[[Sequence[Seen]], Collection[Seen]],
        expected: Callable[[ImageTask], int],
        threads: int,
        budget: int = AHEAD_BYTES,
    ) -> None:
        self._coming = iter(batches)
        self._worth_threads = sum(map(len, batches)) > 1
        self._look, self._decode, self._wanted, self._expected = look, decode, wanted, expected
        self._threads, self._budget = threads, budget
        self._window: list[_Ahead] = []
        self._helpers: list[Thread] = []
        self._changed = Condition()
        self._busy = 0
        self._awaited = self._resting = self._ended = False

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for helper in self._helpers:
            helper.join()
        self._window.clear()

    def __iter__(self) -> Iterator[list[Seen]]:
        """Each batch; its images are let go of when the next one is asked for.

        Raises:
            BaseException: What `look` or `decode` raised for an image of the batch.
        """
        while (batch := self._next()) is not None:
            seen = [batch.seen[place] for place in range(len(batch.tasks))]
            yield seen
            for one in seen:
                one.image = one.content = None

    @contextmanager
    def resting(self) -> Iterator[None]:
        """No thread reads in the block."""
        with self._changed:
            self._resting = True
            self._changed.wait_for(lambda: self._busy == 0)
        try:
            yield
        finally:
            with self._changed:
                self._resting = False
                self._changed.notify_all()

    def _next(self) -> _Ahead | None:
        """The next batch, once all of it is there."""
        while True:
            with self._changed:
                if not self._window and not self._extend():
                    return None
                head = self._window[0]
                self._awaited = True
                if head.error is None and not head.ready:
                    step = self._take(only_next=True)
                    if step is None:
                        self._changed.wait()
                        continue
                else:
                    self._awaited = False
                    self._window.pop(0)
                    self._changed.notify_all()
                    if head.error is not None:
                        raise head.error
                    return head
            batch, place = step
            if place in batch.seen:  # it is decoded now, and more will be
                self._start()
            self._do(batch, place)
            if place in batch.seen and batch.seen[place].content is not None:
                self._start()

    def _start(self) -> None:
        if self._worth_threads and not self._helpers:
            self._helpers = start(self._help, self._threads)

    def _help(self) -> None:
        with unwatched():
            while True:
                with self._changed:
                    while (step := self._take()) is None and not self._ended:
                        self._changed.wait()
                if step is None:
                    return
                self._do(*step)

    def _extend(self) -> bool:
        tasks = next(self._coming, None) if len(self._window) < _MOST_BATCHES else None
        if tasks is not None:
            self._window.append(_Ahead(tasks, waiting=list(range(len(tasks)))))
        return tasks is not None

    def _take(self, *, only_next: bool = False) -> tuple[_Ahead, int] | None:
        """The next step that may begin, in the batches' order: which batch and image it is of."""
        if self._resting or self._ended:
            return None
        number = 0
        while number < len(self._window) or (not only_next and self._extend()):
            batch = self._window[number]
            if batch.waiting and batch.error is None:
                place = batch.waiting[0]
                more = 0 if place in batch.held else self._expected(batch.tasks[place])
                ahead = sum(sum(each.held.values()) for each in self._window)
                if ahead + more > self._budget and not (number == 0 and self._awaited):
                    return None
                batch.held.setdefault(place, more)
                batch.waiting.pop(0)
                batch.busy += 1
                self._busy += 1
                return batch, place
            if only_next:
                return None
            number += 1
        return None

    def _do(self, batch: _Ahead, place: int) -> None:
        """One step: a look at an image, or its decoding once it was looked at."""
        try:
            if place in batch.seen:
                self._decode(batch.seen[place])
            else:
                batch.seen[place] = self._look(batch.tasks[place])
        except BaseException as error:  # told when it is this batch's turn
            batch.error = batch.error or error
        with self._changed:
            batch.busy -= 1
            self._busy -= 1
            if batch.error is None:
                batch.held[place] = max(batch.held[place], batch.seen[place].held)
                if not batch.waiting and not batch.busy:
                    self._go_on(batch)
            self._changed.notify_all()

    def _go_on(self, batch: _Ahead) -> None:
        """What a batch needs next, after a round of steps."""
        wanted = self._wanted([batch.seen[place] for place in range(len(batch.tasks))])
        batch.waiting = [place for place in range(len(batch.tasks)) if batch.seen[place] in wanted]
        if not batch.waiting:
            for place, seen in batch.seen.items():
                seen.content = None
                batch.held[place] = seen.held
            batch.ready = True
