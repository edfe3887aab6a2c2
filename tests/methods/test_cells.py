"""Classes that no file holds: a notebook's cells, run by IPython as a kernel does."""

import sys
import threading

import numpy as np
import pytest

from groundcxr.evaluation import evaluate
from groundcxr.methods.revision import not_known

FIRST = """
import helper, threading
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap
SIGN = 1
def sharpen(values):
    return values * SIGN
class Mine(GroundingMethod):
    def ground(self, image, phrases):
        if phrases[0].startswith("secret phrase 1"):
            raise KeyError("no")
        grid = np.arange(image.size[0] * 4.0).reshape(4, -1)
        return [Grounding(Heatmap.whole(helper.scale(sharpen(grid)), image.size)) for _ in phrases]
"""


@pytest.fixture
def cell(tmp_path, monkeypatch):
    """Runs a cell; gives the names that are there then."""
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    (tmp_path / "helper.py").write_text("FACTOR = 2\ndef scale(values):\n    return values * FACTOR\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(code):
        assert shell.run_cell(code).success
        return shell.user_ns

    yield run
    sys.modules.pop("helper", None)


def fingerprint(names):
    return names["Mine"]().fingerprint()


@pytest.mark.parametrize(
    "edit",
    [
        "SIGN = -1",
        "def sharpen(values):\n    return values * -SIGN",
        "helper.FACTOR = 3",
        FIRST.replace("4.0", "2.0"),
    ],
)
def test_what_a_cell_uses_is_a_part_of_what_it_is(cell, edit):
    before = fingerprint(cell(FIRST))
    assert fingerprint(cell(edit)) != before
    assert fingerprint(cell(FIRST + "# a remark\nhelper.FACTOR = 2")) == before


def test_an_edited_cell_is_not_answered_with_what_was_stored(cell, tiny, tmp_path):
    def auroc(names):
        with pytest.warns(
            UserWarning, match=r"Mine failed on 2 of 10 samples.* 2 times: .*:\d+ in ground: KeyError: 'no'"
        ):
            return evaluate(names["Mine"], tiny, out=tmp_path / "out").info.overall.micro["auroc"].value

    first = auroc(cell(FIRST))
    assert auroc(cell("Mine.revision = 'a'")) == first
    assert auroc(cell("SIGN = -1")) == pytest.approx(1 - first)


def test_what_cannot_be_known_is_not_stored_and_that_is_said(cell, tiny, tmp_path):
    names = cell(FIRST.replace('phrases[0].startswith("secret phrase 1")', "LOCK.locked()") + "LOCK = threading.Lock()")
    assert not_known(names["Mine"]()) == "ground.LOCK (a lock)"
    with pytest.warns(UserWarning, match=r"predictions of Mine are not stored.*it uses ground.LOCK \(a lock\)"):
        result = evaluate(names["Mine"], tiny, out=tmp_path / "out")
    assert not (tmp_path / "out/store").exists()
    # Of this process the answers are there to be looked at.
    assert result.prediction(result.samples.sample_id[0]).heatmap is not None


def test_arguments_of_an_instance_count(cell):
    names = cell(FIRST + "    def __init__(self, factor):\n        super().__init__()\n        self.factor = factor\n")
    mine = names["Mine"]
    assert mine(np.ones(3)).fingerprint() == mine(np.ones(3)).fingerprint() != mine(np.zeros(3)).fingerprint()
    assert not_known(mine(threading.Lock())) == "factor (a lock)"
