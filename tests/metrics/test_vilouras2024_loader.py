"""The boxes that `kept_boxes` keeps are those whose paint is left after PyTorch's resize and the loaders' crops."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundcxr.core import Box
from groundcxr.metrics.vilouras2024_loader import kept_boxes

torch = pytest.importorskip("torch", reason="the reference resizes with PyTorch")


def painted_and_resized(boxes, width, height, crop):
    """Numbers (from 1) of the boxes that leave a trace, by painting, resizing and cropping a canvas."""
    canvas = torch.zeros((1, 1, height, width))
    for number, (x, y, w, h) in enumerate(boxes, start=1):
        canvas[..., y : y + h, x : x + w] = 5 * number
    short = min(width, height)
    size = (int(512 * height / short), int(512 * width / short))
    small = torch.nn.functional.interpolate(canvas, size=size, mode="bilinear", align_corners=False)[0, 0].round()
    if crop == 512:  # MONAI's centre crop
        top, left = (side // 2 - 256 for side in size)
    else:  # torchvision's
        top, left = (round((side - crop) / 2) for side in size)
    values = set(small[top : top + crop, left : left + crop].unique().tolist())
    return [number for number in range(1, len(boxes) + 1) if 5 * number in values]


def seen(width, height, crop):
    """What the evaluation scripts take for the crop in the original image."""
    side = int(crop * min(width, height) / 512)
    return Box.from_xywh((width - side) // 2, (height - side) // 2, side, side)


@st.composite
def cases(draw):
    """Images of 520 pixels and more, and boxes that are thin, nested, equal, at an edge or anywhere."""
    width, height = draw(st.integers(520, 900)), draw(st.integers(520, 900))
    boxes = []
    for _ in range(draw(st.integers(1, 4))):
        if boxes and draw(st.booleans()):
            x, y, w, h = draw(st.sampled_from(boxes))
            more = draw(st.integers(0, 4))
            x, y, w, h = max(x - more, 0), max(y - more, 0), w + 2 * more, h + 2 * more
        else:
            x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
            w, h = (draw(st.integers(1, 6) | st.integers(1, 300)) for _ in "wh")
        boxes.append((x, y, min(w, width - x), min(h, height - y)))
    return width, height, boxes


@given(cases(), st.sampled_from([512, 480, 448]))
@settings(max_examples=150, deadline=None)
def test_equals_painting_and_resizing(case, crop):
    width, height, boxes = case
    given_boxes = [Box.from_xywh(*box) for box in boxes]
    kept = kept_boxes(given_boxes, (width, height), seen(width, height, crop))
    found = [number for number, box in enumerate(given_boxes, start=1) if any(box is one for one in kept)]
    assert found == painted_and_resized(boxes, width, height, crop)


@pytest.mark.parametrize(
    ("height", "crop", "more"),
    [
        (height, crop, more)
        for height, crop in ((600, 512), (600, 480), (600, 448), (200, 512))
        for more in range(50, 54)
    ],
)
def test_the_crop_is_exact_to_a_pixel(height, crop, more):
    width = height + more
    view = seen(width, height, crop)
    for edge in (int(view.x0), int(view.x1)):
        for stop in range(edge - 3, edge + 4):
            for x, w in ((0, stop), (stop, width - stop)):
                kept = kept_boxes([Box.from_xywh(x, 0, w, height)], (width, height), view)
                assert bool(kept) == bool(painted_and_resized([(x, 0, w, height)], width, height, crop))


def test_an_extent_off_the_centre_is_cropped_where_it_is():
    left, right = Box(0, 0, 300, 600), Box(300, 0, 600, 600)
    inside_left, inside_right = Box(100, 100, 200, 200), Box(400, 100, 500, 200)
    assert kept_boxes([inside_left], (600, 600), left) == (inside_left,)
    assert kept_boxes([inside_left], (600, 600), right) == ()
    assert kept_boxes([inside_right], (600, 600), left) == ()
    assert kept_boxes([inside_right], (600, 600), right) == (inside_right,)
