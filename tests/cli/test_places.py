"""`--python` and `--timeout` on the command line; the other Python is this one."""

import sys

import pytest

from groundcxr.methods.isolated.method import IsolatedMethod


@pytest.fixture
def files(method_file):
    return method_file(name="First", file="one.py"), method_file("print('from', sys.executable)", "Second", "two.py")


def opened(specs, pythons, settings=(), timeout=None):
    from groundcxr.cli.arguments import open_methods

    entries = open_methods([str(spec) for spec in specs], list(settings), [str(one) for one in pythons], timeout)
    return {entry.label: isinstance(entry.method, IsolatedMethod) for entry in entries}


def test_one_python_is_for_all_methods_or_each_has_its_own(files):
    one, two = files
    assert opened([one, f"b={two}"], [sys.executable]) == {"First": True, "b": True}
    assert opened([one, f"b={two}"], [f"b={sys.executable}"]) == {"First": False, "b": True}
    assert opened([one, "random"], [f"one={sys.executable}"]) == {"First": True, "random": False}
    assert opened([f"{one}:First"], [f"one={sys.executable}"], timeout=3) == {"First": True}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--python", "tow={python}"], "there is no method in this run 'tow'; did you mean 'two'?"),
        (["--python", "{python}", "--python", "{python}"], "--python is given twice for all methods"),
        (["--python", "two=/not/there"], "--python /not/there is not there; give the path of an environment's Python"),
        (["--python", ""], "a path is empty"),
        (["--timeout", "5"], "error: a time limit counts for methods in another environment only"),
        (["--python", "{python}", "--timeout", "0"], "the time limit 0 does not fit: give seconds above 0"),
        (["--python", "{python}", "--timeout", "nan"], "the time limit nan does not fit"),
    ],
)
def test_what_does_not_fit_is_one_sentence(groundcxr, files, options, words):
    given = [option.format(python=sys.executable) for option in options]
    ran = groundcxr("evaluate", "--method", files[1], *given)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert words in ran.err


def test_every_command_that_asks_a_method_asks_it_there(groundcxr, tmp_path, manifest):
    file = tmp_path / "there.py"
    file.write_text("""
import sys
from dataclasses import dataclass, field
from groundcxr import Grounding, GroundingMethod, Heatmap

assert "typer" not in sys.modules, "this is the host"

@dataclass(frozen=True)
class Options:
    sharp: float = field(default=0.5, metadata={"help": "how sharp the map is"})

class There(GroundingMethod):
    "Runs elsewhere."
    Options = Options
    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole([[0.0, self.options.sharp]], image.size)) for _ in phrases]
""")
    common = ["--python", sys.executable]
    helped = groundcxr("evaluate", "--method", f"x={file}", "--help", *common)
    assert "There (other): Runs elsewhere." in helped.out
    assert "how sharp the map is" in helped.out
    assert groundcxr("check-method", file, *common, "--set", "sharp=0.25").code == 0
    ground = ["ground", "--method", file, "--image", manifest.parent / "0.png", "--phrase", "a", "--out", "a.png"]
    assert groundcxr(*ground, *common).code == 0
    data = ["--dataset", "manifest", "--root", manifest]
    evaluated = groundcxr("evaluate", "--method", file, *common, *data)
    assert (evaluated.code, evaluated.err) == (0, "")
    scored = groundcxr("score", "--method", file, *common, *data)
    assert (scored.code, scored.out) == (0, evaluated.out)
    assert groundcxr("evaluate", "--method", file, *data).code == 2
