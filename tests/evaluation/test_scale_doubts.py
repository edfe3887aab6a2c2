"""Scores on another scale than a protocol holds them on: counted, and only where the scale has a say."""

import numpy as np
import pytest

from groundcxr import Box, Grounding, GroundingMethod, Heatmap, evaluate


class Scores(GroundingMethod):
    """A map and two boxes of given scores."""

    revision = "1"
    emits = frozenset({"heatmap", "box"})

    def __init__(self, low, high, kind="other"):
        super().__init__()
        self.low, self.high, self.kind = low, high, kind
        self.name = f"scores{low}{high}{kind}"

    def ground(self, image, phrases):
        values = np.full((4, 4), float(self.low))
        values[1, 1] = self.high
        boxes = [Box(0, 0, 9, 9, self.low), Box(2, 2, 20, 20, self.high)]
        return [Grounding(Heatmap.whole(values, image.size), boxes) for _ in phrases]


def notes(method, tiny, out, protocol):
    result = evaluate(method, tiny, protocol=protocol, out=out)
    return {note.text: note.count for note in result.info.notes or () if "outside 0 to 1" in note.text}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("low", "high"), [(-3, 0.4), (0, 1.5)])
@pytest.mark.parametrize("protocol", ["vilouras2024", "medklip2023", "chex2024"])
def test_scores_outside_the_thresholds_range_are_counted(tiny, tmp_path, protocol, low, high):
    ((text, count),) = notes(Scores(low, high), tiny, tmp_path, protocol).items()
    assert f"while {protocol} holds them as they are" in text
    assert count == len(evaluate(Scores(low, high), tiny, protocol=protocol, out=tmp_path).samples)


@pytest.mark.parametrize("protocol", ["vilouras2024", "medklip2023", "chex2024"])
def test_scores_from_0_to_1_are_not_doubted(tiny, tmp_path, protocol):
    assert notes(Scores(0, 1), tiny, tmp_path, protocol) == {}


@pytest.mark.parametrize("protocol", ["v1", "v2", "vilouras2026", "chexlocalize2022", "radfact2024"])
def test_where_a_protocol_has_its_own_scale_none_is_doubted(tiny, tmp_path, protocol):
    assert notes(Scores(-3, 4), tiny, tmp_path, protocol) == {}


def test_what_the_protocol_clamps_itself_is_not_doubted(tiny, tmp_path):
    # BioViL's cosines below 0, which the public code clamps.
    assert notes(Scores(-0.4, 0.8, "contrastive"), tiny, tmp_path, "vilouras2024") == {}
