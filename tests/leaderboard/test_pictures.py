"""Pictures show what was scored."""

import pytest

from groundcxr import Box, Grounding, GroundingMethod, evaluate
from groundcxr.leaderboard.joining import Joined
from groundcxr.leaderboard.library import Library
from groundcxr.leaderboard.overlays import Style

pytest.importorskip("streamlit")


class Detector(GroundingMethod):
    name = "detector"
    kind = "box"
    emits = frozenset({"box"})
    boxes = (Box(2, 2, 9, 9, 0.1), Box(4, 4, 20, 16, 0.9))

    def ground(self, image, phrases):
        return [Grounding(None, self.boxes) for _ in phrases]


class Sure(Detector):
    name = "sure"
    boxes = Detector.boxes[1:]


def test_boxes_that_do_not_count_are_not_drawn(tiny, tmp_path):
    from groundcxr.leaderboard.views.pictures import answer

    evaluate(Detector, tiny, out=tmp_path)
    evaluate(Detector, tiny, out=tmp_path, min_score=0.5)
    evaluate(Sure, tiny, out=tmp_path)
    drawn = {
        (run.info.method.name, run.info.answers is None): answer(
            run, tiny[0].sample_id, Joined({tiny[0].sample_id: tiny[0]}), Style()
        ).image
        for run in Library.scan([tmp_path]).runs
    }
    assert drawn["detector", False] == drawn["sure", True] != drawn["detector", True]
