"""Guesses that never look at an image: what any method must beat."""

from __future__ import annotations

from ..evaluation.schema import MethodInfo
from .board import Board, BoardRow

_BLIND = frozenset(
    {"blank-image", "center-prior", "class-mean-box", "location-prior", "random", "text-prior", "whole-image"}
)
"""Names of the controls whose answer does not depend on what is in the image."""


def never_looks(method: MethodInfo) -> bool:
    """Whether a method is a control that does not look at the image; it may know the phrase, or the class."""
    return method.control and method.name in _BLIND


def best_guess(board: Board) -> BoardRow | None:
    """The row with the best macro average among those that never look; None where there is none with a value."""
    guesses = (row for row in board.rows if never_looks(row.run.info.method) and row.macro.value is not None)
    # Rows of a block are sorted, the best macro average first.
    return next(guesses, None)
