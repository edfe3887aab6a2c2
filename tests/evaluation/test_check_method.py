"""`check-method` finds what would make wrong numbers."""

import numpy as np
import pytest

from groundcxr.evaluation.check_method import run_checks
from groundcxr.methods.loading import build_method

HEAD = """
import sys
from pathlib import Path
import numpy as np
from groundcxr import Box, Grounding, GroundingMethod, Heatmap


class Tried(GroundingMethod):
    emits = {"heatmap", "box"}
    first = None

"""


@pytest.fixture
def problems(tmp_path):
    """What is wrong with a method whose class body is given, by check."""

    def check(body):
        path = tmp_path / "tried.py"
        path.write_text(HEAD + "".join(f"    {line}\n" for line in body.strip("\n").splitlines()))
        found = {check.name.split(" (")[0]: check.problem for check in run_checks(build_method(str(path)), "cpu")}
        return {name: problem for name, problem in found.items() if problem is not None}

    return check


def test_a_reused_buffer_and_an_edited_list_are_fine(problems):
    body = """
def setup(self, device):
    self.buffer, self.boxes = np.zeros((4, 4), np.float32), []

def ground(self, image, phrases):
    answers = []
    for phrase in phrases:
        self.buffer[:] = np.arange(16).reshape(4, 4) * len(phrase)
        self.boxes[:] = [Box(1, 1, 2 + len(phrase), 9)]
        answers.append(Grounding(Heatmap.whole(self.buffer, image.size), self.boxes))
    return answers
"""
    assert problems(body) == {}


def test_an_answer_that_is_kept_for_the_next_phrase(problems):
    body = """
def ground(self, image, phrases):
    self.first = self.first or phrases[0]
    return [Grounding(Heatmap.whole(np.eye(4) * len(self.first), image.size)) for _ in phrases]
"""
    (found,) = problems(body).items()
    assert found[0] == "the same answers set up anew"
    assert found[1].startswith("the largest difference is")


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        ("image.as_unit_float()", "Grounding(Heatmap.whole(values, image.size))"),
        ("Grounding(Heatmap.from_pixels(np.eye(4)))", "Heatmap.whole(values, image.size)"),
        ("Grounding(boxes=[(1, 2, 30, 40)])", "got tuple; write Box(x0, y0, x1, y1, score=s)"),
    ],
)
def test_an_answer_of_another_type_or_size_is_told_how_to_write_it(problems, answer, step):
    (problem,) = problems(f"def ground(self, image, phrases):\n    return [{answer} for _ in phrases]").values()
    assert step in problem


def test_what_is_answered_and_not_declared_is_told_what_to_declare(problems):
    answers = "[Grounding(boxes=[Box(1, 2, 9, 9)]) for _ in phrases]"
    body = f"emits = {{'heatmap'}}\n\ndef ground(self, image, phrases):\n    return {answers}"
    (problem,) = problems(body).values()
    assert "say emits = ['box', 'heatmap'] in its class, or only what it answers with" in problem


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("Grounding(Heatmap.whole(image.as_unit_float().T, image.size))", "look transposed"),
        ("Grounding(Heatmap.whole(image.as_unit_float()[::8, ::8].T, image.size))", "look transposed"),
        ("Grounding(boxes=[Box(.1, .1, .9, .9)])", "look like fractions"),
        ("Grounding(boxes=[Box(90, 90, 20, 30)])", "look like x, y, width, height"),
        ("Grounding(boxes=[Box(9, 9, 9, 30)])", "cover no pixel"),
    ],
)
def test_another_frame(problems, answer, says):
    (found,) = problems(f"def ground(self, image, phrases):\n    return [{answer} for _ in phrases]").items()
    assert found[0] == "maps and boxes in the original image's frame"
    assert says in found[1]


def test_files_that_nobody_declared(problems, tmp_path):
    np.save(tmp_path / "ckpt.npy", np.eye(4))
    body = """
def setup(self, device):
    self.map = np.load(Path(__file__).with_name("ckpt.npy"))

def ground(self, image, phrases):
    return [Grounding(Heatmap.whole(self.map, image.size)) for _ in phrases]
"""
    (found,) = problems(body).items()
    assert found[0] == "no file read that is not declared"
    assert found[1].startswith(f"{tmp_path / 'ckpt.npy'}: the method reads files that no option or `weights` names")


@pytest.mark.parametrize("statement", ["sys.exit(0)", "raise GeneratorExit"])
def test_code_that_ends_the_program(problems, statement):
    assert "could not be set up on cpu: " in problems(f"def setup(self, device):\n    {statement}")["setup on cpu"]
    (problem,) = problems(f"def ground(self, image, phrases):\n    {statement}").values()
    assert problem.startswith("the method failed: ")
