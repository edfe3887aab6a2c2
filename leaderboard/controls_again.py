"""Controls that answer from the ground truth alone: never stored, and cheap enough to be asked again for a picture."""

from __future__ import annotations

from functools import lru_cache

from ..core import GroundCXRError, Grounding, Sample
from ..core.alterations import Alteration
from ..core.names import printable
from ..datasets import GroundingDataset
from ..evaluation.entry import answers_samples, fitted, is_shown_samples
from ..evaluation.plan import Selection
from ..methods import METHODS, ControlMethod
from .method_again import method_again
from .runs import Run


def answers_again(run: Run) -> bool:
    """Whether a run's method is a control of this package that is shown whole samples, so that nothing is stored."""
    method = run.info.method
    return method.control and METHODS.is_builtin(method.name) and is_shown_samples(METHODS.get(method.name))


def ask_again(run: Run, selection: Selection, sample: Sample) -> Grounding:
    """What such a control answers.

    Args:
        run: The control's run, for which `answers_again` holds.
        selection: The run's samples in the user's copy of the data.
        sample: One of them.

    Raises:
        GroundCXRError: If the control cannot be built or fitted here, or is not the one of the run any more.
    """
    control = _control(run, selection.dataset, selection.condition)
    if control is None:
        raise GroundCXRError(
            f"{printable(run.label)} as it is here, or what it is fitted on, is not that of the run; evaluate it again "
            "to draw it"
        )
    return control.ground_samples([sample])[0]


@lru_cache(maxsize=16)
def _control(run: Run, dataset: GroundingDataset, condition: Alteration | None) -> ControlMethod | None:
    """The control, fitted; None where it is another one by now, which is kept too: a fit takes long."""
    entry = method_again(run.info.method)
    # Which of the samples the run is over makes no difference to the fit; all of them would be slow to look up.
    entry = fitted(entry, Selection(dataset, (), complete=False, condition=condition))
    if entry.info.fingerprint != run.info.method.fingerprint:
        return None
    assert answers_samples(entry.method)  # noqa: S101  (asked above)
    return entry.method
