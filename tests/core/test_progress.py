"""Progress where nobody watches a bar."""

import pytest

from groundcxr.core import progress as module
from groundcxr.core.progress import progress


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when told to."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_a_log_gets_a_line_now_and_then(clock, capsys):
    with progress("ground mine", 1160) as advance:
        # What a resumed run finds done goes by in no time.
        advance(1000)
        for _ in range(8):
            clock(10)
            advance(10)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "ground mine: 1030 of 1160, 0:00:30 so far",
        "ground mine: 1060 of 1160, 0:01:00 so far, about 0:01:40 left",
    ]


def test_what_is_done_soon_leaves_no_line(clock, capsys):
    with progress("score v1", 3) as advance:
        for _ in range(3):
            clock(5)
            advance()
    assert capsys.readouterr().err == ""
