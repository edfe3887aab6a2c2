"""Several methods on several data sets in one run: what cannot run does not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ..core import GroundCXRError, MethodError, StoppedError
from ..core.errors import said
from ..core.tracebacks import trace_of
from .streams import tell, tell_trace

if TYPE_CHECKING:
    from ..evaluation import Entry
    from ..metrics import Protocol

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Ran(Generic[T]):
    """What a method came to on a data set.

    Attributes:
        label: The data set, where the run has several; "" otherwise.
        outcome: What came out.
    """

    label: str
    outcome: T


def run_all(
    entries: Sequence[Entry],
    sets: Mapping[str, S],
    protocols: Sequence[Protocol],
    run: Callable[[Entry, S, Sequence[Protocol]], Iterable[T]],
    holding: Callable[[Entry], AbstractContextManager[None]] = lambda _: nullcontext(),
    before: Sequence[GroundCXRError] = (),
    *,
    show: Callable[[Ran[T]], None] = lambda _: None,
    debug: bool = False,
) -> tuple[list[Ran[T]], list[GroundCXRError]]:
    """Run every method under every protocol that has a metric for it; see `run_each`.

    Args:
        entries: The methods.
        sets: The data sets.
        protocols: The protocols.
        run: Yields what one method comes to on one data set under them.
        holding: A block in which a method stays loaded.
        before: Why other data sets cannot be run on.
        show: As of `run_each`.
        debug: As of `run_each`.
    """
    fitting: dict[str, list[Protocol]] = {}

    def under_fitting(entry: Entry, one: S) -> Iterable[T]:
        if entry.label not in fitting:
            fitting[entry.label] = _fitting(entry, protocols)
        return run(entry, one, fitting[entry.label])

    return run_each(entries, sets, under_fitting, holding, before, show=show, debug=debug)


def run_each(
    entries: Sequence[Entry],
    sets: Mapping[str, S],
    run: Callable[[Entry, S], Iterable[T]],
    holding: Callable[[Entry], AbstractContextManager[None]] = lambda _: nullcontext(),
    before: Sequence[GroundCXRError] = (),
    *,
    show: Callable[[Ran[T]], None] = lambda _: None,
    debug: bool = False,
) -> tuple[list[Ran[T]], list[GroundCXRError]]:
    """Run every method on every data set, whatever becomes of the others.

    Args:
        entries: The methods.
        sets: The data sets, by label.
        run: Yields what one method comes to on one data set.
        holding: A block in which a method stays loaded, from one data set to the next.
        before: Why other data sets of the run cannot be run on.
        show: Told what a method came to as soon as it has.
        debug: Whether the traceback of what could not be run is told.

    Returns:
        What they came to, method by method; then `before`, and one error for each reason for which a method could not
        be run, or was stopped.

    Raises:
        GroundCXRError: If it is the only method, on the only data set, and could not be run; whatever else it raises,
            too.
    """
    done: list[Ran[T]] = []
    errors = list(before)
    several = len(sets) + len(errors) > 1
    only = len(entries) == 1 and not several
    for entry in entries:
        failed: dict[str, list[str]] = {}
        with holding(entry):
            for label, one in sets.items():
                shown = label if several else ""
                try:
                    for outcome in run(entry, one):
                        done.append(Ran(shown, outcome))
                        show(done[-1])
                except KeyboardInterrupt:
                    raise
                except StoppedError as stopped:
                    errors.append(StoppedError(f"{shown}: {stopped}") if shown else stopped)
                except BaseException as error:
                    if debug:
                        tell_trace(trace_of(error))
                    # A method may also end the program, as with sys.exit; what the others have done is not lost by it.
                    if isinstance(error, Exception) and only and not done:
                        raise
                    reason = str(error) if isinstance(error, GroundCXRError) else said(error)
                    failed.setdefault(reason, []).append(shown)
        for reason, labels in failed.items():
            where = f" on {' and '.join(labels)}" if any(labels) else ""
            errors.append(MethodError(f"{entry.label} could not be run{where}: {reason}"))
    return done, errors


def _fitting(entry: Entry, protocols: Sequence[Protocol]) -> list[Protocol]:
    from ..evaluation import fitting_protocols

    fitting = fitting_protocols(entry, protocols)
    emits = " and ".join(sorted(entry.method.emits))
    for protocol in protocols:
        if protocol not in fitting:
            tell(f"warning: {protocol.name} has no metric for {entry.label}, which answers with {emits}")
    return fitting
