"""What a run's method answered to a sample, as its protocol takes it: stored, or asked again of a cheap control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core import GroundCXRError, Grounding, Sample
from ..evaluation.asking import control_safely, set_up
from ..evaluation.box_choice import choose
from ..evaluation.entry import answers_samples, fitted
from ..evaluation.plan import Selection
from ..evaluation.prediction import Failure, Prediction
from ..metrics import PROTOCOLS, Protocol, get_protocol
from .method_again import method_again
from .runs import Run


@dataclass(frozen=True)
class Answer:
    """An answer, ready to be drawn.

    Attributes:
        grounding: As the protocol takes it.
        scale: The scores that a picture shows as nothing and as most.
    """

    grounding: Grounding
    scale: tuple[float, float]


def answers_of(run: Run, samples: Sequence[Sample], selection: Selection) -> Mapping[str, Answer | str]:
    """What a method answered to samples, by sample id; where there is no answer, why.

    Args:
        run: The method's run.
        samples: Which.
        selection: All samples of the run, from whose data set a control learns.

    Raises:
        GroundCXRError: If nothing is stored of the method, and it is no control that is asked in passing.
    """
    found: Mapping[str, Prediction | None] = (
        {sample.sample_id: run.prediction(sample.sample_id) for sample in samples}
        if run.keys
        else _asked_again(run, samples, selection)
    )
    return {sample_id: _prepared(run, one) for sample_id, one in found.items()}


def _asked_again(run: Run, samples: Sequence[Sample], selection: Selection) -> Mapping[str, Prediction]:
    """The answers of a control that sees the samples, whose answers are never stored."""
    method = run.info.method
    where = f"{run.label} has no stored predictions here; name their folder with --store"
    if not method.control:
        raise GroundCXRError(where)
    entry = method_again(method)
    if not answers_samples(entry.method):
        raise GroundCXRError(where)
    entry = fitted(entry, selection)
    if entry.info.fingerprint != method.fingerprint:
        raise GroundCXRError(
            f"{run.label} is another method here than the one that was measured (code, options or what it learns from "
            "differ), so what it answers cannot be drawn; evaluate it again"
        )
    set_up(entry.method, "cpu")
    answers = control_safely(entry.method, samples)
    return {sample.sample_id: one for sample, one in zip(samples, answers, strict=True)}


def _prepared(run: Run, found: Prediction | None) -> Answer | str:
    if found is None:
        return "no prediction"
    if isinstance(found, Failure):
        return f"failed: {found.kind}"
    chosen = choose(found, run.info.answers)
    protocol = protocol_of(run)
    if protocol is None:
        heatmap = chosen.heatmap
        ends = (0.0, 1.0) if heatmap is None else (float(heatmap.values.min()), float(heatmap.values.max()))
        return Answer(chosen, ends)
    prepared = protocol.prepare(chosen, run.info.method.kind)
    return Answer(prepared, (0.0, 1.0) if prepared.heatmap is None else protocol.scale(prepared.heatmap))


def protocol_of(run: Run) -> Protocol | None:
    """The protocol that a run was scored under; None where none of that hash is known here."""
    info = run.info.protocol
    if info.name not in PROTOCOLS.names():
        return None
    protocol = get_protocol(info.name)
    return protocol if protocol.hash == info.hash else None
