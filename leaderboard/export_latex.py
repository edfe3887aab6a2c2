"""A table for a paper: booktabs, best bold, intervals below the values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..core.names import one_line
from ..evaluation.derived import DERIVED
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.schema import MetricInfo
from .caption import ABOVE, TIED, caption, row_names
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
    ABOVE: r"$^{\triangle}$",
    DERIVED: r"$^{\circ}$",
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
    body: list[str] = []
    for name, row in zip(row_names(board), board.rows, strict=True):
        if row is board.blocks[-1][0] and body:
            body.append(r"\midrule")
        cells = [row.cells[column] for column in board.columns]
        values = [
            value(cell, board.metric, board.n[column], derived=row.derived)
            for cell, column in zip(cells, board.columns, strict=True)
        ]
        below = [interval(cell, board.metric) for cell in cells] if intervals else None
        body += latex_row(name, values, below)
    heads = [(capital(column), board.n[column]) for column in board.columns]
    return latex_float(heads, body, caption(board, intervals=intervals), named)


def latex_float(heads: Sequence[tuple[str, int | None]], body: Sequence[str], caption: str, named: str) -> str:
    """A `table*` that needs the packages booktabs and adjustbox.

    Args:
        heads: Each column's heading, and how many samples it has; None of what has none.
        body: The rows.
        caption: As plain text.
        named: What the label is made of.
    """
    label = re.sub(r"[^a-z0-9]+", "-", named.lower())
    counts = ["" if n is None else str(n) for _, n in heads]
    lines = [
        r"% \usepackage{booktabs,adjustbox}",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\begin{adjustbox}{max width=\textwidth}",
        rf"\begin{{tabular}}{{@{{}}l{'r' * len(heads)}@{{}}}}",
        r"\toprule",
        " & ".join(["Method", *(_heading(head) for head, _ in heads)]) + r" \\",
        " & ".join([r"\quad$n$", *counts]) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{adjustbox}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def latex_row(name: str, values: Sequence[str], below: Sequence[str] | None) -> list[str]:
    """A method's line, and one of the intervals below it where these are wanted."""
    lines = [" & ".join([_behind_a_row(escape(name)), *values]) + r" \\"]
    return lines if below is None else [*lines, " & ".join(["", *below]) + r" \\[2pt]"]


def escape(text: str) -> str:
    """Text as LaTeX prints it, in one line, whatever characters it holds."""
    return one_line(text).translate(_TRANSLATION)


def capital(column: str) -> str:
    """A heading with a capital; names of data sets, which are written as on the command line, take none."""
    return column[:1].upper() + column[1:]


def _behind_a_row(text: str) -> str:
    """Text that the end of a row before it does not take for its star or its extra space."""
    return "{}" + text if text.startswith(("[", "*")) else text


def _heading(text: str) -> str:
    words = [_behind_a_row(word) for word in escape(text).split()]
    stacked = r"\\".join(words)
    return stacked if len(words) == 1 else rf"\shortstack[r]{{{stacked}}}"


def value(cell: BoardCell, metric: MetricInfo, most: int, *, derived: bool = False) -> str:
    """A number with its marks.

    Args:
        cell: The number.
        metric: Of what.
        most: The most samples of the column; a cell with fewer says so.
        derived: Whether it is of the view that the method does not give itself.
    """
    if cell.value is None:
        return "--"
    shown = number(cell.value, digits_of(metric))
    if cell.best:
        # Bold text leaves formulas (powers, minus signs) light.
        shown = rf"\textbf{{\boldmath {shown}}}" if "$" in shown else rf"\textbf{{{shown}}}"
    count = "" if cell.n == most else f" ($n$={cell.n})"
    mark = _SPECIAL[TIED] if cell.tied else _SPECIAL[ABOVE] if cell.above else ""
    return shown + mark + (_SPECIAL[DERIVED] if derived else "") + count


def interval(cell: BoardCell, metric: MetricInfo) -> str:
    """A number's interval in small brackets."""
    if cell.low is None or cell.high is None:
        return ""
    low, high = (number(end, digits_of(metric)) for end in (cell.low, cell.high))
    # In braces: a bracket after a row's end would be taken for the row's extra space.
    return rf"{{\scriptsize [{low}, {high}]}}"


def number(value: float, digits: int) -> str:
    """A number as LaTeX sets it."""
    shown = write_number(value, digits)
    if exponent := _EXPONENT.fullmatch(shown):
        return rf"${exponent[1]}\times10^{{{int(exponent[2])}}}$"
    return f"$-${shown[1:]}" if shown.startswith("-") else shown
