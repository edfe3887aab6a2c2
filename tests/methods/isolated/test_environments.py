"""Environments of the methods' own: made whole or not at all, found again, listed and removed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

from groundcxr.core import MethodError
from groundcxr.methods.isolated.environments import environment_for, list_environments
from groundcxr.methods.isolated.making import make_environment

# Makes what uv makes, as far as it is looked at: an interpreter in a folder. Notes what it was asked for.
UV = f"""#!/bin/sh
echo "$@" >> "$UV_LOG"
for last; do :; done
case "$1" in
venv)
    mkdir -p "$last/bin"
    printf '#!/bin/sh\\nexec {sys.executable} "$@"\\n' > "$last/bin/python"
    chmod +x "$last/bin/python"
    echo "Creating virtual environment" >&2 ;;
pip)
    case "$*" in
    *kill-the-host*) kill -9 $PPID; exit 1 ;;
    *fills-the-disk*)
        echo "error: Failed to install: numpy" >&2; printf '  cause: Failed to copy %0400d\\n' 0 >&2
        printf '  cause: copying %0400d: No space left on device\\n' 0 >&2; exit 2 ;;
    *nosuchpackage*) echo "  x No solution found:" >&2; echo "  nosuchpackage was not found" >&2; exit 3 ;;
    esac
    echo "Installed 1 package" ;;
esac
"""
METHOD = "from groundcxr import GroundingMethod\nclass Mine(GroundingMethod):\n    requirements = {}\n"
MAPS = """
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap


class Maps(GroundingMethod):
    requirements = ({!r},)

    def ground(self, image, phrases):
        print("numpy", np.__version__)
        small = np.sqrt(image.as_unit_float()[::16, ::16])
        return [Grounding(Heatmap.whole(small * (1 + len(phrase)), image.size)) for phrase in phrases]
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of environments of a user who has none yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "groundcxr" / "environments"


@pytest.fixture
def uv(tmp_path, monkeypatch, home):
    """A program `uv` on PATH; answers with what it was called with so far."""
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(UV)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("UV_LOG", str(tmp_path / "uv.log"))
    return lambda: [line.split() for line in (tmp_path / "uv.log").read_text().splitlines()]


@pytest.fixture
def method(tmp_path):
    """Writes the method file with these requirements; answers with its path."""

    def write(*requirements: str, name: str = "mine.py", more: str = "") -> Path:
        path = tmp_path / name
        path.write_text(METHOD.format(requirements) + more)
        return path

    return write


def test_an_environment_is_made_listed_found_and_removed(groundcxr, uv, home, method):
    path = method("torch==2.1", "nosuch>=1; sys_platform == 'win32'")
    assert environment_for(str(path)) is None
    made = groundcxr("env", "create", path)
    assert made.code == 0, made.err
    assert made.err.splitlines() == ["Creating virtual environment", "Installed 1 package"]
    (folder,) = home.iterdir()
    assert made.out.startswith(f"{folder.name}: Python {sys.version.split()[0]}, nosuch>=1")
    venv, install = uv()
    assert venv == ["venv", "--no-project", "--python", sys.executable, str(folder / "venv")]
    interpreter = folder / "venv" / "bin" / "python"
    assert install[:4] == ["pip", "install", "--python", str(interpreter)]
    assert install[-2:] == ["torch==2.1", "numpy"]
    assert environment_for(str(path)) == environment_for(f"{path}:Mine") == interpreter
    listed = groundcxr("env", "list")
    assert (listed.code, listed.err) == (0, "")
    for part in (folder.name, str(path), "torch==2.1", str(home)):
        assert part in listed.out
    path.unlink()  # what was made for a file can be removed when the file is gone
    removed = groundcxr("env", "remove", path)
    assert removed.code == 0, removed.err
    assert removed.out.startswith(f"{folder.name} is removed: ")
    assert list(home.iterdir()) == []
    assert "there is no environment in" in groundcxr("env", "list").out


def test_other_requirements_are_another_environment(groundcxr, uv, home, method):
    path = method("torch", "einops>=0.7")
    first = make_environment(str(path))[0]
    # The same ones, in other words; and what else changes in the file.
    assert environment_for(str(method("einops >= 0.7", "torch", more="x = 1\n"))) == first.interpreter
    method("torch", "einops>=0.8")
    with pytest.raises(MethodError) as told:
        environment_for(str(path))
    assert f"{first.id} was made for other requirements than {path} states now" in str(told.value)
    assert f"groundcxr env create {path}" in str(told.value)
    # Another file of that name has nothing to do with it.
    (path.parent / "other").mkdir()
    assert environment_for(str(method("torch", name="other/mine.py"))) is None
    again = groundcxr("env", "create", path)
    assert f"groundcxr env remove {first.id} takes it away" in again.err
    assert len(list_environments()) == 2
    removed = groundcxr("env", "remove", first.id)
    assert removed.code == 0, removed.err
    assert [one.id for one in list_environments()] == [again.out.partition(":")[0]]


def test_made_again_it_takes_the_place_of_the_one_before(uv, home, method):
    path = method("torch")
    first = make_environment(str(path))[0]
    second, others = make_environment(str(path), sys.executable)
    assert others == []
    assert [one.id for one in list_environments()] == [second.id] != [first.id]
    assert not first.folder.exists()
    second.interpreter.unlink()
    with pytest.raises(MethodError, match=r"the Python of the environment mine-.* is gone .* groundcxr env create"):
        environment_for(str(path))


def test_what_uv_says_is_told_and_nothing_is_left(groundcxr, uv, home, method):
    assert groundcxr("env", "create", method("numpy")).code == 0
    (kept,) = list_environments()
    ran = groundcxr("env", "create", method("nosuchpackage"))
    assert ran.code == 2
    *shown, error = ran.err.splitlines()
    assert shown == ["Creating virtual environment", "  x No solution found:", "  nosuchpackage was not found"]
    assert error.startswith(
        "error: uv could not make the environment of mine.py (exit status 3): x No solution found: "
    )
    assert [folder.name for folder in home.iterdir()] == [kept.id]


def test_of_a_long_reason_the_last_cause_is_told(groundcxr, uv, home, method):
    *_, error = groundcxr("env", "create", method("fills-the-disk")).err.splitlines()
    assert "(exit status 2): Failed to install: numpy cause: …0" in error
    assert "0: No space left on device; mend" in error


@pytest.mark.parametrize(
    ("stated", "python", "words"),
    [
        ("'<3.11'", sys.executable, "mine.py needs Python <3.11, not 3."),
        ("'>=3.9'", "/nowhere/python", "there is no Python /nowhere/python"),
    ],
)
def test_a_python_that_does_not_fit_is_refused_before_anything_is_installed(
    groundcxr, uv, home, method, stated, python, words
):
    path = method("torch", more=f"    requires_python = {stated}\n")
    ran = groundcxr("env", "create", path, "--python", python)
    assert ran.code == 2
    assert words in ran.err
    assert list_environments() == []
    assert not home.exists() or not list(home.iterdir())


def test_a_method_that_does_not_allow_this_python_gets_one_that_it_allows(uv, method):
    path = method("torch", more="    requires_python = '<3.10'\n")
    with pytest.raises(MethodError):  # this uv has but one Python
        make_environment(str(path))
    assert uv()[0][2:4] == ["--python", "<3.10"]
    with pytest.raises(MethodError):
        make_environment(str(path), "3.9")
    assert uv()[1][2:4] == ["--python", "3.9"]


def test_a_killed_one_leaves_nothing_half(uv, home, method):
    path = method("kill-the-host")
    command = [sys.executable, "-c", "from groundcxr.cli.main import main; main()", "env", "create", str(path)]
    assert subprocess.run(command, capture_output=True, cwd=path.parent).returncode == -9
    (left,) = home.iterdir()
    assert (left / "venv" / "bin" / "python").exists()
    assert list_environments() == []
    assert environment_for(str(path)) is None
    made = make_environment(str(method("numpy")))[0]
    assert list(home.iterdir()) == [made.folder]


def test_what_another_process_makes_is_left_alone(uv, home, method):
    other = home / "other-12345678-0000"
    other.mkdir(parents=True)
    (other / "making").write_text("elsewhere-1-2")
    (home / "young-12345678-0000").mkdir()
    make_environment(str(method("numpy")))
    assert other.exists()
    assert (home / "young-12345678-0000").exists()


def test_without_uv_the_step_is_told(groundcxr, home, method, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "uv", None)
    ran = groundcxr("env", "create", method("torch"))
    assert ran.code == 2
    assert ran.err.startswith(
        "error: environments are made with uv, which is not installed; install it with: pip install 'uv"
    )
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("target", ["nosuch", "../data", "nosuch.py", ".", "mine-12345678-0000"])
def test_what_is_not_there_cannot_be_removed(groundcxr, home, target):
    home.mkdir(parents=True)
    ran = groundcxr("env", "remove", target)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"error: there is no environment of {target}; `groundcxr env list` shows all\n"


def test_a_bundled_method_gets_what_the_package_needs(uv):
    made, _ = make_environment("clip")
    names = [requirement.partition(">")[0] for requirement in made.wanted.requirements]
    assert {"torch", "open-clip-torch", "pydantic", "pillow"} <= set(names)
    assert "streamlit" not in names
    assert environment_for("clip") == made.interpreter
    assert environment_for("biovil") is None


def test_a_damaged_marker_is_no_environment(uv, home, method):
    path = method("numpy")
    made = make_environment(str(path))[0]
    for content in ("", "[]", json.dumps({"method": 1})):
        (made.folder / "environment.json").write_text(content)
        assert environment_for(str(path)) is None


@pytest.mark.network
def test_another_numpy_grounds_the_phantom_alike(groundcxr, home, tmp_path):
    paths = [tmp_path / "new.py", tmp_path / "old.py"]
    for path, wanted in zip(paths, ("numpy>=2", "numpy>=1.26,<2"), strict=True):
        path.write_text(MAPS.format(wanted))
    made = groundcxr("env", "create", paths[1])
    assert made.code == 0, made.err
    methods = ("--method", f"new={paths[0]}", "--method", f"old={paths[1]}", "--set", "dataset.images=4")
    ran = groundcxr("evaluate", *methods, "--out", "out")
    assert ran.code == 0, ran.err
    assert ": numpy 1.26.4" in ran.err
    places = [Path(line) for line in ran.out.splitlines() if line.endswith("result.json")]
    new, old = (json.loads(place.read_text()) for place in places)
    assert new["method"]["fingerprint"] != old["method"]["fingerprint"]
    assert (new["overall"], new["pathologies"]) == (old["overall"], old["pathologies"])
    new, old = (pandas.read_parquet(place.with_name("samples.parquet")).drop(columns="seconds") for place in places)
    pandas.testing.assert_frame_equal(new, old, check_exact=True)
