"""Several methods in one run: one that cannot run does not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..core import GroundCXRError, MethodError, StoppedError
from ..core.errors import said
from .streams import tell

if TYPE_CHECKING:
    from ..evaluation import Entry
    from ..metrics import Protocol

T = TypeVar("T")


def run_all(
    entries: Sequence[Entry],
    protocols: Sequence[Protocol],
    run: Callable[[Entry, Sequence[Protocol]], Iterable[T]],
) -> tuple[list[T], list[GroundCXRError]]:
    """Run every method under every protocol that has a metric for it; see `run_each`.

    Args:
        entries: The methods.
        protocols: The protocols.
        run: Yields what one method comes to under them.
    """
    return run_each(entries, lambda entry: run(entry, _fitting(entry, protocols)))


def run_each(entries: Sequence[Entry], run: Callable[[Entry], Iterable[T]]) -> tuple[list[T], list[GroundCXRError]]:
    """Run every method, whatever becomes of the others.

    Args:
        entries: The methods.
        run: Yields what one method comes to.

    Returns:
        What they came to, and one error for each method that could not be run, or was stopped.

    Raises:
        GroundCXRError: If it is the only method and could not be run; whatever else it raises, too.
    """
    done: list[T] = []
    errors: list[GroundCXRError] = []
    for entry in entries:
        try:
            for outcome in run(entry):
                done.append(outcome)
        except KeyboardInterrupt:
            raise
        except StoppedError as stopped:
            errors.append(stopped)
        except BaseException as error:
            # A method may also end the program, as with sys.exit; what the others have done is not lost by it.
            if isinstance(error, Exception) and len(entries) == 1 and not done:
                raise
            reason = str(error) if isinstance(error, GroundCXRError) else said(error)
            errors.append(MethodError(f"{entry.label} could not be run: {reason}"))
    return done, errors


def _fitting(entry: Entry, protocols: Sequence[Protocol]) -> list[Protocol]:
    from ..evaluation import fitting_protocols

    fitting = fitting_protocols(entry, protocols)
    emits = " and ".join(sorted(entry.method.emits))
    for protocol in protocols:
        if protocol not in fitting:
            tell(f"warning: {protocol.name} has no metric for {entry.label}, which answers with {emits}")
    return fitting
