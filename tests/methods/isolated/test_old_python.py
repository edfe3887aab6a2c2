"""What a method in another environment loads of this package runs on Python 3.8 with NumPy alone."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from groundcxr import Query, Radiograph
from groundcxr.evaluation.asking import ground_safely
from groundcxr.methods import isolated as package

ROOT = Path(package.__file__).resolve().parents[2]

TELLS = """
import sys
from groundcxr import Box, Grounding, GroundingMethod, Heatmap, Query, Radiograph, GroundCXRError, register_method
from groundcxr.core.fingerprint import generator_from
class Tells(GroundingMethod):
    emits = {"heatmap", "box"}
    def ground(self, image, phrases):
        [m.__name__ for m in (Radiograph.as_unit_float, Heatmap.from_pixels)]
        own = {name: m.__file__ for name, m in sys.modules.items() if name.partition(".")[0] == "groundcxr"}
        outside = sorted({name.partition(".")[0] for name, m in sys.modules.items() if "site-packages" in
            (getattr(m, "__file__", None) or "")} - {"numpy"})
        raise RuntimeError("|".join([",".join(outside), *own.values()]))
"""


@pytest.fixture
def loaded(isolated, write):
    method = isolated(write(TELLS))
    method.setup("cpu")
    image = Radiograph.from_array(np.eye(3, dtype=np.uint8))
    (told,) = ground_safely(method, [Query(image, "a", "")])
    outside, *files = told.message.split("|")
    return outside, [Path(file).resolve() for file in files]


def test_only_what_runs_on_old_pythons_is_loaded(loaded):
    outside, files = loaded
    assert outside == ""
    assert {file.relative_to(ROOT).as_posix() for file in files} >= {
        "core/heatmap.py",
        "core/box.py",
        "core/radiograph.py",
        "core/fingerprint.py",
        "methods/base.py",
        "methods/isolated/serving.py",
    }
    start = ROOT / "methods/isolated/start.py"
    vermin = shutil.which("vermin", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if vermin is None:
        pytest.skip("vermin is a development dependency")
    command = [vermin, "--no-tips", "--violations", "--target=3.8-", *files, start]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_loaded_is_kept_to_its_syntax_by_the_linter(loaded):
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["per-file-target-version"]
    named = set()
    for pattern, target in targets.items():
        assert target == "py38"
        before, _, inner = pattern.partition("{")
        names, _, after = inner.partition("}")
        named |= {f"{before}{name}{after}" for name in names.split(",")}
    assert all((ROOT / name).is_file() for name in named)
    _, files = loaded
    # A pattern of the root's own module would be one of all modules of that name.
    assert {file.relative_to(ROOT).as_posix() for file in files} - {"__init__.py"} <= named
