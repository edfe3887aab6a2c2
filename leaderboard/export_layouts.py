"""One way from runs to tables of any layout, for the command line and the page of exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .board import boards
from .conditions import condition_tables
from .export import board_sheet, export
from .export_conditions import conditions_sheet, export_changes
from .export_metrics import export_metrics, metrics_sheets
from .export_overview import export_overviews, overview_sheet
from .formats import Format, Layout
from .overview import overviews
from .runs import Run
from .sheet import Sheet, arranged
from .table_style import TableStyle
from .zero_shot import only_zero_shot as unseen


@dataclass(frozen=True)
class Tables:
    """Tables of a layout.

    Attributes:
        found: The tables as their layout has them.
        layout: What their columns are.
    """

    found: Sequence[Any]
    layout: Layout

    def write(self, form: Format, style: TableStyle) -> str:
        """The tables in a format.

        Raises:
            GroundCXRError: If the style does not fit them or the form.
        """
        writers: dict[Layout, Callable[..., str]] = {
            Layout.PATHOLOGIES: export,
            Layout.METRICS: export_metrics,
            Layout.DATASETS: export_overviews,
            Layout.CONDITIONS: export_changes,
        }
        return writers[self.layout](self.found, form, style)

    def sheets(self, style: TableStyle) -> list[Sheet]:
        """The tables as they are printed.

        Raises:
            GroundCXRError: If the style does not fit them.
        """
        if self.layout is Layout.METRICS:
            return arranged(metrics_sheets(self.found, style), style)
        makers: dict[Layout, Callable[..., Sheet]] = {
            Layout.PATHOLOGIES: board_sheet,
            Layout.DATASETS: overview_sheet,
            Layout.CONDITIONS: conditions_sheet,
        }
        return arranged([makers[self.layout](table, style) for table in self.found], style)


def tables_of_layout(
    runs: Sequence[Run],
    layout: Layout,
    metrics: Sequence[str] = (),
    *,
    only_zero_shot: bool = False,
    only_native: bool = False,
) -> Tables:
    """The tables of runs.

    Args:
        runs: The runs.
        layout: What columns are.
        metrics: Keys of metrics; each protocol's headline ones by default.
        only_zero_shot: Whether to leave out what methods have on data sets that they have seen.
        only_native: Whether to leave out methods whose values would be derived from another kind of answer.

    Raises:
        GroundCXRError: If there is no such table.
    """
    if layout is Layout.DATASETS:
        # Overview says of each number why it is not there.
        found: Sequence[Any] = overviews(runs, metrics, only_zero_shot=only_zero_shot, only_native=only_native)
        return Tables(found, layout)
    left = unseen(runs) if only_zero_shot else runs
    if layout is Layout.CONDITIONS:
        return Tables(condition_tables(left, metrics, only_native=only_native), layout)
    return Tables(boards(left, metrics, only_native=only_native), layout)
