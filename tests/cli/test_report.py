"""What an author reads while methods run: each table when it is there, the best marked, where code went wrong."""

import re

import pytest

METHOD = """
from groundcxr import Grounding, GroundingMethod, Heatmap

class {name}(GroundingMethod):
    def ground(self, image, phrases):
        return [self.one(image, phrase) for phrase in phrases]

    def one(self, image, phrase):
        {body}
"""


@pytest.fixture
def write(tmp_path):
    def method(name, body):
        path = tmp_path / f"{name.lower()}.py"
        path.write_text(METHOD.format(name=name, body=body))
        return path

    return method


def rising(sign):
    return f"return Grounding(Heatmap.whole([[0.0, {sign}1.0], [{sign}2.0, 0.0]], image.size))"


def test_a_table_is_there_before_the_next_method_ends_the_run(groundcxr, write, manifest, monkeypatch):
    """A job that is killed has printed what was done by then."""
    good, bad = write("Good", rising("")), write("Last", "raise KeyboardInterrupt")
    ran = groundcxr("evaluate", "--method", good, "--method", bad, "--dataset", "manifest", "--root", manifest)
    assert ran.code == 130
    assert "Good on manifest" in ran.out


def test_the_overview_is_sorted_and_marks_the_best_of_the_methods(groundcxr, write, manifest):
    names = [("Low", rising("-")), ("High", rising(""))]
    methods = [word for name, body in names for word in ("--method", write(name, body))]
    ran = groundcxr("evaluate", *methods, "--method", "oracle", "--dataset", "manifest", "--root", manifest, "--quiet")
    assert ran.code == 0
    assert "pathology" not in ran.out
    rows = {line.split()[0]: line for line in ran.out.splitlines() if line.split()[:1] and line[1:2].isalpha()}
    order = [name for name in rows if name in ("Low", "High", "oracle")]
    values = {name: float(re.search(r"-?\d*\.\d+", rows[name])[0]) for name in order}
    assert order[2] == "oracle"
    assert values[order[0]] >= values[order[1]]
    assert "*" in rows[order[0]]
    assert "*" not in rows["oracle"]
    *_, hint, first, second, third = ran.out.splitlines()
    assert hint.startswith("look at the results in a browser: groundcxr leaderboard --results ")
    assert all(line.endswith("result.json") for line in (first, second, third))


def test_nothing_is_the_best_of_a_part_of_the_split(groundcxr, write, manifest):
    methods = [word for name in ("Low", "High") for word in ("--method", write(name, rising("")))]
    data = ("--dataset", "manifest", "--root", manifest)
    ran = groundcxr("evaluate", *methods, *data, "--limit", "3", "--quiet")
    assert ran.code == 0
    assert "*" not in ran.out
    assert "incomplete: not the whole split, never ranked" in ran.out
    assert "incomplete" not in groundcxr("evaluate", *methods, *data, "--quiet").out


@pytest.mark.parametrize("width", [40, 60, 80, 97, 120])
def test_numbers_stay_in_one_piece_on_a_narrow_terminal(groundcxr, write, manifest, monkeypatch, width):
    monkeypatch.setattr("groundcxr.cli.console.WIDE", width)
    methods = [word for name, body in (("Low", "-"), ("High", "")) for word in ("--method", write(name, rising(body)))]
    ran = groundcxr("evaluate", *methods, "--dataset", "manifest", "--root", manifest)
    *_, low, high = ran.out.splitlines()
    compared = groundcxr("compare", low, high, "--metric", "miou")
    wide = re.compile(r"^[\[+-]*\d*\.\d+[,\]]*°?\*?$")
    tables = [line for line in (ran.out + compared.out).splitlines() if line.startswith(" ")]
    pieces = [word for line in tables for word in line.split() if "." in word and "@" not in word and "%" not in word]
    assert len(pieces) > 50
    assert [word for word in pieces if not wide.match(word) and not word.endswith("result.json")] == []
    # Each value has its two or three digits.
    assert {len(word.strip("[]+-,°*").split(".")[1]) for word in pieces} <= {2, 3}


def test_the_line_of_the_authors_code_is_told(groundcxr, write, manifest):
    file = write("Broken", "return {'yes': 1}['no']")
    common = ("--dataset", "manifest", "--root", manifest)
    ran = groundcxr("evaluate", "--method", file, *common)
    assert "broken.py:9 in one: KeyError: 'no'" in ran.err
    assert "Traceback" not in ran.err
    ran = groundcxr("evaluate", "--method", file, *common, "--debug", "--overwrite")
    assert ran.err.count("Traceback") == 1
    assert f'"{file}", line 9, in one' in ran.err
    checked = groundcxr("check-method", file)
    assert "the method failed: broken.py:9 in one: KeyError: 'no'" in checked.out
    assert f'"{file}", line 9, in one' in checked.err


@pytest.mark.parametrize("name", ["MIOU", "mIoU", "Box IoU", "box_iou", "BOX IOU"])
def test_metrics_are_taken_by_key_and_label_in_any_case(name):
    from groundcxr.evaluation.metric_names import metric_key
    from groundcxr.metrics import get_protocol

    metrics = get_protocol("v1").metrics
    assert metric_key(name, metrics, "this result") == ("miou" if "m" in name.lower() else "box_iou")


@pytest.mark.parametrize("command", [["--version"], ["evaluate", "--version"]])
def test_the_version(groundcxr, command):
    from groundcxr import __version__

    assert groundcxr(*command).out == f"groundcxr {__version__}\n"
