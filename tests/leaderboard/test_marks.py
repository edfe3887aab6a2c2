"""What the marks of a table mean: methods are tied with the best, controls are above it, and what follows is said."""

import numpy as np
import pytest

from groundcxr.leaderboard.blind import best_guess
from groundcxr.leaderboard.board import board
from groundcxr.leaderboard.caption import ABOVE, TIED, blind_said, caption
from groundcxr.leaderboard.export import export
from groundcxr.leaderboard.formats import Format

EDEMA = np.arange(40) % 2 == 0


@pytest.fixture
def guessed(save_run, scan):
    """A method, its twin, a guess that beats both for Edema, one that never does, and a control that knows."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0.3, 0.5, 40)
    save_run("good", {"box_iou": values})
    save_run("twin", {"box_iou": values + rng.normal(-0.004, 0.05, 40)})
    save_run("text-prior", {"box_iou": np.where(EDEMA, values + 0.2, values - 0.2)}, kind="control")
    save_run("center-prior", {"box_iou": values - 0.25 + rng.normal(0, 0.01, 40)}, kind="control")
    save_run("oracle", {"box_iou": np.ones(40)}, kind="control")
    return board(scan().runs, "box_iou")


def cells_of(shown, column):
    return {row.run.label: row.cells[column] for row in shown.rows}


def test_controls_stand_below_the_methods_and_are_above_them_or_nothing(guessed):
    assert [[row.run.label for row in block] for block in guessed.blocks] == [
        sorted(("good", "twin"), key=lambda one: -cells_of(guessed, "macro")[one].value),
        ["oracle", "text-prior", "center-prior"],
    ]
    for column in guessed.columns:
        cells = cells_of(guessed, column)
        assert {name for name, cell in cells.items() if cell.best or cell.tied} == {"good", "twin"}
        assert cells["oracle"].above
        assert cells["text-prior"].above is (column == "Edema")
        assert not cells["center-prior"].above
        assert not cells["good"].above
    # A difference that may be chance is no mark.
    assert cells_of(guessed, "micro")["text-prior"].p is not None


def test_a_control_that_may_only_be_luckier_has_no_mark(save_run, scan):
    values = np.linspace(0.3, 0.6, 40)
    save_run("method", {"box_iou": values})
    save_run("text-prior", {"box_iou": values + 0.001 + 0.05 * (-1) ** (np.arange(40) // 2)}, kind="control")
    shown = board(scan().runs, "box_iou")
    cells = cells_of(shown, "macro")
    assert cells["text-prior"].value > cells["method"].value
    assert not cells["text-prior"].above
    assert blind_said(shown) == []
    assert ABOVE not in caption(shown, intervals=True)


def test_fewer_easier_samples_do_not_put_a_control_above(save_run, scan):
    values = np.linspace(0.2, 0.8, 40)
    save_run("method", {"box_iou": values})
    save_run("text-prior", {"box_iou": values - 0.05}, keep=values > 0.5, kind="control")
    cells = cells_of(board(scan().runs, "box_iou"), "micro")
    assert cells["text-prior"].value > cells["method"].value
    assert cells["text-prior"].p < 0.05
    assert not cells["text-prior"].above


def test_the_sentence_is_of_guesses_that_never_look(guessed):
    said = "For Edema a guess that never looks at the image (text-prior) beats every method, p < .001."
    assert blind_said(guessed) == [said]
    guess = best_guess(guessed)
    assert guess is not None
    assert guess.run.label == "text-prior"
    markdown = export([guessed], Format.MARKDOWN).replace("\\", "")
    latex = export([guessed], Format.LATEX)
    assert said in markdown
    assert said.replace("<", r"\textless{}") in latex
    assert f"{ABOVE}: a control above the best method (p below 0.05)" in markdown
    row = next(line for line in markdown.splitlines() if line.startswith("| text-prior"))
    assert (row.count(ABOVE), row.count(TIED)) == (1, 0)
    body = latex.partition(r"\midrule")[2]
    methods, rule, controls = body.partition(r"\midrule")
    assert rule
    assert r"$^{\triangle}$" in controls
    assert r"\triangle" not in methods
    assert "(control)" not in methods


def test_several_columns_are_one_sentence(save_run, scan):
    values = np.linspace(0.2, 0.4, 40)
    save_run("method", {"box_iou": values})
    save_run("poor", {"box_iou": values - 0.1})
    save_run("text-prior", {"box_iou": values + 0.2}, kind="control")
    (said,) = blind_said(board(scan().runs, "box_iou"))
    assert said.startswith("For Edema, Pneumonia, the macro average and the micro average a guess")


def test_a_row_alone_is_not_the_best_of_anything(save_run, scan):
    save_run("alone", {"box_iou": np.linspace(0.2, 0.8, 12)})
    shown = board(scan().runs, "box_iou")
    assert not shown.ranked
    assert not any(cell.best for cell in shown.rows[0].cells.values())
    assert "Bold" not in caption(shown, intervals=True)
    assert "Not the whole split" not in caption(shown, intervals=True)
