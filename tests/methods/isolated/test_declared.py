"""What a method requires is read without running it, and told before it is imported."""

import platform
import sys
from importlib.metadata import EntryPoint, version

import pytest

import groundcxr as package
from groundcxr.core import MethodError
from groundcxr.evaluation import evaluate
from groundcxr.methods import METHODS
from groundcxr.methods.isolated.declared import Declared, declared, declared_by
from groundcxr.methods.requirements import require

NUMPY = version("numpy")


@pytest.fixture
def file(tmp_path):
    """Writes a method file that must not be run."""

    def write(source: str, name: str = "mine.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"raise SystemExit('it was run')\n{source}\n")
        return path

    return write


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A(GroundingMethod):\n    pass", Declared()),
        (
            "class A(groundcxr.GroundingMethod):\n"
            "    requirements = ('torch', \"transformers>=4.48,<4.52; python_version < '3.12'\")\n"
            "    requires_python = '>=3.9,<3.12'",
            Declared(("torch", "transformers>=4.48,<4.52; python_version < '3.12'"), ">=3.9,<3.12"),
        ),
        (
            "class A(GroundingMethod):\n    requirements: ClassVar[list[str]] = [\n        'a' '>=1',  # one\n    ]",
            Declared(("a>=1",)),
        ),
        (
            "class Base(GroundingMethod):\n    requirements = ('a',)\n    requires_python = '>=3.9'\n"
            "class A(Base):\n    requirements = ('b',)",
            Declared(("b",), ">=3.9"),
        ),
        (
            "class Net(nn.Module):\n    requirements = compute()\n"
            "class A(Mixin, GroundingMethod):\n    requirements = ('a',)",
            Declared(("a",)),
        ),
        (
            "try:\n    import x\nexcept ImportError:\n    x = 1\nclass A(Unknown):\n    requirements = ('a',)",
            Declared(("a",)),
        ),
        ("class A(GroundingMethod):\n    if True:\n        requirements = ('a',)", Declared(("a",))),
    ],
)
def test_literals_are_read_from_the_source(file, source, found):
    assert declared(file(source)) == found


def test_bases_are_followed_beside_the_file_and_into_groundcxr(file):
    file("class Base(GroundingMethod):\n    requirements = ('a',)", "shared.py")
    assert declared(file("from shared import Base as B\nclass A(B):\n    pass")).requirements == ("a",)
    bundled = file(f"from {METHODS.get('clip').__module__} import Clip\nclass A(Clip):\n    pass")
    assert "open-clip-torch" in declared(bundled).requirements


def test_one_of_several_classes_is_asked_for(file):
    path = file(
        "class A(GroundingMethod):\n    requirements = ('a',)\nclass B(GroundingMethod):\n    requirements = ('b',)"
    )
    assert declared_by(f"{path}:B").requirements == ("b",)
    with pytest.raises(MethodError, match=r"several methods with requirements of their own; .*:CLASS, of A, B$"):
        declared_by(str(path))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("requirements = ('torch')", r"A.requirements is 'torch'; make it a tuple of texts"),
        ("requirements = {'torch': '2'}", r"is \{'torch': '2'\}; make it a tuple"),
        ("requirements = ('torch=2',)", r"A.requirements holds 'torch=2', which is no requirement"),
        ("requirements = ('-r x.txt',)", r"holds '-r x.txt'"),
        ("requirements = ('torch', *OTHERS)", r"mine.py, line 3: A.requirements must be written out"),
        ("requirements = Base.requirements + ('a',)", r"must be written out"),
        ("requirements += ('a',)", r"must be written out"),
        ("requires_python = '3.9 to 3.11'", r"A.requires_python is '3.9 to 3.11'; make it a range"),
        ("requires_python = 3.9", r"A.requires_python is 3.9; make it a range"),
        ("requires_python = f'>={x}'", r"A.requires_python must be written out, such as '>=3.9,<3.12'"),
        ("def", r"line 3 cannot be imported: SyntaxError"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(groundcxr, file, statement, words):
    path = file(f"class A(GroundingMethod):\n    {statement}")
    with pytest.raises(MethodError, match=words):
        declared(path)
    ran = groundcxr("check-method", path)
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_a_class_is_held_to_the_same_when_it_is_loaded():
    wrong = type("Wrong", (package.GroundingMethod,), {"requirements": ("torch=2",)})
    with pytest.raises(MethodError, match=r"Wrong.requirements holds 'torch=2'"):
        evaluate(wrong)


@pytest.mark.parametrize(
    ("command", "stated", "words"),
    [
        ("evaluate", "requirements = ('nosuch>=2', 'numpy<2')", "the package nosuch>=2, numpy<2 ({numpy} is"),
        ("check-method", "requirements = ('numpy<2',)", "needs numpy<2 ({numpy} is installed here)"),
        ("ground", "requires_python = '<3.9'", "needs Python <3.9 (this is {python})"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_told_before_the_file_is_run(groundcxr, file, manifest, command, stated, words):
    path = file(f"class A(GroundingMethod):\n    {stated}", "my method.py")
    image = ("--image", manifest.parent / "0.png", "--phrase", "a", "--out", "a.png")
    arguments = {
        "evaluate": ("--method", f"alias={path}", "--dataset", "nosuchdata"),
        "check-method": (path,),
        "ground": ("--method", path, *image),
    }
    ran = groundcxr(command, *arguments[command])
    assert ran.code == 2
    assert words.format(numpy=NUMPY, python=platform.python_version()) in ran.err
    assert ran.err.endswith(f"make an environment for it with: groundcxr env create '{path}'\n")
    assert ran.err.count("\n") == 1


def test_python_callers_are_told_too(file, manifest):
    path = file("class A(GroundingMethod):\n    requirements = ('nosuchpackage',)")
    with pytest.raises(MethodError, match=r"needs the package nosuchpackage; .* groundcxr env create"):
        evaluate(str(path))
    lacking = type("Lacking", (package.GroundingMethod,), {"requirements": ("nosuchpackage>=2",)})
    with pytest.raises(MethodError, match=r"needs the package nosuchpackage>=2; .* pip install 'nosuchpackage>=2'$"):
        evaluate(lacking(), "manifest", root=manifest)


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        (f"numpy=={NUMPY}", None),
        ("NumPy", None),
        ("nosuchpackage; sys_platform == 'win32'", None),
        ("nosuchpackage; python_version >= '3'", "nosuchpackage"),
        ("numpy>=2.0rc1", None),
        ("demo", None),
        ("demo[fast]", "nosuchaccelerator>=3"),
        ("demo[small]", None),
        ("demo>2", r"demo>2 \(1.5rc1 is installed here\)"),
    ],
)
def test_versions_markers_and_extras_count(tmp_path, monkeypatch, requirement, words):
    folder = tmp_path / "demo-1.5rc1.dist-info"
    folder.mkdir()
    needs = ("nosuchaccelerator>=3; extra == 'fast'", "numpy; extra == 'small'", "numpy>=1")
    lines = ["Metadata-Version: 2.1", "Name: demo", "Version: 1.5rc1", *(f"Requires-Dist: {need}" for need in needs)]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    if words is None:
        require("mine", [requirement], None)
    else:
        with pytest.raises(MethodError, match=words):
            require("mine", [requirement], None)


def test_a_plug_in_is_read_without_importing_its_package(file, monkeypatch):
    folder = file("", "plug_in_of_test/__init__.py").parent
    file("from .base import Base\nclass Mine(Base):\n    pass", "plug_in_of_test/mine.py")
    file("class Base(GroundingMethod):\n    requirements = ('nosuchpackage',)", "plug_in_of_test/base.py")
    monkeypatch.syspath_prepend(folder.parent)
    point = EntryPoint("plugged", "plug_in_of_test.mine:Mine", "groundcxr.methods")
    monkeypatch.setattr("groundcxr.core.registry.entry_points", lambda group: [point])
    with pytest.raises(
        MethodError, match=r"method plugged needs the package nosuchpackage; install it with: pip install"
    ):
        evaluate("plugged")
    assert "plug_in_of_test" not in sys.modules


def test_bundled_methods_ask_for_the_versions_that_groundcxr_asks_for(monkeypatch, groundcxr):
    monkeypatch.setattr("groundcxr.core.install.requires", lambda _: ["open-clip-torch>=99; extra == 'models'"])
    ran = groundcxr("check-method", "clip")
    assert ran.code == 2
    assert "needs open-clip-torch>=99 (" in ran.err
    assert "pip install 'open-clip-torch>=99'" in ran.err
    # Its options are shown, and what is stored can be scored, where it cannot be run.
    assert "biomedclip" in groundcxr("evaluate", "--method", "clip", "--help").out
    assert "lacks predictions" in groundcxr("score", "--method", "clip", "--set", "dataset.images=2").err


def test_networks_that_are_bundled_state_what_they_need():
    # Those that change others' maps by arithmetic alone.
    without = {"average", "boxes", "with-prior"}
    for name in METHODS.names():
        stated = declared_by(name).requirements
        assert bool(stated) == (METHODS.get(name).kind != "control" and name not in without), name
