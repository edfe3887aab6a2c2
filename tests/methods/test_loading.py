"""Methods by name, from a file, and their options."""

import subprocess
import sys
from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Literal

import pytest

from groundcxr import GroundingMethod, register_method
from groundcxr.core import MethodError, UnknownNameError
from groundcxr.methods.loading import build_method, load_method_class
from groundcxr.methods.revision import revision_of


def test_names_are_found_and_typos_corrected():
    assert load_method_class("center-prior").name == "center-prior"
    with pytest.raises(UnknownNameError, match="did you mean 'center-prior'"):
        load_method_class("centre-prior")
    with pytest.raises(UnknownNameError, match=r"known are .*oracle"):
        load_method_class("xyzzy")


def test_file_with_one_or_several_classes(method_file, tmp_path):
    assert load_method_class(str(method_file())).name == "Mine"
    two = method_file(name="First", file="two.py")
    two.write_text(two.read_text() + "\n\nclass Second(First):\n    pass\n")
    with pytest.raises(MethodError, match=r"choose one .* First, Second"):
        load_method_class(str(two))
    assert load_method_class(f"{two}:Second").__name__ == "Second"
    with pytest.raises(UnknownNameError, match="did you mean 'Second'"):
        load_method_class(f"{two}:Secnd")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x = 1\n", "holds no method"),
        ("def f(:\n", "line 1 cannot be imported: SyntaxError"),
        ("import nowhere_to_be_found\n", "nowhere_to_be_found"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("from groundcxr import GroundingMethod\nclass A(GroundingMethod):\n    kind = 'magic'\n", "kind is 'magic'"),
        ("from groundcxr import GroundingMethod\nclass A(GroundingMethod):\n    emits = {'text'}\n", "emits"),
    ],
)
def test_bad_file_is_one_sentence(tmp_path, content, words):
    path = tmp_path / "bad.py"
    path.write_text(content)
    with pytest.raises(MethodError, match=words) as raised:
        load_method_class(str(path))
    assert "\n" not in str(raised.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(MethodError, match=r"no method file .*gone\.py"):
        load_method_class(str(tmp_path / "gone.py"))


def test_an_edit_changes_the_revision_also_of_what_is_imported(tmp_path):
    """Each edit is loaded in a process of its own, as a user's next run is."""
    (tmp_path / "a.py").write_text(
        "from groundcxr import GroundingMethod\nimport helper\nclass A(GroundingMethod):\n    x = helper.X\n"
    )
    (tmp_path / "helper.py").write_text("import deep\nX = deep.X\n")
    (tmp_path / "deep.py").write_text("X = 1\n")
    (tmp_path / "unrelated.py").write_text("raise RuntimeError\n")
    code = (
        "import sys; from groundcxr.methods.loading import build_method;print(build_method(sys.argv[1]).fingerprint())"
    )

    def fingerprint():
        command = [sys.executable, "-c", code, str(tmp_path / "a.py")]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path.parent).stdout

    first = fingerprint()
    assert fingerprint() == first
    (tmp_path / "unrelated.py").write_text("raise ValueError\n")
    assert fingerprint() == first
    (tmp_path / "deep.py").write_text("X = 2\n")
    assert fingerprint() != first


IMPORTS_FROM_ELSEWHERE = """
import sys
sys.path.insert(0, {folder!r})
import elsewhere.first
from groundcxr import GroundingMethod
class A(GroundingMethod):
    def setup(self, device):
        from elsewhere_too import Y
"""


def test_an_edit_of_code_in_another_folder_changes_the_revision(tmp_path):
    """Of a folder that the file puts on the path, however its modules import one another."""
    folder = tmp_path / "code"
    (folder / "elsewhere").mkdir(parents=True)
    (folder / "elsewhere/__init__.py").touch()
    contents = {
        "elsewhere/first.py": "from . import second",
        "elsewhere/second.py": "import elsewhere_behind, numpy",
        "elsewhere_behind.py": "X = 1",
        "elsewhere_too.py": "Y = 1",
        "elsewhere_unrelated.py": "Z = 1",
    }
    for name, content in contents.items():
        (folder / name).write_text(content)
    (tmp_path / "a.py").write_text(IMPORTS_FROM_ELSEWHERE.format(folder=str(folder)))
    code = (
        "import sys; from groundcxr.methods.loading import build_method;print(build_method(sys.argv[1]).fingerprint())"
    )

    def fingerprint():
        command = [sys.executable, "-c", code, str(tmp_path / "a.py")]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path.parent).stdout

    found = [fingerprint()]
    (folder / "elsewhere_unrelated.py").write_text("Z = 2")
    assert fingerprint() == found[0]
    for name in list(contents)[1:4]:
        with (folder / name).open("a") as file:
            file.write("\nX = 3\n")
        found.append(fingerprint())
    assert len(set(found)) == 4


def test_two_files_with_different_helpers_of_one_name_are_refused(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "shared_helper_name.py").write_text("X = 1\n")
        (tmp_path / folder / "m.py").write_text(
            "import shared_helper_name\nfrom groundcxr import GroundingMethod\nclass A(GroundingMethod):\n    pass\n"
        )
    load_method_class(str(tmp_path / "one/m.py"))
    with pytest.raises(MethodError, match="shared_helper_name"):
        load_method_class(str(tmp_path / "two/m.py"))


class Mode(StrEnum):
    FAST = "fast"
    SLOW = "slow"


class Level(Enum):
    LOW = 1
    HIGH = 2.5


class Rank(IntEnum):
    FIRST = 1
    SECOND = 2


@dataclass(frozen=True)
class Numbered:
    level: Level = Level.LOW
    levels: tuple[Level, ...] = ()
    rank: Rank | None = None
    size: Literal[64, 128, "auto"] = 64


@dataclass(frozen=True)
class Choices:
    steps: int = 3
    rate: float = 0.5
    mask: bool = True
    layers: tuple[str, ...] = ("a",)
    mode: Mode = Mode.FAST
    rates: tuple[float, ...] | None = None
    either: int | Literal["auto"] = "auto"
    weights: str = field(default="", metadata={"help": "local copy"})

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")


class Optioned(GroundingMethod):
    Options = Choices


def test_options_are_typed():
    method = build_method(Optioned, {"steps": "7", "rate": "1e-3", "mask": "false", "layers": "b, c", "mode": "slow"})
    assert method.options == Choices(7, 1e-3, False, ("b", "c"), Mode.SLOW)
    assert method.options_dict() == {
        "steps": 7,
        "rate": 1e-3,
        "mask": False,
        "layers": ["b", "c"],
        "mode": "slow",
        "rates": None,
        "either": "auto",
    }


def test_a_choice_of_numbers_is_spelt_as_text():
    numbered = type("Numbers", (GroundingMethod,), {"Options": Numbered})
    given = {"level": "2.5", "levels": "1, 2.5", "rank": "2", "size": "128"}
    chosen = build_method(numbered, given).options
    assert chosen == Numbered(Level.HIGH, (Level.LOW, Level.HIGH), Rank.SECOND, 128)
    assert build_method(numbered, {"size": "auto"}).options.size == "auto"
    with pytest.raises(MethodError, match="it must be 64, 128 or 'auto'"):
        build_method(numbered, {"size": "32"})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"step": "7"}, "did you mean 'steps'"),
        ({"steps": "many"}, "steps='many'.* does not fit: write a whole number$"),
        ({"rate": "fast"}, "rate='fast'.* does not fit: write a number$"),
        ({"rates": "0.1,fast"}, "rates='0.1,fast'.* does not fit: write a number at place 2$"),
        ({"either": "often"}, "either='often'.* does not fit: Input should be"),
        ({"mask": "maybe"}, "mask='maybe'.* does not fit: write true or false$"),
        ({"steps": "0"}, "at least 1"),
        ({"mode": "medium"}, "mode='medium'.* does not fit: it must be 'fast' or 'slow'$"),
    ],
)
def test_options_that_do_not_fit(settings, words):
    with pytest.raises((UnknownNameError, MethodError), match=words):
        build_method(Optioned, settings)


@dataclass(frozen=True)
class Files:
    """Options that name files."""

    one: Path | None = None
    word: str = ""
    several: tuple[Path, ...] = ()


def test_paths_below_the_home_folder_reach_the_method_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.npy").write_bytes(b"a")
    reader = type("Reader", (Optioned,), {"Options": Files})
    given = {"one": "~/a.npy", "word": "~/a.npy", "several": "~/a.npy, b.npy"}
    method = build_method(reader, given)
    assert method.options == Files(tmp_path / "a.npy", str(tmp_path / "a.npy"), (tmp_path / "a.npy", Path("b.npy")))
    assert method.fingerprint() == build_method(reader, {**given, "one": tmp_path / "a.npy"}).fingerprint()
    assert build_method(reader, {"word": "~ 5/6"}).options.word == "~ 5/6"


def test_registering_checks_the_class():
    with pytest.raises(MethodError, match="derive the class"):
        register_method("thing")(int)
    with pytest.raises(MethodError, match="'random' is that of a built-in method"):
        register_method("random")(type("Other", (GroundingMethod,), {}))


def test_built_in_revisions_are_hashes_of_their_own_files():
    revisions = {name: revision_of(load_method_class(name)) for name in ("random", "center-prior", "oracle")}
    assert revisions["random"] == revisions["center-prior"] != revisions["oracle"]
