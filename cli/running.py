"""Several methods in one run: one that cannot run does not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..core import GroundCXRError
from ..core.errors import said
from .streams import tell

if TYPE_CHECKING:
    from ..evaluation import Entry, Result
    from ..metrics import Protocol


def run_all(
    entries: Sequence[Entry],
    protocols: Sequence[Protocol],
    run: Callable[[Entry, Sequence[Protocol]], Iterator[Result]],
) -> tuple[list[Result], list[str]]:
    """Run every method under every protocol that has a metric for it.

    Args:
        entries: The methods.
        protocols: The protocols.
        run: Yields the results of one method.

    Returns:
        The results, and one sentence for each method that could not be run.

    Raises:
        GroundCXRError: If it is the only method; whatever else it raises, too.
    """
    results: list[Result] = []
    errors: list[str] = []
    for entry in entries:
        try:
            for result in run(entry, _fitting(entry, protocols)):
                results.append(result)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # A method may also end the program, as with sys.exit; what the others have done is not lost by it.
            if isinstance(error, Exception) and len(entries) == 1 and not results:
                raise
            reason = str(error) if isinstance(error, GroundCXRError) else said(error)
            errors.append(f"{entry.label} could not be run: {reason}")
    return results, errors


def _fitting(entry: Entry, protocols: Sequence[Protocol]) -> list[Protocol]:
    from ..evaluation import fitting_protocols

    fitting = fitting_protocols(entry, protocols)
    emits = " and ".join(sorted(entry.method.emits))
    for protocol in protocols:
        if protocol not in fitting:
            tell(f"warning: {protocol.name} has no metric for {entry.label}, which answers with {emits}")
    return fitting
