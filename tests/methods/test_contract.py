"""What a class, its options and its code may be: whatever is wrong is one sentence, and it takes nothing else along."""

import pytest

from groundcxr.core import MethodError
from groundcxr.methods.loading import build_method, load_method_class

HEAD = """
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from groundcxr import Grounding, GroundingMethod, Heatmap, register_method


class Silent(BaseException):
    def __str__(self):
        raise ValueError("no text")


"""


@pytest.fixture
def method_of(tmp_path):
    """Builds the method of a file whose class body is given."""

    def build(body, head="", **settings):
        path = tmp_path / "odd.py"
        path.write_text(f"{HEAD}{head}\n\nclass M(GroundingMethod):\n    {body}\n")
        return build_method(str(path), settings)

    return build


@pytest.mark.parametrize(
    "body",
    [
        *(f"batch_size = {value}" for value in ("None", "'8'", "2.5", "0", "-1", "True")),
        *(f"name = {value}" for value in ("5", "None", "''", "'a/b'", r"'a\\b'", "'a' * 101", r"'a\udcff'", r"'a\nb'")),
        *(f"trained_on = {value}" for value in ("None", "'MIMIC-CXR'", "(1,)", "{'a': 1}")),
        *(f"emits = {value}" for value in ("None", "3", "'heatmap'", "{'text'}", "[['heatmap']]", "()")),
        *(f"kind = {value}" for value in ("None", "['box']", "'magic'")),
        *(f"licence = {value}" for value in ("None", "3", r"'\udcff'")),
        "note = 3",
        "citation = None",
        "revision = 3",
        "weights = ('a', 'b')",
    ],
)
def test_attributes_of_a_wrong_type(method_of, body):
    with pytest.raises(MethodError, match=rf"^M\.{body.split()[0]} is ") as raised:
        method_of(body)
    assert "\n" not in str(raised.value)


def test_attributes_that_the_constructor_sets(method_of):
    body = "def __init__(self, options=None):\n        super().__init__(options)\n        self.trained_on = None"
    with pytest.raises(MethodError, match=r"^M\.trained_on is None; make it a tuple"):
        method_of(body)


def test_names_that_are_given_by_the_decorator(tmp_path):
    path = tmp_path / "named.py"
    path.write_text(f"{HEAD}@register_method('a/b')\nclass M(GroundingMethod):\n    pass\n")
    with pytest.raises(MethodError, match=r"^M\.name is 'a/b'; it must be a text of 1 to 100"):
        load_method_class(str(path))


INIT = r"do not fit: odd\.py:\d+ in __post_init__: "


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("x: 'OnlyForTypes' = None", "types of the options .*OnlyForTypes.*, not under TYPE_CHECKING only"),
        ("x: dict = field(default_factory=lambda: {1: 2, 'a': 3})", "option 'x' .* cannot be stored"),
        ("x: object = field(default_factory=object)", "option 'x' .* another name in every run"),
        ("x: object = len", None),
        ("x: object = lambda: 0", "option 'x' .* another name in every run"),
        ("x: object = field(default_factory=lambda: (i for i in 'ab'))", "cannot be copied: TypeError"),
        (
            "x: int = 0\n    def __post_init__(self): raise KeyError('x')",
            INIT + "KeyError: 'x'",
        ),
        (
            "x: int = 0\n    def __post_init__(self): sys.exit(0)",
            INIT + "SystemExit: 0",
        ),
        (
            "x: int = 0\n    def __post_init__(self): raise Silent()",
            INIT + "Silent$",
        ),
        ("x: int = 0\n    def __post_init__(self): raise ValueError('x is odd')", "do not fit: x is odd$"),
    ],
)
def test_options_that_have_no_lasting_form_or_raise(method_of, field, says):
    head = f"@dataclass(frozen=True)\nclass O:\n    {field}\n"
    if says is None:
        assert method_of("Options = O", head).options_dict() == {"x": "<built-in function len>"}
        return
    with pytest.raises(MethodError, match=says) as raised:
        method_of("Options = O", head)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("sys.exit(0)", "SystemExit: 0"),
        ("raise Silent()", "Silent"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise BaseExceptionGroup('several', [Silent()])", r"BaseExceptionGroup: several \(1 sub-exception\)"),
        ("raise RuntimeError('one\\n  two')", "RuntimeError: one two"),
    ],
)
def test_whatever_the_code_raises_is_one_sentence(method_of, statement, says):
    with pytest.raises(MethodError, match=rf"odd\.py cannot be imported: odd\.py:\d+ in <module>: {says}$"):
        method_of("pass", statement)
    with pytest.raises(MethodError, match=rf"'M' cannot be built: odd\.py:\d+ in __init__: {says}$"):
        method_of(f"def __init__(self, options=None):\n        {statement}")


def test_ctrl_c_is_no_failure_of_the_method(method_of):
    with pytest.raises(KeyboardInterrupt):
        method_of("pass", "raise KeyboardInterrupt")
