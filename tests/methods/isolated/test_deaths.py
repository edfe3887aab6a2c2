"""A method's process that dies, hangs or talks nonsense costs the guilty sample only, and is never left behind."""

import json
import os
import select
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from groundcxr import GroundCXRError, Query, Radiograph
from groundcxr.evaluation.asking import ground_safely, set_up
from groundcxr.evaluation.prediction import Failure
from groundcxr.methods.isolated import frames
from groundcxr.methods.isolated import method as isolated_method
from groundcxr.methods.isolated.errors import SetupFailed

HARMFUL = """
import os, signal, socket, sys, threading
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap

def sockets():
    for number in range(3, 4096):  # as high as the socket may be among the files that the parent has open
        try:
            yield socket.socket(fileno=os.dup(number))
        except OSError:
            pass

class Harmful(GroundingMethod):
    def ground(self, image, phrases):
        print("asked", "+".join(phrases))
        return [self.one(image, phrase) for phrase in phrases]

    def one(self, image, phrase):
        if HARM:
            if "hang" in phrase: threading.Event().wait()
            if "signal" in phrase: os.kill(os.getpid(), signal.SIGSEGV)
            if "exit" in phrase: print("last words", end="", flush=True); os._exit(3)
            if "kill" in phrase: os.kill(os.getpid(), signal.SIGKILL)
            if "nonsense" in phrase:
                for one in sockets(): one.sendall(b"<html>this is no frame of any protocol</html>")
        return Grounding(Heatmap.whole([[float(len(phrase)), image.pixels.sum()]], image.size))
"""

BATCH = """
class Batch(Harmful):
    def ground_batch(self, queries):
        return self.ground(queries[0].image, [query.phrase for query in queries])
"""


@pytest.fixture
def harmful(write):
    return write("HARM = True\n" + HARMFUL)


def image(shade):
    return Radiograph.from_array(np.full((4, 5), shade, dtype=np.uint8))


def ask(method, *images):
    """Asks about images, each with some phrases; the answers' first cell, or why there is none."""
    batch = [
        Query(one, phrase, "") for one, phrases in zip(map(image, range(9)), images, strict=False) for phrase in phrases
    ]
    return [str(a) if isinstance(a, Failure) else float(a.heatmap.values[0, 0]) for a in ground_safely(method, batch)]


def asked(err):
    return [line.partition(": asked ")[2] for line in err.splitlines() if ": asked " in line]


def test_only_the_guilty_phrase_fails_and_nothing_is_asked_twice_that_was_answered(harmful, isolated, capsys):
    method = isolated(harmful, timeout=1)
    set_up(method, "cpu")
    found = ask(method, ["a"], ["bb", "signal", "ccc"], ["exit"], ["hang"], ["dddd"])
    assert found == [
        1,
        2,
        "ProcessEnded: the method's process ended: signal 11 (segmentation fault)",
        3,
        "ProcessEnded: the method's process ended: exit status 3",
        "NoAnswer: no answer within 1 s",
        4,
    ]
    method.end()
    err = capsys.readouterr().err
    assert asked(err) == ["a", "bb+signal+ccc", "bb", "signal", "ccc", "exit", "hang", "dddd"]
    assert "Harmful: last words" in err.splitlines()


def test_a_batch_at_once_is_asked_again_image_by_image_then_phrase_by_phrase(write, isolated, capsys):
    method = isolated(f"{write('HARM = True' + HARMFUL + BATCH)}:Batch")
    set_up(method, "cpu")
    found = ask(method, ["a", "bb"], ["ccc", "nonsense"])
    assert found[:3] == [1, 2, 3]
    assert found[3].startswith("Nonsense: the method's process answered nonsense: it is no message of this protocol")
    method.end()
    assert asked(capsys.readouterr().err) == ["a+bb+ccc+nonsense", "a+bb", "ccc+nonsense", "ccc", "nonsense"]


def test_an_answer_that_only_drips_in_is_too_late(write, isolated):
    body = """for one in sockets():
                    one.sendall(struct.pack("<4sIQQ", b"gcxr", 1, 2**20, 0))
                    while True:
                        one.sendall(b" ")
                        threading.Event().wait(0.02)"""
    text = HARMFUL.replace("import os, ", "import os, struct, ").replace("threading.Event().wait()", body, 1)
    method = isolated(
        write("HARM = True" + text.replace('"hang" in phrase: ', '"hang" in phrase:\n                ')), timeout=0.5
    )
    set_up(method, "cpu")
    assert ask(method, ["hang"]) == ["NoAnswer: no answer within 0.5 s"]


def test_a_kill_is_told_with_what_it_usually_means(harmful, isolated):
    method = isolated(harmful)
    set_up(method, "cpu")
    (told,) = ask(method, ["kill"])
    assert told == "ProcessEnded: the method's process ended: signal 9 (killed; usually because memory ran out)"


def test_a_run_scores_the_others_as_in_process(groundcxr, manifest, write, elsewhere, tmp_path):
    text = HARMFUL.replace('"signal"', '"opacity 3"').replace('"exit"', '"opacity 1"')
    common = ["--dataset", "manifest", "--root", manifest]
    ran = groundcxr("evaluate", "--method", write("HARM = True" + text), "--python", elsewhere, *common, "--out", "a")
    assert ran.code == 1
    assert "ProcessEnded: the method's process ended: signal 11 (segmentation fault)" in ran.err
    assert "ProcessEnded: the method's process ended: exit status 3" in ran.err
    assert "2 of 5 samples failed" in ran.err
    assert "Harmful: asked opacity 0+another one" in ran.err.splitlines()
    assert "asked" not in ran.out
    assert groundcxr("evaluate", "--method", write("HARM = False" + text), *common, "--out", "b").code == 0
    apart, whole = (pd.read_parquet(next((tmp_path / out).rglob("samples.parquet"))) for out in "ab")
    good = apart["error"].isna()
    numbers = [name for name in apart if name not in ("prediction_key", "seconds")]
    pd.testing.assert_frame_equal(apart[good][numbers], whole[good][numbers])
    assert good.sum() == 3


SETUP = """
import os, pathlib, sys, threading
from groundcxr import GroundingMethod
class Slow(GroundingMethod):
    def setup(self, device):
        print("loading")
        {body}
"""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "os._exit(7)",
            "the method 'Slow' could not be set up on cpu: the method's process ended: exit status 7, 3 times in all; "
            "the last that it wrote: loading",
        ),
        (
            "raise ValueError('no weights')",
            "the method 'Slow' could not be set up on cpu: mine.py:7 in setup: ValueError: no weights",
        ),
    ],
)
def test_what_cannot_be_set_up_ends_the_run(write, groundcxr, elsewhere, body, words):
    ran = groundcxr("evaluate", "--method", write(SETUP.format(body=body)), "--python", elsewhere, "--limit", 1,
                    "--timeout", 0.5)  # fmt: skip
    assert ran.code == 2
    (error,) = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert words in error
    assert ran.err.count("Slow: loading") == (3 if "_exit" in body else 1)


def test_a_method_that_is_never_set_up_is_not_waited_for_again(write, isolated, monkeypatch):
    method = isolated(write(SETUP.format(body="threading.Event().wait()")))
    monkeypatch.setattr(isolated_method, "patience", lambda timeout: 0.3)
    with pytest.raises(SetupFailed, match=r"could not be set up on cpu: no answer within 0\.3 s"):
        set_up(method, "cpu")


def test_a_method_that_cannot_be_set_up_again_ends_the_run(write, isolated, tmp_path):
    body = f"file = pathlib.Path({str(tmp_path / 'once')!r}); file.exists() and os._exit(5); file.touch()"
    text = SETUP.format(body=body) + "    def ground(self, image, phrases):\n        os._exit(6)\n"
    method = isolated(write(text))
    set_up(method, "cpu")
    with pytest.raises(SetupFailed, match="exit status 5, 3 times in all"):
        ask(method, ["a", "b"])


def test_an_edit_in_mid_run_ends_it_rather_than_answer_under_the_old_name(harmful, isolated):
    method = isolated(harmful)
    set_up(method, "cpu")
    harmful.write_text(harmful.read_text() + "\n# edited\n")
    assert ask(method, ["a"]) == [1]
    with pytest.raises(SetupFailed, match="'Harmful', or its environment, has been changed since the run began"):
        ask(method, ["exit"], ["a"])


def test_a_process_that_was_let_go_is_set_up_again_before_it_is_asked(write, isolated):
    text = HARMFUL.replace("def one", "def setup(self, device):\n        self.device = device\n\n    def one")
    method = isolated(write("HARM = False" + text.replace("float(len(phrase))", "float(len(self.device))")))
    set_up(method, "cpu")
    method.end()
    assert method.fingerprint()
    assert ask(method, ["a"]) == [3]


HOST = """
import sys
from groundcxr import Query, Radiograph
from groundcxr.methods.isolated.place import placed
from groundcxr.methods.loading import build_method
import numpy as np
with placed(sys.argv[1]):
    method = build_method(sys.argv[2])
method.setup("cpu")
method.ground_batch([Query(Radiograph.from_array(np.zeros((2, 2), np.uint8)), "x", "")])
"""

BUSY = """
import json, os, subprocess, sys, time
from groundcxr import GroundingMethod
class Busy(GroundingMethod):
    def ground(self, image, phrases):
        other = subprocess.Popen(["sleep", "1000"])
        with open(os.environ["PIDS"], "w") as pipe:
            json.dump([os.getpid(), other.pid], pipe)
        (10 ** 9) ** (10 ** 8)  # holds the interpreter's lock: no thread of its own could end it
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_ended_host_leaves_no_process_behind(write, elsewhere, tmp_path, number):
    os.mkfifo(tmp_path / "pids")
    environment = {**os.environ, "PIDS": str(tmp_path / "pids")}
    command = [sys.executable, "-c", HOST, elsewhere, write(BUSY)]
    host = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, cwd=tmp_path)
    with (tmp_path / "pids").open() as pipe:
        handles = [os.pidfd_open(pid) for pid in json.load(pipe)]
    assert not select.select(handles, [], [], 0)[0]
    host.send_signal(number)
    assert host.wait(20) == -number
    for handle in handles:
        assert select.select([handle], [], [], 20)[0], "a process is left"
        os.close(handle)


def test_what_a_method_writes_never_blocks_it(write, isolated, capfd):
    text = """
import os
from groundcxr import Grounding, GroundingMethod, Heatmap
class Loud(GroundingMethod):
    def ground(self, image, phrases):
        os.write(1, b"x" * 300_000 + b"\\n")
        os.write(2, b"half\\rline\\n\\x1b[2J\\xff\\n\\n")
        os.system("echo from below")
        return [Grounding(Heatmap.whole([[1.0]], image.size)) for _ in phrases]
"""
    method = isolated(write(text))
    set_up(method, "cpu")
    assert ask(method, ["a"]) == [1]
    method.end()
    out, err = capfd.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert sum(line.count("x") for line in lines if "x" * 9 in line) == 300_000
    assert [line for line in lines if "x" * 9 not in line] == [
        "Loud: half",
        "Loud: line",
        "Loud: \\x1b[2J\ufffd",
        "Loud: from below",
    ]


def test_a_refused_question_leaves_the_process_usable(harmful, isolated, monkeypatch):
    method = isolated(harmful)
    set_up(method, "cpu")
    monkeypatch.setattr(frames, "LARGEST_HEADER", 9_000)
    with pytest.raises(GroundCXRError, match="the question cannot be sent"):
        method.ground_batch([Query(image(1), "x" * 10_000, "")])
    assert ask(method, ["a"]) == [1]
