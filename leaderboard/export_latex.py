"""A table for a paper: booktabs, best bold, intervals below the values."""

from __future__ import annotations

import re

from ..core.names import one_line
from ..evaluation.numbers import digits_of, write_number
from .caption import TIED, caption, row_names
from .tables import Board, BoardCell

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\textasciigrave{}",
    TIED: r"$^{\dagger}$",
}
_TRANSLATION = str.maketrans(_SPECIAL)
_EXPONENT = re.compile(r"(.*)e([+-]\d+)")


def latex_table(board: Board, *, intervals: bool) -> str:
    """A `table*` that needs the packages booktabs and adjustbox.

    Args:
        board: The table.
        intervals: Whether a line below each method gives the 95 % intervals.
    """
    setting = board.setting
    # The id, since versions, splits and parts of a split may share all the names.
    named = f"{setting.dataset}-{setting.protocol}-{board.metric.key}-{setting.id}"
    label = re.sub(r"[^a-z0-9]+", "-", named.lower())
    lines = [
        r"% \usepackage{booktabs,adjustbox}",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{escape(caption(board, intervals=intervals))}}}",
        rf"\label{{tab:{label}}}",
        r"\begin{adjustbox}{max width=\textwidth}",
        rf"\begin{{tabular}}{{@{{}}l{'r' * len(board.columns)}@{{}}}}",
        r"\toprule",
        " & ".join(["Method", *(_heading(column) for column in board.columns)]) + r" \\",
        " & ".join([r"\quad$n$", *(str(board.n[column]) for column in board.columns)]) + r" \\",
        r"\midrule",
    ]
    for name, row in zip(row_names(board), board.rows, strict=True):
        cells = [row.cells[column] for column in board.columns]
        values = [_value(cell, board, column) for cell, column in zip(cells, board.columns, strict=True)]
        lines.append(" & ".join([_behind_a_row(escape(name)), *values]) + r" \\")
        if intervals:
            lines.append(" & ".join(["", *(_interval(cell, board) for cell in cells)]) + r" \\[2pt]")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{adjustbox}", r"\end{table*}"]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text as LaTeX prints it, in one line, whatever characters it holds."""
    return one_line(text).translate(_TRANSLATION)


def _behind_a_row(text: str) -> str:
    """Text that the end of a row before it does not take for its star or its extra space."""
    return "{}" + text if text.startswith(("[", "*")) else text


def _heading(column: str) -> str:
    words = [_behind_a_row(word) for word in escape(column[:1].upper() + column[1:]).split()]
    stacked = r"\\".join(words)
    return stacked if len(words) == 1 else rf"\shortstack[r]{{{stacked}}}"


def _value(cell: BoardCell, board: Board, column: str) -> str:
    if cell.value is None:
        return "--"
    shown = _number(cell.value, board)
    if cell.best:
        # Bold text leaves formulas (powers, minus signs) light.
        shown = rf"\textbf{{\boldmath {shown}}}" if "$" in shown else rf"\textbf{{{shown}}}"
    count = "" if cell.n == board.n[column] else f" ($n$={cell.n})"
    return shown + (_SPECIAL[TIED] if cell.tied else "") + count


def _interval(cell: BoardCell, board: Board) -> str:
    if cell.low is None or cell.high is None:
        return ""
    # In braces: a bracket after a row's end would be taken for the row's extra space.
    return rf"{{\scriptsize [{_number(cell.low, board)}, {_number(cell.high, board)}]}}"


def _number(value: float, board: Board) -> str:
    shown = write_number(value, digits_of(board.metric))
    if exponent := _EXPONENT.fullmatch(shown):
        return rf"${exponent[1]}\times10^{{{int(exponent[2])}}}$"
    return f"$-${shown[1:]}" if shown.startswith("-") else shown
