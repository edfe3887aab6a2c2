"""The picture of `groundcxr ground`: whatever the image's shape and however many phrases."""

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from groundcxr.core import Box, GroundCXRError, Grounding, Heatmap, Radiograph
from groundcxr.evaluation.picture import draw
from groundcxr.evaluation.prediction import Failure


def drawn(shape, answers, title="mine"):
    radiograph = Radiograph.from_array(np.zeros(shape, np.uint8), "a.png")
    return Image.open(io.BytesIO(draw(radiograph, answers, title)))


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1)])
def test_a_strip_of_an_image_has_a_picture_that_can_be_looked_at(shape):
    picture = drawn(shape, [("a", Grounding(boxes=[Box(0, 0, 1, 1)]))])
    assert 100 < picture.width < 2000
    assert 100 < picture.height < 2000


def test_each_phrase_has_a_panel_of_its_own_also_twice_the_same():
    answer = Grounding(Heatmap.whole(np.eye(3), (30, 30)))
    once, twice = drawn((30, 30), [("a", answer)]), drawn((30, 30), [("a", answer), ("a", answer)])
    assert twice.width == once.width * 3 // 2
    many = drawn((30, 30), [(f"{number} $x", answer) for number in range(11)], title="$y^")
    assert many.width == once.width * 3
    assert many.height > 1.5 * once.height


@pytest.mark.filterwarnings("error")
def test_letters_that_the_font_lacks_are_no_warning():
    drawn((20, 20), [("肺炎 \x1b", Failure("ValueError", "no"))])


def test_more_phrases_than_one_picture_holds_are_refused():
    with pytest.raises(GroundCXRError, match="at most 59"):
        drawn((20, 20), [("a", Failure("ValueError", "no"))] * 60)


def test_a_large_image_is_drawn_as_it_looks_and_no_larger_than_it_is_seen():
    grey = np.add.outer(np.arange(40), np.arange(60)).astype(np.uint8)
    answer = Heatmap(np.eye(5), Box(10, 5, 50, 35), (60, 40))
    large = Heatmap(np.eye(5), Box(600, 300, 3000, 2100), (3600, 2400))
    small = Radiograph.from_array(grey), [("a", Grounding(answer, [Box(5, 5, 20, 30)]))]
    radiograph = Radiograph.from_array(np.kron(grey, np.ones((60, 60), np.uint8)))
    answers = [("a", Grounding(large, [Box(300, 300, 1200, 1800)]))]
    one, other = (
        np.asarray(Image.open(io.BytesIO(draw(*asked, "mine"))).convert("L"), float)
        for asked in (small, (radiograph, answers))
    )
    assert np.abs(one - other).mean() < 2
    tracemalloc.start()
    draw(radiograph, answers * 5, "mine")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6  # a panel of all pixels keeps 100 MB


def test_a_view_too_small_to_be_seen_is_no_error():
    drawn((1, 3000), [("a", Grounding(Heatmap(np.eye(1), Box(1, 0, 2, 1), (3000, 1))))])
