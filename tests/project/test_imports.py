"""What may import what, what a start must not load, and that our folder names clash with nobody's packages."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "open_clip", "health_multimodal", "pandas", "scipy", "sklearn")


def python(code: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=120)


def test_imports_keep_the_contracts():
    """One way between folders, none between families of methods, no circles: the contracts are in pyproject.toml."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_family_of_methods_is_forgotten():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = {contract["name"]: contract for contract in project["tool"]["importlinter"]["contracts"]}
    folders = [init.parent.relative_to(ROOT) for init in (ROOT / "methods").rglob("*/__init__.py")]
    packages = {".".join(("groundcxr", *folder.parts)) for folder in folders}
    families = sorted(package for package in packages if package.count(".") == 2)
    assert sorted(contracts["Families of methods do not import one another"]["modules"]) == families
    assert packages <= set(project["tool"]["setuptools"]["packages"])


@pytest.mark.parametrize(
    "start",
    [
        "import groundcxr; groundcxr.GroundingMethod, groundcxr.Heatmap, groundcxr.load_dataset",
        "sys.argv = ['groundcxr', '--help']; groundcxr.cli.main.main()",
        "sys.argv = ['groundcxr', 'list', 'methods']; groundcxr.cli.main.main()",
        "sys.argv = ['groundcxr', 'list', 'datasets']; groundcxr.cli.main.main()",
        "sys.argv = ['groundcxr', 'export', '--help']; groundcxr.cli.main.main()",
    ],
)
def test_start_is_light(start, tmp_path):
    code = f"""
import sys, groundcxr.cli.main
try:
    {start}
except SystemExit as stop:
    assert not stop.code
loaded = sorted(name for name in {HEAVY!r} if name in sys.modules)
assert not loaded, loaded
"""
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_leaderboard_never_loads_a_deep_learning_library(tmp_path):
    code = """
import importlib, pkgutil, sys
import groundcxr.leaderboard
scripts = ("groundcxr.leaderboard.app",)  # these run under Streamlit
for module in pkgutil.walk_packages(groundcxr.leaderboard.__path__, "groundcxr.leaderboard."):
    if not module.name.startswith(scripts):
        importlib.import_module(module.name)
assert "groundcxr.leaderboard.tables" in sys.modules
loaded = [name for name in ("torch", "transformers", "open_clip", "health_multimodal") if name in sys.modules]
assert not loaded, loaded
"""
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_hugging_faces_datasets_is_not_shadowed_from_the_root():
    pytest.importorskip("datasets", reason="Hugging Face's datasets is a development dependency")
    script = Path(sys.executable).parent / "groundcxr"
    code = f"""
import sys, runpy
sys.argv = [{str(script)!r}, "list", "datasets"]
sys.path[0] = {str(script.parent)!r}  # as the console script has it
try:
    runpy.run_path({str(script)!r}, run_name="__main__")
except SystemExit as stop:
    assert not stop.code
import datasets
assert "site-packages" in datasets.__file__, datasets.__file__
assert datasets.Dataset.from_dict({{"a": [1]}})[0] == {{"a": 1}}
"""
    done = python(code, ROOT)
    assert done.returncode == 0, done.stderr
    assert "ms-cxr" in done.stdout
    plain = subprocess.run([script, "list", "methods"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert plain.returncode == 0, plain.stderr
