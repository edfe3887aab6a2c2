"""Progress where nobody watches a bar."""

import pytest

from groundcxr.core import progress as module
from groundcxr.core.progress import Pace, progress, without_progress


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when told to."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_a_line_tells_how_far_it_is_and_what_is_left(clock):
    pace = Pace(1160)
    # What a resumed run finds done goes by in no time, so it says nothing of the pace.
    pace.advance(1000, at_hand=True)
    assert pace.line("ground mine") == "ground mine: 1000 of 1160, 0:00:00 so far"
    clock(60)
    pace.advance(10)
    assert pace.line("ground mine") == "ground mine: 1010 of 1160, 0:01:00 so far, about 0:15:00 left"
    # The first step had a model to load; the pace is that of the others.
    clock(30)
    pace.advance(30)
    assert pace.line("ground mine") == "ground mine: 1040 of 1160, 0:01:30 so far, about 0:02:00 left"
    clock(30)
    assert pace.line("ground mine") == "ground mine: 1040 of 1160, 0:02:00 so far, about 0:01:30 left"
    # No promise that nothing keeps.
    clock(91)
    assert pace.line("ground mine") == "ground mine: 1040 of 1160, 0:03:31 so far"


def test_the_time_left_is_steady_although_steps_come_in_bursts(clock):
    pace = Pace(1000)
    clock(20)
    pace.advance(10)
    told = []
    while pace.done < 900:
        for seconds in (0.1, 3.9):
            clock(seconds)
            pace.advance(10)
        told.append(pace.left() / ((1000 - pace.done) * 0.2))
    assert all(abs(share - 1) < 0.01 for share in told)


def test_hidden_progress_leaves_no_line(monkeypatch, capsys):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0)
    with without_progress(), progress("score v1", 3) as advance:
        advance(3)
    assert capsys.readouterr().err == ""


def test_a_log_gets_lines_also_while_a_single_step_takes_long(monkeypatch, capsys):
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0)
    with progress("ground mine", 2):
        told = ""
        while "ground mine: 0 of 2, 0:00:00 so far\n" not in told:
            told += capsys.readouterr().err
    assert capsys.readouterr().out == ""


def test_what_is_done_soon_leaves_no_line(capsys):
    with progress("score v1", 3) as advance:
        for _ in range(3):
            advance()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("terminal", ["", "1"])
def test_where_threads_are_refused_there_is_no_progress_and_no_error(monkeypatch, capsys, terminal):
    def refuse(*arguments, **named):
        raise RuntimeError("can't start new thread")

    monkeypatch.setenv("FORCE_COLOR", terminal)  # Rich takes it for a terminal
    monkeypatch.setattr("threading.Thread.start", refuse)
    done = []
    with progress("score v1", 3) as advance:
        for step in range(3):
            advance()
            done.append(step)
    assert done == [0, 1, 2]
    assert "Traceback" not in capsys.readouterr().err
