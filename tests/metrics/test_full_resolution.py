"""Protocol v1 equals what scikit-learn and plain loops over all pixels of the up-sampled map give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from groundcxr.core import Box, Grounding, Heatmap, Mask, Status, Target
from groundcxr.metrics import get_protocol

V1 = get_protocol("v1")
THRESHOLDS = [0.1, 0.2, 0.3, 0.4, 0.5]


def painted(target):
    """The target by asking every pixel's centre."""
    width, height = target.image_size
    if not target.boxes:
        return target.mask.load() if target.mask else np.zeros((height, width), dtype=bool)
    x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    inside = np.zeros((height, width), dtype=bool)
    for box in target.boxes:
        inside |= (box.x0 <= x) & (x < box.x1) & (box.y0 <= y) & (y < box.y1)
    return inside


def full_resolution(heatmap, target):
    """Every v1 heatmap metric from the up-sampled map, by its definition; needs a mixed target and a varied map."""
    inside = painted(target)
    scores = heatmap.to_pixels().astype(np.float64)
    scores[np.isnan(scores)] = np.nanmin(scores)
    unit = (scores - scores.min()) / (scores.max() - scores.min())
    ours, others = unit[inside], unit[~inside]
    cnr = (ours.mean() - others.mean()) / np.sqrt(ours.var() + others.var() + 1e-6)
    precision, recall, _ = precision_recall_curve(inside.ravel(), scores.ravel())
    # The first threshold marks the whole image, the last entry is no threshold.
    precision, recall = precision[1:-1], recall[1:-1]
    hit = precision > 0
    ious = np.where(hit, 1 / (1 / np.where(hit, precision, 1) + 1 / np.where(hit, recall, 1) - 1), 0)
    return {
        "miou": np.mean([(inside & (unit > t)).sum() / (inside | (unit > t)).sum() for t in THRESHOLDS]),
        "cnr": cnr,
        "abs_cnr": abs(cnr),
        "auroc": roc_auc_score(inside.ravel(), scores.ravel()),
        "ap": average_precision_score(inside.ravel(), scores.ravel()),
        "pointing": inside[scores == scores.max()].mean(),
        "energy": unit[inside].sum() / unit.sum(),
        "iou_oracle": ious.max(),
    }


@st.composite
def heatmaps(draw):
    """Maps with and without ties, on grids coarser and finer than the pixels, over a part of the image or all of it."""
    width, height = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    extent = draw(st.sampled_from([Box(0, 0, width, height), Box(x0, y0, x1, y1)]))
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    few = st.sampled_from([-1.5, -0.0, 0.0, 0.25, 0.3, 1.0])
    many = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)
    values = draw(hnp.arrays(np.float32, shape, elements=draw(st.sampled_from([few, many]))))
    return Heatmap(values, extent, (width, height))


@st.composite
def targets(draw, image_size):
    """Masks, and boxes that overlap, repeat, touch the edges, leave the image or are smaller than a pixel."""
    width, height = image_size
    if draw(st.booleans()):
        return Target((), image_size, Mask.of(draw(hnp.arrays(bool, (height, width)))))
    whole = st.integers(-3, 27).map(float)
    edge = draw(st.sampled_from([whole, st.floats(-3, 27, width=16)]))
    boxes = draw(st.lists(st.builds(Box, edge, edge, edge, edge), min_size=1, max_size=4))
    return Target(boxes + draw(st.sampled_from([[], boxes[:1]])), image_size)


@given(st.data())
@settings(max_examples=600, deadline=None)
def test_v1_equals_full_resolution(data):
    heatmap = data.draw(heatmaps())
    target = data.draw(targets(heatmap.image_size))
    inside = painted(target)
    found = V1.score(Grounding(heatmap), target)
    pixels = heatmap.to_pixels()
    if not inside.any():
        assert {value.status for value in found.values()} == {Status.EMPTY_TARGET}
        assert {value.value for value in found.values()} == {None}
    elif np.nanmin(pixels) == np.nanmax(pixels):
        assert found["miou"] == (0.0, Status.CONSTANT_MAP)
    elif inside.all():
        assert found["auroc"] == found["cnr"] == (None, Status.FULL_TARGET)
        assert found["ap"].value == pytest.approx(1, abs=1e-12)
    else:
        expected = full_resolution(heatmap, target)
        assert list(found) == list(expected)
        assert {key: value.value for key, value in found.items()} == pytest.approx(expected, rel=1e-9, abs=1e-9)
        seen = (inside & ~np.isnan(pixels)).any()
        assert {value.status for value in found.values()} == {Status.OK if seen else Status.OUTSIDE_VIEW}


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_box_iou_equals_painted_boxes(data):
    size = data.draw(st.tuples(st.integers(1, 24), st.integers(1, 24)))
    target, predicted = data.draw(targets(size)), data.draw(targets(size).filter(lambda target: target.boxes))
    truth, marked = painted(target), painted(predicted)
    found = V1.score(Grounding(boxes=predicted.boxes), target)
    if not truth.any():
        assert found["box_iou"] == (None, Status.EMPTY_TARGET)
    elif not marked.any():
        assert found["box_iou"] == (0.0, Status.EMPTY_PREDICTION)
    else:
        iou = (truth & marked).sum() / (truth | marked).sum()
        assert found["box_iou"] == (pytest.approx(iou, abs=1e-12), Status.OK)
        assert found["acc50"] == (float(iou >= 0.5), Status.OK)


@pytest.mark.parametrize("grid", [(15, 15), (64, 48)])
@pytest.mark.parametrize("kind", ["boxes", "mask"])
def test_a_larger_image(grid, kind):
    size = (509, 611)
    rng = np.random.default_rng(3)
    heatmap = Heatmap(rng.random(grid), Box(0, 51, 509, 560), size)
    boxes = [Box(40.3, 100, 200.5, 333.3), Box(150, 20, 300, 190)]
    target = Target(boxes, size)
    if kind == "mask":
        target = Target((), size, Mask.of(painted(target) ^ (rng.random(size[::-1]) < 0.01)))
    expected = full_resolution(heatmap, target)
    found = {key: value.value for key, value in V1.score(Grounding(heatmap), target).items()}
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)


@given(heatmaps(), st.floats(0.125, 8), st.floats(-4, 4))
@settings(max_examples=50, deadline=None)
def test_a_map_may_have_any_range(heatmap, factor, shift):
    values = np.round(heatmap.values * 8) / 8
    target = Target([Box(0, 0, 3, 5), Box(2, 4, 9, 6)], heatmap.image_size)
    plain = Heatmap(values, heatmap.extent, heatmap.image_size)
    moved = Heatmap(
        values * np.float32(2.0 ** np.round(np.log2(factor))) + np.round(shift), *(plain.extent, plain.image_size)
    )
    one, other = V1.score(Grounding(plain), target), V1.score(Grounding(moved), target)
    for key, value in one.items():
        assert other[key].status == value.status
        assert other[key].value == (None if value.value is None else pytest.approx(value.value, abs=1e-6))
