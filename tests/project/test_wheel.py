"""The wheel holds every package and every data file, and nothing that belongs to the checkout only."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_SHIPPED = {"tests", "benchmarks", "docs", "training", "build", "dist"}
CARDS = {f"groundcxr/docs/protocols/{card.name}" for card in (ROOT / "docs/protocols").glob("*.md")}
"""Pages of the documentation that a static site shows."""


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    # Built from a copy named like no package, so that neither the checkout's name nor its leftovers matter.
    copy = tmp_path_factory.mktemp("wheel") / "x-y"
    skip = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "results", "build", "dist")
    shutil.copytree(ROOT, copy, ignore=skip)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(copy.parent), str(copy)]
    done = subprocess.run(command, cwd=copy.parent, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = copy.parent.glob("*.whl")
    # Of which the bundled models are nearly all.
    assert wheel.stat().st_size < 25e6
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_holds_every_module_and_data_file(names):
    expected = set()
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and parts[0] not in NOT_SHIPPED and not any(part[0] == "." for part in parts):
            package = len(parts) > 1 and (ROOT / parts[0] / "__init__.py").exists()
            if (package and "__pycache__" not in parts) or parts in {("__init__.py",), ("py.typed",)}:
                expected.add("groundcxr/" + "/".join(parts))
    assert expected
    assert expected <= names


def test_wheel_holds_nothing_else(names):
    ours = {name for name in names - CARDS if name.startswith("groundcxr/")}
    assert names >= CARDS
    folders = {name.split("/")[1] for name in ours if name.count("/") > 1}
    assert not folders & NOT_SHIPPED
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"groundcxr"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
