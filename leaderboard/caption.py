"""What a table's caption must say so that its numbers can be repeated: one text for every format."""

from __future__ import annotations

from collections.abc import Sequence

from ..comparison.captions import SIGN_FLIPS, cells_said, how_tested
from ..comparison.significance import LEVEL
from ..core.fingerprint import SHORT
from ..evaluation.conditions import describe_condition
from ..evaluation.derived import DERIVED_SAID, NATIVE_SAID
from ..evaluation.negative_notes import negatives_said
from ..evaluation.schema import MetricInfo
from .data_columns import PHANTOM
from .runs import Run
from .supervision import places_said, supervision_said
from .tables import Board, BoardCell
from .zero_shot import SEEN, seen_in

TIED = "†"
"""The mark of what cannot be told from the best."""

SEEN_SAID = f"{SEEN}: the method was trained on images, phrases or boxes of the collection that the data set is of."
"""What the tag means."""

INTERVALS_SAID = "In brackets the 95 % interval (bootstrap over patients)."
CONTROLS_SAID = "Controls are yardsticks, not methods."
IMPORTED_SAID = "Imported: numbers or predictions made elsewhere."
PHANTOMS_SAID = "Phantoms rank code paths, not clinical ability."

HASH = 12
"""Digits of a protocol's hash in a caption."""


def caption(board: Board, *, intervals: bool) -> str:
    """Data set, version, split, number of samples, protocol with hash, dates, and what the marks mean.

    Args:
        board: The table.
        intervals: Whether it shows the 95 % intervals.
    """
    setting, infos = board.setting, [row.run.info for row in board.rows]
    when = days_of([row.run for row in board.rows])
    condition = board.rows[0].run.info.condition
    under = "" if condition is None else f", altered: {describe_condition(condition)}"
    said = [
        f"{board.metric.label} on {setting.dataset} {setting.version} (split {setting.split}, "
        f"{setting.n_samples} samples, fingerprint {setting.fingerprint[:SHORT]}{under}) under protocol "
        f"{setting.protocol} (version {setting.protocol_version}, hash {setting.protocol_hash[:HASH]}), measured "
        f"{when}.",
        direction_said(board.metric),
        cells_said(board.metric),
    ]
    if intervals:
        said.append(INTERVALS_SAID)
    if board.ranked:
        said.append(marks_said([cell for row in board.rows for cell in row.cells.values()], board.metric))
    else:
        said.append("Not the whole split, so nothing is ranked.")
    if any(cell.n != board.n[column] for row in board.rows for column, cell in row.cells.items()):
        said.append("Where a value rests on fewer samples than the column's n, its own n is given.")
    if negatives := board.rows[0].run.info.dataset.n_negatives:
        said.append(f"Beside these samples, {negatives} negatives were asked about, which are in no average.")
    elif negatives := negatives_said(board.rows[0].run.info):
        said.append(f"{negatives}.")
    if board.tells_seen and any(seen_in(row.run.info) for row in board.rows):
        said.append(SEEN_SAID)
    if any(row.derived for row in board.rows):
        said.append(DERIVED_SAID)
    if board.only_native:
        said.append(NATIVE_SAID)
    if any(row.run.info.method.control for row in board.rows):
        said.append(CONTROLS_SAID)
    said += [*supervision_said(infos), *places_said(infos)]
    if any(row.run.imported is not None for row in board.rows):
        said.append(IMPORTED_SAID)
    if setting.dataset == PHANTOM:
        said.append(PHANTOMS_SAID)
    return " ".join(said)


def days_of(runs: Sequence[Run]) -> str:
    """When runs were made: a day, or the first and the last."""
    days = sorted(run.info.run.created[:10] for run in runs) or ["-"]
    return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"


def direction_said(metric: MetricInfo) -> str:
    """Which end of a metric is the good one."""
    return f"{'Higher' if metric.higher_is_better else 'Lower'} is better."


def marks_said(cells: Sequence[BoardCell], metric: MetricInfo) -> str:
    """What bold and the dagger mean, of a table of a metric with these cells."""
    test = "paired sign-flip permutation" if how_tested(metric) == SIGN_FLIPS else "centred paired bootstrap"
    said = (
        f"Bold: best of the column; {TIED}: not distinguishable from the best ({test} over patients, Holm-corrected "
        f"over the methods, p not below {LEVEL:g})."
    )
    if any(cell.tied and cell.p is not None and cell.p < LEVEL for cell in cells):
        said += f" {TIED} also marks what is no worse than the best on the samples that both have."
    return said


def row_name(label: str, *, control: bool, imported: bool, seen: bool = False) -> str:
    """A method's name in a table, with what a reader must know of it."""
    marks = [mark for mark, holds in (("control", control), ("imported", imported), (SEEN, seen)) if holds]
    return label + (f" ({', '.join(marks)})" if marks else "")


def row_names(board: Board) -> list[str]:
    """The names of a board's rows."""
    return [
        row_name(
            row.run.label,
            control=row.run.info.method.control,
            imported=row.run.imported is not None,
            seen=board.tells_seen and seen_in(row.run.info) is not None,
        )
        for row in board.rows
    ]
