"""The leaderboard of a metric whose cells are no means: ranked by the paired bootstrap, and said so everywhere."""

import numpy as np
import pytest

from groundcxr.comparison.head_to_head import head_to_head
from groundcxr.comparison.significance import holm
from groundcxr.leaderboard.board import board
from groundcxr.leaderboard.caption import caption
from groundcxr.leaderboard.export import export
from groundcxr.leaderboard.failures import slices
from groundcxr.leaderboard.formats import Format
from groundcxr.leaderboard.library import Library


@pytest.fixture
def runs(made, tmp_path):
    rng = np.random.default_rng(0)
    good = rng.uniform(0.5, 0.9, 40)
    for label, values in {
        "good": good,
        "twin": np.clip(good + rng.normal(0, 0.05, 40), 0, 1),
        "poor": good - 0.3,
    }.items():
        made(label, values).save(tmp_path)
    return Library.scan([tmp_path]).runs


def test_the_best_is_marked_and_what_cannot_be_told_from_it(runs):
    table = board(runs, "pixels")
    cells = {row.run.label: row.cells["macro"] for row in table.rows}
    assert not cells["poor"].tied
    labelled = {run.label: run for run in runs}
    best, *others = (row.run.label for row in table.rows)
    pairs = [head_to_head(labelled[best], labelled[other], "pixels").table.set_index("column") for other in others]
    assert [cells[other].p for other in others] == holm([pair.loc["macro", "p"] for pair in pairs]).tolist()
    assert cells["poor"].p == pytest.approx(2 / 2001)  # sign flips of 20 patients would say .0002
    assert {label for label, cell in cells.items() if cell.best or cell.tied} == {"good", "twin"}
    assert cells["good"].value == next(run for run in runs if run.label == "good").info.overall.macro["pixels"].value


def test_captions_and_exports_say_which_test_it_is(runs):
    for form in (Format.MARKDOWN, Format.LATEX):
        said = export([board(runs, "pixels")], form)
        assert "centred paired bootstrap over patients" in said
        assert "micro: over all samples together" in said
    assert "paired sign-flip permutation" in caption(board(runs, "box_iou"), intervals=False)


def test_slices_are_made_of_what_their_samples_add(runs):
    (run,) = (run for run in runs if run.label == "good")
    found = slices([run], "pixels", "n_boxes").set_index("slice")
    rows = run.samples()
    for number in (1, 2):
        mine = rows.loc[rows["n_boxes"] == number]
        above, below = (np.concatenate(mine[f"pixels_{name}"].tolist()).sum() for name in ("sums", "weights"))
        assert found.loc[str(number), "value"] == pytest.approx(above / below)
