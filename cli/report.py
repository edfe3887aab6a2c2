"""What a run prints: a table as each method ends, then all methods side by side, and where the results are."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ..core import GroundCXRError, StoppedError
from ..core.sizes import counted
from ..evaluation import Result, Shard
from ..evaluation.place_notes import warnings_of
from ..evaluation.reasons import Reasons
from .console import open_console, print_table
from .running import Ran
from .streams import tell
from .tables import overview_table, result_table

_SHOWN_REASONS = 5


class Report:
    """Tables on standard output, warnings and failures on standard error.

    Args:
        quiet: Whether methods have no table of their own, only their row in the overview.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = open_console()
        self._ran: list[Ran[Result]] = []
        self._warned: set[str] = set()

    def add(self, ran: Ran[Result]) -> None:
        """Print a result's table, and what is to be said of it.

        Args:
            ran: The result, as soon as there is one: what ends the run later on takes none of it away.
        """
        self._ran.append(ran)
        if not self._quiet:
            print_table(self._console, result_table(ran.outcome, self._console.width, ran.label))
            sys.stdout.flush()
        label = ran.outcome.info.method.shown
        for doubt in ran.outcome.doubts:
            warning = f"{label}{f' on {ran.label}' if ran.label else ''}: {doubt}"
            # Under another protocol the same answers are as doubtful as under the first.
            if warning not in self._warned:
                self._warned.add(warning)
                tell(f"warning: {warning}")
        _tell_problems(ran.outcome, ran.label)

    def end(self, errors: Sequence[GroundCXRError]) -> int:
        """Print the methods side by side, errors (on stderr) and the results' paths, in this order.

        Args:
            errors: One for each method or data set that could not be run, or was stopped.

        Returns:
            The exit code: 0 when every sample was scored, 1 when some failed, 2 when nothing could be run.
        """
        results = [one.outcome for one in self._ran]
        for label, protocol in dict.fromkeys((one.label, one.outcome.info.protocol.name) for one in self._ran):
            there = [one for one in self._ran if (one.label, one.outcome.info.protocol.name) == (label, protocol)]
            if len(there) > 1 or self._quiet:
                print_table(self._console, overview_table([one.outcome for one in there], self._console.width, label))
        for warning in warnings_of(results):
            tell(f"warning: {warning}")
        for error in errors:
            tell(f"error: {error}")
        if not results:
            return _without_any(errors)
        _show_paths([result.path for result in results if result.path is not None])
        return 1 if errors or any(result.info.n_failed for result in results) else 0


def tell_shard(shard: Shard, store: Path, failed: Sequence[int], errors: Sequence[GroundCXRError]) -> int:
    """Say how many samples failed, and what to do once all shards are done.

    Args:
        shard: What was grounded.
        store: Where it is.
        failed: How many samples failed with each method that could be run, on each data set.
        errors: One for each method that could not, or was stopped.

    Returns:
        The exit code, as of `Report.end`.
    """
    for error in errors:
        tell(f"error: {error}")
    if not failed:
        return _without_any(errors)
    if any(failed):
        tell(f"{sum(failed)} samples failed; the same command tries them again, and `groundcxr score` names them")
    sys.stdout.write(
        f"shard {shard.index}/{shard.count} is in {store}; when all are, `groundcxr score` with the same options "
        "writes the result\n"
    )
    return 1 if errors or any(failed) else 0


def _without_any(errors: Sequence[GroundCXRError]) -> int:
    """The exit code where no method got to its end: a run that its user's limit stopped has failed, but was one."""
    return 1 if any(isinstance(error, StoppedError) for error in errors) else 2


def _show_paths(paths: Sequence[Path]) -> None:
    """Print what to do next, then where the results are: the last lines, which scripts read."""
    # OUT is above DATASET/PROTOCOL/METHOD, and that of an import above imported/.
    outs = [path.parents[3] for path in paths]
    folders = dict.fromkeys(out.parent if out.name == "imported" else out for out in outs)
    if folders:
        shown = " ".join(f"--results {_relative(folder)}" for folder in folders)
        sys.stdout.write(f"look at the results in a browser: groundcxr leaderboard {shown}\n")
    for path in paths:
        sys.stdout.write(f"{path}\n")


def _relative(folder: Path) -> str:
    here = Path.cwd()
    path = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return shlex.quote(str(path))


def _tell_problems(result: Result, alias: str) -> None:
    if not result.problems:
        return
    label, total = result.info.method.shown, result.info.dataset.n_samples
    where = f"{alias}, {result.info.protocol.name}" if alias else result.info.protocol.name
    tell(f"{len(result.problems)} of {total} samples failed with {label} ({where}):")
    reasons = Reasons()
    for sample_id, message in result.problems.items():
        reasons.add(sample_id, message)
    found = reasons.commonest()
    for reason in found[:_SHOWN_REASONS]:
        times = "" if reason.count == 1 else f"{reason.count} times, first in "
        tell(f"  {times}{reason.sample_id}: {reason.message}")
    left = sum(reason.count for reason in found[_SHOWN_REASONS:])
    if left:
        tell(f"  and {left} more; the column `error` of samples.parquet marks all")
    if result.info.texts is not None and result.info.texts.unparseable:
        shown = f"`groundcxr answers {result.path or 'RESULT'} --unparseable` shows them"
        tell(f"  {counted(result.info.texts.unparseable, 'text')} among them could not be read; {shown}")
