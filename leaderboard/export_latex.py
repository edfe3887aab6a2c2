"""A table for a paper: booktabs, best bold, intervals below the values."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from unicodedata import normalize

from ..core.names import one_line
from ..evaluation.derived import DERIVED
from ..evaluation.numbers import with_plus
from ..evaluation.schema import MetricInfo
from .board import BoardCell
from .caption import ABOVE, TIED
from .sheet import Head, Sheet, SheetCell
from .table_style import AS_USUAL, TableStyle
from .zero_shot import SEEN

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
_SIGNS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ≤≥≠≈→←∞√∈"
"""Signs that pdfLaTeX has in formulas alone."""

_NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon varphi chi "
    "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega le ge ne approx to leftarrow infty surd in"
)
_FORMULAS = {sign: rf"$\{name}$" for sign, name in zip(_SIGNS, _NAMES.split(), strict=True)}
_TRANSLATION = str.maketrans({**_SPECIAL, **_FORMULAS, "\N{MINUS SIGN}": "$-$"})
_PAGE, _TYPE, _SMALL, _GAP = 484.0, 10.0, 7.0, 12.0
"""In points: 17 cm, the text's type, that of intervals, and what is between columns."""

SMALLEST = 5.0
"""Points below which print is hard to read."""

_HEADING = 10
"""Letters of a heading that stand in one line: about as wide as an interval below it."""

_COMMAND = re.compile(r"\\[a-zA-Z]+|[{}$^\\]")
_EXPONENT = re.compile(r"(.*)e([+-]\d+)")


def latex_sheet(sheet: Sheet, style: TableStyle) -> str:
    """A `table*` that needs the packages booktabs and adjustbox.

    Args:
        sheet: The table, arranged.
        style: How its numbers are written, and how long its caption is.
    """
    label = re.sub(r"[^a-z0-9]+", "-", sheet.label.lower())
    short = style.short_caption
    lines = [
        r"% \usepackage{booktabs,adjustbox}",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{escape(sheet.title + '.' if short else sheet.caption)}}}",
        rf"\label{{tab:{label}}}",
        # Many classes leave nothing between a caption and what is below it.
        r"\par\smallskip",
        r"\begin{adjustbox}{max width=\textwidth}",
        *_tabular(sheet, style),
        r"\end{adjustbox}",
        *([rf"\par\smallskip\parbox{{\textwidth}}{{\footnotesize {escape(sheet.caption)}}}"] if short else []),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _tabular(sheet: Sheet, style: TableStyle) -> list[str]:
    """The table itself; how many samples there are stands below the heads of columns, or behind those of rows."""
    behind = any(head.n is not None for head in sheet.rows)
    heads = [_heading(capital(head.shown) if head.capital else head.shown) for head in sheet.columns]
    lines = [
        rf"\begin{{tabular}}{{@{{}}l{'r' * (len(heads) + behind)}@{{}}}}",
        r"\toprule",
        " & ".join([sheet.corners[0], *(["$n$"] if behind else []), *heads]) + r" \\",
    ]
    if any(head.n is not None for head in sheet.columns):
        lines.append(" & ".join([r"\quad$n$", *map(_count, sheet.columns)]) + r" \\")
    lines.append(r"\midrule")
    block = _controls_from(sheet.rows)
    for place, (head, cells) in enumerate(zip(sheet.rows, sheet.cells, strict=True)):
        if place and place == block:
            lines.append(r"\midrule")
        name = _behind_a_row(escape(capital(head.shown) if head.capital else head.shown))
        counted = [_count(head)] if behind else []
        lines.append(" & ".join([name, *counted, *(_cell(cell, style) for cell in cells)]) + r" \\")
        if style.intervals:
            below = ["", *([""] if behind else []), *(_interval(cell, style) for cell in cells)]
            lines.append(" & ".join(below) + r" \\[2pt]")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _controls_from(rows: Sequence[Head]) -> int:
    """The place of the first control, where controls are a block below the methods; 0 where they are none."""
    methods = [place for place, head in enumerate(rows) if not head.control]
    return len(methods) if methods and methods[-1] < len(methods) < len(rows) else 0


def smallest_type(tables: str) -> float:
    """About how large the intervals of tables are once they are made to fit a page, in points.

    A letter is taken to be half as wide as its type is high.

    Args:
        tables: As `latex_sheet` writes them.
    """
    found = [_SMALL]
    for table in tables.split(r"\toprule")[1:]:
        lines = [line.split(" & ") for line in table.partition(r"\bottomrule")[0].splitlines() if " & " in line]
        widths: dict[int, float] = {}
        for line in lines:
            for place, cell in enumerate(line):
                size = _SMALL if r"\scriptsize" in cell else _TYPE
                words = [_COMMAND.sub("", word) for word in cell.split(r"\\")]
                widths[place] = max(widths.get(place, 0.0), size / 2 * max(map(len, words)))
        width = sum(widths.values()) + _GAP * len(widths)
        if r"\scriptsize" in table:
            found.append(_SMALL * min(1.0, _PAGE / width))
    return min(found)


def _count(head: Head) -> str:
    return "" if head.n is None else str(head.n)


def _cell(cell: SheetCell, style: TableStyle) -> str:
    if cell.number is None or cell.number.value is None:
        return escape(cell.text) or "--"
    shown = value(cell.number, cell.metric, cell.most, style, derived=cell.derived)
    shown = with_plus(shown, cell.number.value) if cell.signed else shown
    return rf"{shown} {{\scriptsize {SEEN}}}" if cell.seen else shown


def _interval(cell: SheetCell, style: TableStyle) -> str:
    return "" if cell.number is None else interval(cell.number, cell.metric, style, signed=cell.signed)


def escape(text: str) -> str:
    """Text as LaTeX prints it, in one line, whatever characters it holds."""
    # Letters with their accents in one, since pdfLaTeX knows no accent alone; and two hyphens would become a dash.
    return re.sub("-(?=-)", "-{}", normalize("NFC", one_line(text)).translate(_TRANSLATION))


def capital(column: str) -> str:
    """A heading with a capital; names of data sets, which are written as on the command line, take none."""
    return column[:1].upper() + column[1:]


def _behind_a_row(text: str) -> str:
    """Text that the end of a row before it does not take for its star or its extra space."""
    return "{}" + text if text.startswith(("[", "*")) else text


def _heading(text: str) -> str:
    """A heading in lines as short as its longest word allows."""
    width = max([_HEADING, *map(len, text.split())])
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    stacked = r"\\".join(_behind_a_row(escape(line)) for line in lines)
    return stacked if len(lines) < 2 else rf"\shortstack[r]{{{stacked}}}"


def value(
    cell: BoardCell, metric: MetricInfo, most: int | None, style: TableStyle = AS_USUAL, *, derived: bool = False
) -> str:
    """A number with its marks.

    Args:
        cell: The number.
        metric: Of what.
        most: The most samples of the column; a cell with fewer says so. None where that is not said.
        style: How it is written.
        derived: Whether it is of the view that the method does not give itself.
    """
    if cell.value is None:
        return "--"
    shown = number(cell.value, metric, style)
    if cell.best:
        # Bold text leaves formulas (powers, minus signs) light.
        shown = rf"\textbf{{\boldmath {shown}}}" if "$" in shown else rf"\textbf{{{shown}}}"
    count = "" if most is None or cell.n == most else f" ($n$={cell.n})"
    mark = _SPECIAL[TIED] if cell.tied else _SPECIAL[ABOVE] if cell.above else ""
    return shown + mark + (_SPECIAL[DERIVED] if derived else "") + count


def interval(cell: BoardCell, metric: MetricInfo, style: TableStyle = AS_USUAL, *, signed: bool = False) -> str:
    """A number's interval in small brackets."""
    if cell.low is None or cell.high is None:
        return ""
    shown = ((number(end, metric, style), end) for end in (cell.low, cell.high))
    low, high = (with_plus(one, end) if signed else one for one, end in shown)
    # In braces: a bracket after a row's end would be taken for the row's extra space.
    return rf"{{\scriptsize [{low}, {high}]}}"


def number(value: float, metric: MetricInfo, style: TableStyle) -> str:
    """A number as LaTeX sets it."""
    shown = style.write(value, metric)
    if exponent := _EXPONENT.fullmatch(shown):
        return rf"${exponent[1]}\times10^{{{int(exponent[2])}}}$"
    return f"$-${shown[1:]}" if shown.startswith("-") else shown
