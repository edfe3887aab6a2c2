"""Work in threads, and without them where the system gives none."""

import threading

import pytest

from groundcxr.core.progress import progress
from groundcxr.core.threads import mapped


def refuse_after(monkeypatch, count):
    real, left = threading.Thread.start, [count]

    def start(self):
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("can't start new thread")
        real(self)

    monkeypatch.setattr(threading.Thread, "start", start)


@pytest.mark.parametrize("threads", [0, 2, 100])
def test_every_item_is_worked_on_once_whatever_threads_there_are(monkeypatch, threads):
    refuse_after(monkeypatch, threads)
    seen, told = [], []
    assert mapped(lambda item: seen.append(item) or item * 2, range(50), 8, lambda: told.append(1)) == [
        item * 2 for item in range(50)
    ]
    assert sorted(seen) == list(range(50))
    assert len(told) == 50
    assert mapped(str, [], 8) == []


@pytest.mark.parametrize("threads", [0, 3])
def test_what_the_function_raises_is_raised_and_the_rest_left(monkeypatch, threads):
    refuse_after(monkeypatch, threads)
    seen = []

    def break_at_five(item):
        seen.append(item)
        if item == 5:
            raise ValueError("five")

    with pytest.raises(ValueError, match="five"):
        mapped(break_at_five, range(10_000), 4)
    assert len(seen) < 10_000


def test_an_interruption_is_not_lost_to_an_error_of_another_thread():
    here, both_begun = threading.current_thread(), threading.Barrier(2, timeout=10)

    def interrupted(item):
        both_begun.wait()
        if threading.current_thread() is not here:
            raise ValueError(item)
        for helper in set(threading.enumerate()) - before - {here}:
            helper.join(10)
        raise KeyboardInterrupt

    before = set(threading.enumerate())

    with pytest.raises(KeyboardInterrupt):
        mapped(interrupted, range(2), 2)


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_does_without_threads(monkeypatch, terminal):
    refuse_after(monkeypatch, 0)
    monkeypatch.setenv("FORCE_COLOR", "1" if terminal else "")
    with progress("work", 3) as advance:
        advance()
        advance(2)
