"""What a table's caption must say so that its numbers can be repeated: one text for every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..comparison.captions import SIGN_FLIPS, cells_said, how_tested, p_shown
from ..comparison.significance import LEVEL, MACRO, MICRO
from ..core.fingerprint import SHORT
from ..evaluation.conditions import describe_condition
from ..evaluation.derived import DERIVED_SAID, NATIVE_SAID
from ..evaluation.direction import direction_of
from ..evaluation.negative_notes import negatives_said
from ..evaluation.resampled import resampled
from ..evaluation.schema import MetricInfo, ResultFile
from .blind import never_looks
from .board import Board, BoardCell, best_first
from .data_columns import PHANTOM
from .data_names import titled
from .runs import Run
from .supervision import places_said, supervision_said
from .zero_shot import SEEN, seen_in

TIED = "†"
"""The mark of a method that cannot be told from the best one."""

ABOVE = "△"
"""The mark of a control that is better than the best method."""

SEEN_SAID = f"{SEEN}: the method was trained on images, phrases or boxes of the collection that the data set is of."
"""What the tag means."""

NOTHING_SAID = "Where - stands, no sample counts."
CONTROLS_SAID = "Controls are yardsticks, not methods."
IMPORTED_SAID = "Imported: numbers or predictions made elsewhere."
PHANTOMS_SAID = "Phantoms rank code paths, not clinical ability."

_AVERAGES = {MACRO: "the macro average", MICRO: "the micro average"}

HASH = 12
"""Digits of a protocol's hash in a caption."""


def caption(board: Board, *, intervals: bool, renamed: Mapping[str, str] = {}) -> str:
    """What `sentences` and `blind_said` say, in one paragraph.

    Args:
        board: The table.
        intervals: Whether it shows the 95 % intervals.
        renamed: What columns are called instead, by name.
    """
    return " ".join([*sentences(board, intervals=intervals), *blind_said(board, renamed)])


def sentences(board: Board, *, intervals: bool) -> list[str]:
    """Data set, version, split, number of samples, protocol with hash, dates, and what the marks mean.

    Args:
        board: The table.
        intervals: Whether it shows the 95 % intervals.
    """
    setting, infos = board.setting, [row.run.info for row in board.rows]
    said = [
        f"{board.metric.label} {measured_said([row.run for row in board.rows])}.",
        direction_said(board.metric),
        cells_said(board.metric),
    ]
    if intervals:
        said.append(intervals_said(infos))
    if not setting.complete:
        said.append("Not the whole split, so nothing is ranked.")
    elif board.ranked and board.has_values:
        said.append(marks_said([cell for row in board.rows for cell in row.cells.values()], board.metric, infos))
    cells = ((cell, board.n[column]) for row in board.rows for column, cell in row.cells.items())
    if any(cell.n != n and cell.value is not None for cell, n in cells):
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
    named = [(row.run.label, row.run.info) for row in board.rows]
    said += [*failures_said(named), *supervision_said(named), *places_said(infos)]
    if any(row.run.imported is not None for row in board.rows):
        said.append(IMPORTED_SAID)
    if setting.dataset == PHANTOM:
        said.append(PHANTOMS_SAID)
    return said


def blind_said(board: Board, renamed: Mapping[str, str] = {}) -> list[str]:
    """Where a guess that never looks at the image beats every method: a sentence for each such control.

    Args:
        board: The table.
        renamed: What columns are called instead, by name.
    """
    called = {**_AVERAGES, **renamed}
    beaten: dict[str, dict[str, float]] = {}
    for column in board.columns:
        above = [row for row in board.rows if row.cells[column].above and never_looks(row.run.info.method)]
        if above:
            row = min(above, key=lambda row: best_first(row.cells[column], board.metric))
            beaten.setdefault(row.run.label, {})[column] = row.cells[column].p or 0.0
    said = []
    for label, columns in beaten.items():
        names = [called.get(column, column) for column in columns]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        p = p_shown(max(columns.values()))
        p = p if p.startswith("<") else f"{'=' if len(names) == 1 else 'at most'} {p}"
        said.append(f"For {listed} a guess that never looks at the image ({label}) beats every method, p {p}.")
    return said


def measured_said(runs: Sequence[Run]) -> str:
    """On which data, under which protocol and when runs of one setting were made."""
    setting, condition = runs[0].setting, runs[0].info.condition
    plain, name = f"{setting.dataset} {setting.version}", data_said(runs)
    data = plain if name == plain else f"{name} ({plain})"
    under = "" if condition is None else f", altered: {describe_condition(condition)}"
    return (
        f"on {data} (split {setting.split}, {setting.n_samples} samples, fingerprint "
        f"{setting.fingerprint[:SHORT]}{under}) under protocol {setting.protocol} (version {setting.protocol_version}, "
        f"hash {setting.protocol_hash[:HASH]}), measured {days_of(runs)}"
    )


def data_said(runs: Sequence[Run]) -> str:
    """What the data of runs of one setting are called: by their owner where he said so."""
    named = {titled(run.info.dataset) for run in runs if run.info.dataset.label}
    return " and ".join(sorted(named)) or f"{runs[0].setting.dataset} {runs[0].setting.version}"


def where_said(runs: Sequence[Run]) -> str:
    """The data set in a title."""
    setting = runs[0].setting
    return f"on {data_said(runs)} ({setting.split}{f', {setting.condition}' if setting.condition else ''})"


def marks_of(*, control: bool, imported: bool, seen: bool = False) -> str:
    """What stands behind a method's name in a table, since a reader must know it; "" for most."""
    marks = [mark for mark, holds in (("control", control), ("imported", imported), (SEEN, seen)) if holds]
    return f" ({', '.join(marks)})" if marks else ""


def failures_said(named: Sequence[tuple[str, ResultFile]]) -> list[str]:
    """Which methods failed on some samples; a sentence, where there are any.

    Args:
        named: The results of the table, each behind the name of its row; failures of one name are counted together.
    """
    failed: dict[str, int] = {}
    for name, info in named:
        if info.n_failed:
            failed[name] = failed.get(name, 0) + info.n_failed
    counts = ", ".join(f"{name} {count:,}" for name, count in failed.items())
    return [f"Failed samples, which count as the protocol says: {counts}."] if failed else []


def days_of(runs: Sequence[Run]) -> str:
    """When runs were made: a day, or the first and the last."""
    days = sorted(run.info.run.created[:10] for run in runs) or ["-"]
    return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"


def direction_said(metric: MetricInfo) -> str:
    """Which end of a metric is the good one."""
    return f"{direction_of([metric]).capitalize()}."


def averages_said(metrics: Sequence[MetricInfo]) -> str:
    """What the averages of several metrics are, and which end of each is the good one."""
    together = [metric.label for metric in metrics if metric.reducer is not None]
    if len(together) in (0, len(metrics)):
        cells = cells_said(metrics[0])
    else:
        cells = f"Macro: mean over pathologies; micro: mean over samples, of {', '.join(together)} over all together."
    direction = direction_of(metrics)
    return f"{cells} {direction[0].upper()}{direction[1:]}."


def intervals_said(infos: Sequence[ResultFile], where: str = "In brackets the") -> str:
    """What the intervals of a table or a figure of these results are."""
    return f"{where} 95 % interval (bootstrap over {resampled(infos)})."


def marks_said(cells: Sequence[BoardCell], metric: MetricInfo, infos: Sequence[ResultFile]) -> str:
    """What bold and the dagger mean, of a table of a metric with these cells of these results."""
    test = "paired sign-flip permutation" if how_tested(metric) == SIGN_FLIPS else "centred paired bootstrap"
    said = (
        f"Bold: best of the column; {TIED}: not distinguishable from the best ({test} over {resampled(infos)}, "
        f"Holm-corrected over the methods, p not below {LEVEL:g})."
    )
    if any(cell.above for cell in cells):
        said += f" {ABOVE}: a control above the best method (p below {LEVEL:g})."
    if any(cell.tied and cell.p is not None and cell.p < LEVEL for cell in cells):
        said += f" {TIED} also marks what is no worse than the best on the samples that both have."
    return said


def row_name(label: str, *, control: bool, imported: bool, seen: bool = False) -> str:
    """A method's name in a table, with what a reader must know of it."""
    return label + marks_of(control=control, imported=imported, seen=seen)
