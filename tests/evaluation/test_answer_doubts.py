"""What looks wrong in answers: told with a count and an example, saved without it, repeated by every scoring."""

import numpy as np
import pytest

from groundcxr import Box, Grounding, GroundingMethod, Heatmap, evaluate
from groundcxr.core.doubts import FRACTIONS, LEAVES, SIZES, TRANSPOSED
from groundcxr.evaluation.answer_doubts import EMPTY, TRUNCATED, AnswerDoubts


def doubts_of(*answers, size=(64, 48)):
    found = AnswerDoubts()
    for number, answer in enumerate(answers):
        found.add(answer, size, f"sample {number}", "a phrase")
    return {doubt.kind: (doubt.count, doubt.example) for doubt in found.doubts()}


def maps(*shapes, size=(64, 48)):
    return [Grounding(Heatmap.whole(np.zeros(shape), size)) for shape in shapes]


def test_transposed_maps():
    (found,) = doubts_of(*maps((64, 48), (48, 64), (64, 48))).items()
    assert found == (TRANSPOSED, (2, "sample 0: a map [64, 48] of 64x48 pixels"))
    # Coarser grids too, where all of the method's are turned.
    assert doubts_of(*maps((8, 6), (16, 12), (11, 8))) == {TRANSPOSED: (3, "sample 0: a map [8, 6] of 64x48 pixels")}


@pytest.mark.parametrize("shapes", [[(48, 64)], [(6, 8)], [(14, 14)], [(7, 14)], [(8, 6), (6, 8)], [(1, 1)]])
def test_maps_that_could_be_right(shapes):
    assert doubts_of(*maps(*shapes)) == {}


def test_a_turned_map_of_a_crop():
    crop = Heatmap(np.zeros((20, 10)), Box(4, 4, 24, 14), (64, 48))
    assert list(doubts_of(Grounding(crop))) == [TRANSPOSED]


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        (Box(0.1, 0.2, 0.6, 0.9), FRACTIONS),
        (Box(30, 20, 10, 12), SIZES),
        (Box(30, 20, 100, 40), LEAVES),
        (Box(10, 10, 10.2, 20), EMPTY),
        (Box(10, 10, 10, 10), EMPTY),
    ],
)
def test_boxes_in_another_frame(box, kind):
    found = doubts_of(Grounding(boxes=[box, Box(5, 5, 20, 20)]), Grounding(boxes=[box]))
    assert {name: count for name, (count, _) in found.items()} == {kind: 2}
    assert found[kind][1].startswith("sample 0: (")


class Cut(GroundingMethod):
    revision = "1"

    def ground(self, image, phrases):
        heatmap = Heatmap.whole(np.eye(3), image.size)
        return [Grounding(heatmap, truncated=phrase.endswith("1")) for phrase in phrases]


def test_cut_phrases_are_counted_by_every_scoring(tiny, tmp_path):
    for _ in range(2):
        result = evaluate(Cut, tiny, out=tmp_path)
        (doubt,) = result.doubts
        assert (doubt.kind, doubt.count) == (TRUNCATED, 4)
        assert "'secret phrase 0 1'" in doubt.example
        assert [(note.text, note.count) for note in result.info.notes] == [(TRUNCATED, 4)]
        assert result.samples["truncated"].sum() == 4
        assert "secret phrase" not in result.path.read_text()


def test_the_command_line_tells_each_doubt_once(groundcxr, method_file, manifest):
    method = method_file("return Grounding(Heatmap.whole(image.as_unit_float().T, image.size))")
    both = ("--protocol", "v1", "--protocol", "vilouras2024")
    common = ("--method", method, "--dataset", "manifest", "--root", manifest, *both)
    for command in ("evaluate", "score"):
        ran = groundcxr(command, *common)
        assert ran.code == 0, ran.err
        assert ran.err.count(f"warning: Mine: {TRANSPOSED}: 5, for example sample ") == 1
