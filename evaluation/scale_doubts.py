"""Whether scores lie where a protocol expects them that holds scores as they are against fixed thresholds."""

from __future__ import annotations

from ..core import BOX, HEATMAP, Grounding
from ..core.doubts import Doubt, Tally
from ..metrics import Protocol

_ROUNDING = 1e-6  # what float32 makes of a score of 0 or 1


class ScaleDoubts:
    """Collects the answers whose scores lie outside 0 to 1, under a protocol of `unit_scores`."""

    def __init__(self, protocol: Protocol) -> None:
        """Nothing is seen yet.

        Args:
            protocol: What the answers are scored under.
        """
        self._maps = protocol.unit_scores and bool(protocol.metrics_for([HEATMAP]))
        self._boxes = protocol.unit_scores and bool(protocol.metrics_for([BOX]))
        self._kind = (
            f"scores lie outside 0 to 1, while {protocol.name} holds them as they are against thresholds made for that "
            "range, so that its numbers say little here; where scores are logits, answer with their sigmoid"
        )
        self._tally = Tally()

    def add(self, grounding: Grounding, where: str) -> None:
        """Look at one answer.

        Args:
            grounding: As the protocol prepared it.
            where: Its place, for messages: "sample 3".
        """
        scores: list[float] = []
        if self._maps and grounding.heatmap is not None:
            values = grounding.heatmap.values
            scores += [float(values.min()), float(values.max())]
        if self._boxes:
            scores += [box.score for box in grounding.boxes if box.score is not None]
        if scores and (min(scores) < -_ROUNDING or max(scores) > 1 + _ROUNDING):
            self._tally.add(self._kind, f"{where}: {min(scores):.3g} to {max(scores):.3g}")

    def join(self, other: ScaleDoubts) -> None:
        """Count what another has seen of the answers that come next."""
        self._tally.join(other._tally)

    def doubts(self) -> list[Doubt]:
        """The doubt with its count and first example; none where all scores are in range."""
        return self._tally.doubts()
