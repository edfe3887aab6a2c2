"""The script for a GPU machine runs to its end on a CPU, in tiny sizes, and sees answers that differ."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(*command, cwd):
    return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu") / "answers"
    made = run(sys.executable, BENCHMARKS / "gpu_agree.py", "make", folder, "--smoke", cwd=folder.parent)
    assert made.returncode == 0, made.stderr
    return folder


def script(answers, tmp_path, *options):
    given = ("--smoke", "--answers", answers, "--out", tmp_path / "out", *options)
    return run("env", f"PYTHON={sys.executable}", "bash", BENCHMARKS / "gpu.sh", *given, cwd=tmp_path)


@pytest.mark.xdist_group("gpu-script")
def test_all_parts_run_to_their_end(answers, tmp_path):
    done = script(answers, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    parts = {number: (tmp_path / "out" / f"part{number}.txt").read_text() for number in (1, 2, 3)}
    for number, text in parts.items():
        assert f"part {number}: exit code 0" in text
    assert "| clip-phantom | 0.0e+00 |" in parts[1]
    assert "times the published procedure's rate" in parts[2]
    assert "bfloat16 against float32" in parts[2]
    assert "images/s" in parts[3]
    rows = dict(line.strip("| ").split(" | ")[:3:2] for line in parts[3].splitlines() if re.match(r"\|.* thread", line))
    assert {"decoding", "networks and maps", "store", "scoring"} <= set(rows)
    assert all(float(seconds) > 0 for seconds in rows.values())


@pytest.mark.xdist_group("gpu-script")
def test_answers_that_differ_are_seen(answers, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(answers, other)
    with np.load(other / "clip-phantom.npz") as stored:
        content = dict(stored)
    content["maps"][0, 0, 0] ^= 200  # of 65,535
    np.savez(other / "clip-phantom.npz", **content)
    done = script(other, tmp_path, "--parts", "1")
    assert done.returncode == 1
    assert "| differs |" in next(line for line in done.stdout.splitlines() if "clip-phantom" in line)
    assert "part 2" not in done.stdout
