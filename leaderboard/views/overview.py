"""The page over all data sets: methods in rows, data sets in columns, and mean ranks."""

from __future__ import annotations

from ...comparison.setting import Setting
from ...core import GroundCXRError
from ..board_html import scale_note
from ..data_columns import Column
from ..data_names import protocol_titles
from ..overview import Overview, overview
from ..overview_caption import overview_caption, ranks_said
from ..overview_html import BARS_SAID, overview_scale, overview_table, ranks_table
from .address import linked
from .choices import Chosen
from .frame import open_page
from .markup import heading, note, put, sentence


def show() -> None:
    """The page."""
    chosen = open_page([])
    if chosen is None:
        return
    try:
        shown = overview(chosen.runs, chosen.metric.key, only_zero_shot=chosen.zero_shot)
    except GroundCXRError as error:
        note(sentence(str(error)))
        return
    scale = overview_scale(shown)
    put(overview_table(shown, scale, _boards(chosen, shown)))
    note(f"{overview_caption(shown, intervals=True)} {scale_note(scale, shown.metric)}")
    heading("Mean ranks", ranks_said(shown))
    if shown.ranks is not None:
        put(ranks_table(shown))
        note(BARS_SAID)


def _boards(chosen: Chosen, shown: Overview) -> dict[Column, str]:
    """The address of each data set's board."""
    settings = chosen.library.settings()
    names = chosen.library.data_names

    def url(setting: Setting) -> str:
        titles = protocol_titles([one for one in settings if names[one] == names[setting]])
        # The first page is at the server's root.
        return linked("./", data=names[setting], protocol=titles[setting], metric=shown.metric.label)

    return {column: url(column.setting) for column in shown.columns}
