"""What is said of results whose phrases name the places of the true boxes."""

from __future__ import annotations

from collections.abc import Sequence

from ..datasets.place_phrases import LOCATION
from .result import Result
from .schema import DatasetInfo, MethodInfo

PRIOR = "location-prior"
"""The control that reads the place in a phrase and nothing else."""

PLACES_SAID = f"The phrases name the places of the true boxes: only what exceeds {PRIOR} was seen in the image."
WITHOUT_PRIOR_SAID = f"{PRIOR} is not among these results."


def names_true_places(data: DatasetInfo) -> bool:
    """Whether phrases were made from the places of the true boxes."""
    return data.options.get("phrases") == LOCATION


def is_prior(method: MethodInfo) -> bool:
    """Whether a method is the control that such results are read beside."""
    return method.name == PRIOR


def warnings_of(results: Sequence[Result]) -> list[str]:
    """A sentence for each data set of a run whose phrases give places away, where the control is not beside it.

    Args:
        results: Those of the run; the control counts that an earlier run left in the same folder.
    """
    lacking: dict[str, None] = {}
    for result in results:
        data = result.info.dataset
        mine = [one for one in results if one.info.dataset.fingerprint == data.fingerprint]
        if names_true_places(data) and not any(map(_beside, mine)):
            lacking[data.name] = None
    return [
        f"the phrases of {name} name the places of the true boxes: run --method {PRIOR} --set {PRIOR}.table=FILE on "
        "them too, since only what exceeds it was seen in the image"
        for name in lacking
    ]


def _beside(result: Result) -> bool:
    """Whether a result is the control's, or lies beside one of it."""
    return is_prior(result.info.method) or (
        result.path is not None and any(result.path.parent.parent.glob(f"{PRIOR}-*/result.json"))
    )
