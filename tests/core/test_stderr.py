"""What is said on standard error is said, or lost; it never ends what says it."""

import io
import sys

import pytest

from groundcxr.core.stderr import say


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [Full(), closed(), None])
def test_a_stream_that_takes_nothing_is_left_alone(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    say("a line")


def test_a_line_is_written(capsys):
    say("a line")
    assert capsys.readouterr().err == "a line\n"
