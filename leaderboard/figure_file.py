"""The files that a figure is written to, the same bytes whenever it is drawn."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import GroundCXRError
from ..evaluation.picture import any_letter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = {".pdf": "pdf", ".png": "png", ".svg": "svg"}
"""By the suffix of a file."""

_DPI = 300
_PUBLIC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "groundcxr",
}
"""Letters that every reader has: embedded in PDF, drawn in SVG."""


def written(figure: Figure, suffix: str) -> bytes:
    """A figure as a file of a kind, the same bytes whenever it is drawn.

    Args:
        figure: The figure.
        suffix: One of `FORMATS`.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    form = FORMATS[suffix.lower()]
    when: dict[str, Any] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[form]
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    with rc_context(_PUBLIC), any_letter():
        figure.savefig(buffer, format=form, dpi=_DPI, metadata=when)
    return buffer.getvalue()


def check_suffix(out: Path) -> None:
    """Refuse a file whose name does not say which kind of picture it is.

    Raises:
        GroundCXRError: If the suffix is none of `FORMATS`.
    """
    if out.suffix.lower() not in FORMATS:
        raise GroundCXRError(f"the figure is a PDF, PNG or SVG; give --out a name that ends so, not {out.name}")
