"""The script for a GPU machine runs to its end on a CPU, in tiny sizes, and sees answers that differ."""

import importlib
import pickle
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from groundcxr import Grounding, GroundingMethod, Heatmap
from groundcxr.methods.batch_size import BatchSize

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STANDS_FOR_PYTHON = """#!/bin/sh
case $2 in
    *"import groundcxr"*) echo "$MISSING" >&2; exit ${MISSING:+1} ;;
    *"import sys, torch"*) exit 1 ;;
esac
echo "ran $*"
[ -z "$ENDLESS" ] || sleep 600
exit $CODE
"""


@pytest.fixture(scope="module")
def agree():
    """Part 1, in this process, which has read the libraries anyway."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("gpu_agree")


@pytest.fixture(scope="module")
def answers(agree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu") / "answers"
    agree.make(folder, agree.SMOKE, agree.SMOKE_SAMPLES)
    return folder


def test_answers_that_are_there_are_not_written_over(agree, tmp_path):
    with pytest.raises(SystemExit, match="is there already; name a new folder"):
        agree.make(tmp_path, agree.SMOKE, agree.SMOKE_SAMPLES)


def script(tmp_path, *options, python=sys.executable, **environment):
    given = [f"{name}={value}" for name, value in {"PYTHON": python, **environment}.items()]
    command = ["env", *given, "bash", BENCHMARKS / "gpu.sh", *options]
    return subprocess.Popen(list(map(str, command)), cwd=tmp_path, stdout=-1, stderr=-1, text=True)


def ended(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


@pytest.fixture
def stand_in(tmp_path):
    file = tmp_path / "a python"
    file.write_text(STANDS_FOR_PYTHON)
    file.chmod(0o755)
    return file


@pytest.mark.xdist_group("gpu-script")
def test_all_parts_run_to_their_end(answers, tmp_path):
    code, out, err = ended(script(tmp_path, "--smoke", "--answers", answers, "--out", "the results"))
    assert code == 0, out + err
    parts = {number: (tmp_path / "the results" / f"part{number}.txt").read_text() for number in (1, 2, 3)}
    for number, text in parts.items():
        assert f"part {number}: exit code 0" in text
        assert text in out
    assert "| clip-phantom | 0.0e+00 |" in parts[1]
    assert "times the published procedure's rate" in parts[2]
    assert "bfloat16 against float32" in parts[2]
    costs = re.search(r"MS-CXR, 1160 phrases on 1047 images.*?\n\n", parts[2], re.DOTALL).group()
    reading, *others, whole = [int(seconds) for seconds in re.findall(r"\| (\d+) \|", costs)]
    assert reading > 0
    assert whole == pytest.approx(reading + sum(others), abs=3)  # each is rounded
    assert "the largest cost: " in parts[3]
    assert "images/s" in parts[3]
    rows = dict(line.strip("| ").split(" | ")[:3:2] for line in parts[3].splitlines() if re.match(r"\|.* thread", line))
    assert {"decoding", "networks and maps", "store", "scoring"} <= set(rows)
    assert all(float(seconds) > 0 for seconds in rows.values())


@pytest.mark.xdist_group("gpu-script")
def test_answers_that_differ_are_seen(agree, answers, tmp_path, capsys):
    folder = tmp_path / "other"
    shutil.copytree(answers, folder)
    with np.load(folder / "clip-phantom.npz") as stored:
        content = dict(stored)
    content["maps"][0, 0, 0] ^= 200  # of 65,535
    np.savez(folder / "clip-phantom.npz", **content)
    (folder / "detector_OWLv2.npz").unlink()
    assert agree.compare(folder, ("clip-phantom", "detector, OWLv2"), agree.SMOKE_SAMPLES, "cpu") == 1
    lines = {line.split("|")[1].strip(): line for line in capsys.readouterr().out.splitlines() if line.count("|") > 2}
    assert "| differs |" in lines["clip-phantom"]
    assert "FileNotFoundError" in lines["detector, OWLv2"]


class UnreadableError(Exception):
    """Is made of two things, and made anew of its text alone."""

    def __init__(self, one, other):
        super().__init__(f"{one} {other}")


def test_an_error_that_no_other_process_can_read_is_one_line(agree):
    def fails(*_):
        raise UnreadableError("first\nline", "| second")

    with pytest.raises(RuntimeError) as caught:
        agree._line(fails, "a method", Path(), 1, "cpu")
    assert str(pickle.loads(pickle.dumps(caught.value))) == "UnreadableError: first line / second"


@pytest.mark.xdist_group("gpu-script")
@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("maps", np.zeros((2, 3, 3), np.uint16), np.array([[[0] * 3] * 3, [[0] * 3, [0, 0, 99], [0] * 3]], np.uint16)),
        ("maps", np.zeros((2, 3, 3), np.uint16), np.zeros((1, 3, 3), np.uint16)),
        ("boxes", np.zeros((2, 1, 4)), np.full((2, 1, 4), 0.0011)),
        ("boxes", np.zeros((2, 1, 4)), np.zeros((2, 0, 4))),
        ("boxes", np.zeros((1, 1, 4)), np.full((1, 1, 4), np.nan)),
        ("texts", np.array(["a", "b"]), np.array(["a", "c"])),
        ("table", np.array([0.5, np.nan]), np.array([0.5, 0.5])),
        ("table", np.array([0.5, np.nan]), np.array([0.502, np.nan])),
    ],
)
def test_a_difference_of_each_kind_counts(agree, kind, one, other):
    assert agree.difference(one, other, kind) > agree.ALLOWED
    assert agree.difference(other, one, kind) > agree.ALLOWED
    assert agree.difference(one, one, kind) == agree.difference(other, other, kind) == 0


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        (["--parts", "2", "--fast"], {}, "--fast is no option"),
        (["--parts"], {}, "--parts needs a value"),
        (["--parts", "1-3"], {}, "--parts is '1-3'; write some of 1,2,3"),
        (["--parts", "1"], {}, "part 1 needs --answers FOLDER"),
        (["--parts", "2", "--wheels", "none here"], {}, "--wheels none here holds no wheels"),
        (["--parts", "2"], {}, "PyTorch finds no GPU here; --smoke"),
        (
            ["--parts", "2"],
            {"MISSING": "No module named 'pydicom'"},
            "import groundcxr: No module named 'pydicom'",
        ),
    ],
)
def test_what_cannot_run_is_refused_in_a_sentence(stand_in, tmp_path, options, environment, message):
    code, out, err = ended(script(tmp_path, *options, python=stand_in, **environment))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err


def test_a_part_that_fails_does_not_keep_the_next_from_running(stand_in, tmp_path):
    code, out, _ = ended(script(tmp_path, "--smoke", "--parts", "2,3", python=stand_in, CODE=7))
    assert code == 1
    assert re.findall(r"part \d: exit code \d", out) == ["part 2: exit code 7", "part 3: exit code 7"]
    assert "gpu_agree" not in out


ENDLESS_COMPILING = """
import signal, sys
import ldm_gpu as part
for name in ("part_flops", "published_seconds", "matmul_peak"):
    setattr(part, name, lambda *_: 1.0)
part.networks = lambda *_: (None, None)
part.build = lambda unet, vae, size, variant: variant[1] and signal.pause()
part.measured = lambda *_: part.Speed(1.0, 1.0, 1.0)
part.whole_run = part.agreement = lambda *_: print("measured before")
part.SECONDS = 0
part.SMOKE = part.PAPER
sys.argv = ["ldm_gpu.py", "--smoke", "--device", "cpu"]
part.main()
"""


def test_what_is_not_compiled_in_time_is_left_out():
    command = [sys.executable, "-c", ENDLESS_COMPILING]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(
        "measured before\n\nwhat is compiled was not done after 0 s of this part, and is left out\n"
    )


def test_what_ends_the_script_ends_its_parts(stand_in, tmp_path):
    process = script(tmp_path, "--smoke", "--parts", "2", python=stand_in, ENDLESS=1)
    while not process.stdout.readline().startswith("ran "):
        pass
    process.send_signal(signal.SIGTERM)
    # Ends when nothing holds its output any more.
    assert ended(process)[0] == 130


MEMORY = {"of a GPU": 1000, "used": 0, "most": 1000}
"""Of a stand-in for a GPU, in MiB, of which each phrase that is worked on takes one."""


class Fitting(GroundingMethod):
    """Takes no more phrases at once than memory there is; where that is too little, it is asked again."""

    def ground_batch(self, queries):
        MEMORY["used"] = max(MEMORY["used"], len(queries))
        if len(queries) > max(1, MEMORY["most"]):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [Grounding(Heatmap.whole(query.image.pixels[::16, ::16], query.image.size)) for query in queries]


class Halving(Fitting):
    """Halves what it works on itself."""

    def ground_batch(self, queries):
        parts = BatchSize(64).run(len(queries), lambda start, stop: Fitting.ground_batch(self, queries[start:stop]))
        return [answer for part in parts for answer in part]


class Careless(Fitting):
    """Has never too little."""

    def ground_batch(self, queries):
        return [answer for query in queries for answer in Fitting.ground_batch(self, [query])]


@pytest.mark.parametrize(
    ("method", "line"),
    [
        (Fitting, "5 of 10 MiB, halved to 3, 2 | 0.0e+00 | | | | | | |  |"),  # images, of one or more phrases each
        (Halving, "5 of 10 MiB, halved to 5 | 0.0e+00 | | | | | | |  |"),  # phrases
        (Careless, "0 of 1 MiB, nothing halved | 0.0e+00 | | | | | | | wrong |"),
    ],
)
def test_a_batch_that_runs_out_of_memory_is_halved(agree, tmp_path, monkeypatch, method, line):
    monkeypatch.setitem(
        agree.CASES, "stand-in", SimpleNamespace(build=lambda models: method(), samples=10, settings={})
    )
    for name in ("memory_allocated", "max_memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda name=name: MEMORY["used"] * 2**20 if "max" in name else 0)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: MEMORY.update(used=0))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (0, MEMORY["of a GPU"] * 2**20))
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda part: MEMORY.update(most=round(part * MEMORY["of a GPU"]))
    )
    agree.make(tmp_path / "answers", ("stand-in",), 10)
    found = agree.memory_runs_out(tmp_path / "answers", "stand-in", 10, "cpu")
    assert found == (f"| stand-in, memory capped to {line}", method is not Careless)
    assert MEMORY["most"] == MEMORY["of a GPU"]
