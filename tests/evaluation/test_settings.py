"""What a method's code changes for the whole process does not outlast its run."""

import gc
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from groundcxr import Grounding, GroundingMethod, Heatmap, evaluate


class Unsettles(GroundingMethod):
    """Goes to a folder, as code of a repository does that reads its files from there, and has NumPy raise."""

    revision = "1"
    folder = Path()

    def setup(self, device):
        os.chdir(self.folder)
        np.seterr(all="raise")

    def ground(self, image, phrases):
        assert np.geterr()["under"] == "raise"
        shape = [int(one) for one in Path("shape.txt").read_text().split()]
        return [Grounding(Heatmap.whole(np.eye(*shape), image.size)) for _ in phrases]


def test_a_method_keeps_its_settings_while_it_runs_and_leaves_none(tiny, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/shape.txt").write_text("3 4")
    monkeypatch.setattr(Unsettles, "folder", tmp_path / "there")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = np.geterr()
    with pytest.warns(UserWarning, match="reads files that no option"):
        result = evaluate(Unsettles, tiny, out="out")
    assert set(result.problems) == set()
    assert Path.cwd() == tmp_path / "here"
    assert np.geterr() == before
    assert list((tmp_path / "here/out").iterdir())


def test_no_file_of_the_store_is_left_open(tiny, tmp_path):
    """Whoever asks for all warnings, as a method may, is told of it otherwise, with a traceback."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        evaluate("center-prior", tiny, out=tmp_path)
        gc.collect()
    assert [one for one in told if one.category is ResourceWarning] == []
