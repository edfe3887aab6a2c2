"""Reading ahead: the order, what is held at once, and that no thread is left, with a reader that is made up."""

import threading
from pathlib import Path

import numpy as np
import pytest

from groundcxr.core import Radiograph
from groundcxr.evaluation.plan import ImageTask
from groundcxr.evaluation.prediction import Failure
from groundcxr.evaluation.reading import ReadAhead, Seen

SIZE = 100


class Films:
    """Counts what is read and held; `known` are those that the store knows."""

    def __init__(self, known=(), broken=(), breaks_at=None):
        self.known, self.broken, self.breaks_at = set(known), set(broken), breaks_at
        self.looked, self.decoded, self.most = [], [], 0
        self.held = {}
        self.lock = threading.Lock()

    def look(self, task):
        number = int(task.path.name)
        with self.lock:
            self.looked.append(number)
        if number == self.breaks_at:
            raise OSError("the disk is gone")
        return Seen(task, str(number), {0: True} if number in self.known else {}, b"x" * 10)

    def decode(self, seen):
        number = int(seen.sha256)
        with self.lock:
            self.decoded.append(number)
            self.held[number] = seen
            alive = [one for one in self.held.values() if one.image is not None]
            self.most = max(self.most, len(alive) + 1)
        if number in self.broken:
            seen.failure = Failure("ImageError", "broken")
        else:
            seen.image = Radiograph.from_array(np.full((10, 10), number, dtype=np.uint8))

    def wanted(self, batch):
        return [one for one in batch if one.lacks and one.image is None]

    def ahead(self, sizes, threads, budget):
        places = iter(range(sum(sizes)))
        batches = [tuple(ImageTask(Path(str(next(places))), (0,)) for _ in range(size)) for size in sizes]
        return ReadAhead(batches, self.look, self.decode, self.wanted, lambda task: SIZE, threads, budget)


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("Thread-") and "_help" in thread.name]


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
@pytest.mark.parametrize("budget", [0, 3 * SIZE, 10_000])
def test_every_batch_comes_in_order_and_each_image_is_read_once(threads, budget):
    films = Films(known={3, 4, 5, 11}, broken={1})
    with films.ahead([3, 3, 1, 5], threads, budget) as ahead:
        given = [[(one.sha256, None if one.image is None else int(one.image.pixels[0, 0])) for one in b] for b in ahead]
    assert given == [
        [("0", 0), ("1", None), ("2", 2)],
        [("3", None), ("4", None), ("5", None)],
        [("6", 6)],
        [("7", 7), ("8", 8), ("9", 9), ("10", 10), ("11", None)],
    ]
    assert sorted(films.looked) == list(range(12))
    assert sorted(films.decoded) == [0, 1, 2, 6, 7, 8, 9, 10]
    assert readers() == []


def test_no_more_is_held_than_the_budget_and_the_batch_in_hand():
    films = Films()
    with films.ahead([2] * 30, 5, 4 * SIZE) as ahead:
        for batch in ahead:
            assert len(batch) == 2
    assert 2 < films.most <= 2 + 4


def test_a_batch_larger_than_the_budget_passes():
    films = Films()
    with films.ahead([9, 9], 2, SIZE) as ahead:
        assert [len(batch) for batch in ahead] == [9, 9]


def test_what_the_reader_raises_is_raised_at_its_batch_and_no_thread_is_left():
    films, given = Films(breaks_at=7), []

    def take_all():
        with films.ahead([2] * 10, 3, 10_000) as ahead:
            given.extend(batch[0].sha256 for batch in ahead)

    with pytest.raises(OSError, match="the disk is gone"):
        take_all()
    assert given == ["0", "2", "4"]
    assert readers() == []


def test_an_interrupt_leaves_no_thread_and_reads_no_further():
    films = Films()

    def interrupted():
        with films.ahead([1] * 1000, 3, 5 * SIZE) as ahead:
            for number, _ in enumerate(ahead):
                if number == 4:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert readers() == []
    assert len(films.looked) < 20


def test_no_thread_is_started_where_nothing_is_read():
    films = Films(known=range(20))
    films.look = lambda task: Seen(task, task.path.name, {0: True})
    with films.ahead([2] * 10, 4, 10_000) as ahead:
        for _ in ahead:
            assert readers() == []
    assert films.decoded == []


def test_while_it_rests_nothing_is_read():
    films = Films()
    with films.ahead([1] * 50, 3, 10 * SIZE) as ahead:
        for number, _ in enumerate(ahead):
            if number == 2:
                with ahead.resting():
                    before = len(films.looked), len(films.decoded)
                    assert ahead._busy == 0
                    assert (len(films.looked), len(films.decoded)) == before
    assert len(films.looked) == 50
