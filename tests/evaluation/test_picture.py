"""The picture of `groundcxr ground`: whatever the image's shape and however many phrases."""

import io

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
