"""What a run's method answered to a sample, as its protocol takes it: stored, or asked again of a cheap control."""

from __future__ import annotations

from dataclasses import dataclass

from ..core import GroundCXRError, Grounding
from ..evaluation.box_choice import choose
from ..evaluation.prediction import Failure, Prediction
from ..metrics import Protocol, known_protocol
from .controls_again import answers_again, ask_again
from .joining import Joined
from .runs import Run


@dataclass(frozen=True, eq=False)
class Answer:
    """An answer, ready to be drawn.

    Attributes:
        grounding: As the protocol takes it.
        scale: The scores that a picture shows as nothing and as most.
        chosen: As stored, with the boxes that count.
        protocol: That of the run; None where none of its hash is known here.
    """

    grounding: Grounding
    scale: tuple[float, float]
    chosen: Grounding
    protocol: Protocol | None


def answered(run: Run, sample_id: str, joined: Joined) -> Answer | str:
    """What a method answered, or why there is nothing to draw, in words.

    Args:
        run: The method's run.
        sample_id: Of a row.
        joined: The user's copy of the data, from which controls answer.
    """
    try:
        found = _found(run, sample_id, joined)
    except GroundCXRError as error:
        return str(error)
    if isinstance(found, str):
        return found
    if isinstance(found, Failure):
        return f"failed: {found}"
    try:
        chosen = choose(found, run.info.answers)
    except ValueError as error:
        return str(error)
    protocol = protocol_of(run)
    prepared = chosen if protocol is None else protocol.prepare(chosen, run.info.method.kind)
    return Answer(prepared, _scale(prepared, protocol), chosen, protocol)


def protocol_of(run: Run) -> Protocol | None:
    """The protocol that a run was scored under; None where none of that hash is known here."""
    return known_protocol(run.info.protocol.name, run.info.protocol.hash)


def _found(run: Run, sample_id: str, joined: Joined) -> Prediction | str:
    """What the method answered, from the store or made again; why there is none, in words."""
    sample = joined.samples.get(sample_id)
    if sample_id in run.keys:
        return run.prediction(sample_id) or "the prediction is not in the store; name the store with --store"
    if run.keys:
        return "no prediction: the image could not be read, or there was nothing to ask"
    if answers_again(run):
        if sample is None or joined.selection is None:
            return "a control that answers from the ground truth is drawn only where the data are"
        return ask_again(run, joined.selection, sample)
    return "not stored here: numbers without predictions, or another store (name it with --store)"


def _scale(prepared: Grounding, protocol: Protocol | None) -> tuple[float, float]:
    if prepared.heatmap is None:
        return 0.0, 1.0
    if protocol is None:
        return float(prepared.heatmap.values.min()), float(prepared.heatmap.values.max())
    return protocol.scale(prepared.heatmap)
