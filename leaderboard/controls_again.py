"""Controls that answer from the ground truth alone: never stored, and cheap enough to be asked again for a picture."""

from __future__ import annotations

from functools import lru_cache

from ..core import GroundCXRError, Grounding, Sample
from ..core.alterations import Alteration
from ..core.names import printable
from ..datasets import GroundingDataset
from ..evaluation.entry import answers_samples, fitted
from ..evaluation.plan import Selection
from ..methods import METHODS, ControlMethod
from .method_again import method_again
from .runs import Run


def answers_again(run: Run) -> bool:
    """Whether a run's method is a control of this package that is shown whole samples, so that nothing is stored."""
    return run.info.method.control and run.info.method.name in METHODS.names() and not run.keys


def ask_again(run: Run, selection: Selection, sample: Sample) -> Grounding | None:
    """What such a control answers; None where the method is another kind of control, which needs the image.

    Args:
        run: The control's run, for which `answers_again` holds.
        selection: The run's samples in the user's copy of the data.
        sample: One of them.

    Raises:
        GroundCXRError: If the control cannot be built or fitted here, or is not the one of the run any more.
    """
    control = _control(run, selection.dataset, selection.condition)
    return None if control is None else control.ground_samples([sample])[0]


@lru_cache(maxsize=16)
def _control(run: Run, dataset: GroundingDataset, condition: Alteration | None) -> ControlMethod | None:
    if not issubclass(METHODS.get(run.info.method.name), ControlMethod):
        return None
    entry = method_again(run.info.method)
    if not answers_samples(entry.method):
        return None
    # Which of the samples the run is over makes no difference to the fit; all of them would be slow to look up.
    entry = fitted(entry, Selection(dataset, (), complete=False, condition=condition))
    if entry.info.fingerprint != run.info.method.fingerprint:
        raise GroundCXRError(
            f"{printable(run.label)} as it is here, or what it is fitted on, is not that of the run; evaluate it again "
            "to draw it"
        )
    assert answers_samples(entry.method)  # noqa: S101  (asked above)
    return entry.method
