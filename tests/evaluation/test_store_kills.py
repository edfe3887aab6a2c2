"""Kill -9 at any moment, of two runs that write one store at once: what was stored is there, and a rerun ends it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MOMENTS = Path(__file__).parent / "store_kills.py"
SHIM = """
#include <errno.h>
int flock(int descriptor, int operation) { errno = ENOSYS; return -1; }
"""


def killed(tmp_path, moments, seed, **environment):
    command = [sys.executable, MOMENTS, str(tmp_path / "stores"), str(moments), str(seed)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=600, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{moments} moments")
    assert int(done.stdout.split()[-1]) > moments / 2


def test_two_writers_killed_at_a_dozen_moments(tmp_path):
    killed(tmp_path, 12, 1)


@pytest.mark.slow
def test_two_writers_killed_at_two_hundred_moments(tmp_path):
    killed(tmp_path, 200, 2)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_the_same_on_a_disk_without_locks(tmp_path):
    (tmp_path / "shim.c").write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", "shim.so", "shim.c"], cwd=tmp_path, check=True)
    killed(tmp_path, 200, 3, LD_PRELOAD=str(tmp_path / "shim.so"))
