"""Another Python: an environment that holds NumPy and nothing else.

Its interpreter is this one's; by hand, all of it is tried with an old one that has NumPy:
GROUNDCXR_OLD_PYTHON=/envs/old/bin/python pytest tests/methods/isolated
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from groundcxr.methods.isolated.method import release
from groundcxr.methods.isolated.place import placed
from groundcxr.methods.loading import build_method


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory) -> Path:
    """The interpreter of the other environment."""
    folder = tmp_path_factory.mktemp("elsewhere")
    base = os.environ.get("GROUNDCXR_OLD_PYTHON", sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", folder / "env"], check=True)
    only = folder / "only"
    only.mkdir()
    where = "import numpy; print(numpy.__file__)"
    packages = Path(subprocess.run([base, "-c", where], check=True, capture_output=True, text=True).stdout).parents[1]
    for found in (*packages.glob("numpy"), *packages.glob("numpy.libs"), *packages.glob("numpy-*.dist-info")):
        (only / found.name).symlink_to(found)
    (only / "only_there.py").write_text("VALUE = 7.0\n")
    (site,) = (folder / "env").glob("lib/*/site-packages")
    (site / "numpy.pth").write_text(f"{only}\n")
    return folder / "env/bin/python"


@pytest.fixture
def isolated(elsewhere):
    """Builds a method there; its process ends with the test."""
    built = []

    def build(spec, settings=None, timeout=None, python=elsewhere):
        with placed(python, timeout):
            method = build_method(str(spec), settings)
        built.append(method)
        return method

    yield build
    for method in built:
        release(method)


@pytest.fixture
def write(tmp_path):
    """Writes a method file."""

    def write(text: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write
