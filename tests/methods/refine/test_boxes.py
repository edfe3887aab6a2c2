"""`boxes`: each rule equals the same rule on the map at full resolution, to the pixel."""

import numpy as np
import pytest
from scipy.ndimage import find_objects, label
from skimage.filters import threshold_otsu

from groundcxr.core import Box, GroundCXRError, Grounding, Heatmap, Query, Radiograph
from groundcxr.methods.loading import build_method
from groundcxr.methods.refine.rules import box_by_percentile, boxes_by_threshold

CASES = [
    ((7, 5), Box(0, 0, 61, 83), (61, 83)),
    ((30, 41), Box(3, 5, 60, 70), (61, 83)),
    ((90, 70), Box(0, 0, 50, 50), (61, 83)),
]


def heatmaps():
    for number, (shape, extent, size) in enumerate(CASES):
        rng = np.random.default_rng(number)
        yield Heatmap(rng.normal(size=shape), extent, size)
        # Few levels: ties, and pieces that touch at corners only.
        yield Heatmap(rng.integers(0, 4, shape), extent, size)


def full(heatmap):
    """The map's pixels, normalised; the image's corner of where it looked."""
    x0, y0, x1, y1 = map(int, heatmap.extent.as_tuple())
    seen = heatmap.to_pixels()[y0:y1, x0:x1].astype(np.float64)
    return (seen - seen.min()) / (seen.max() - seen.min()), x0, y0


def pieces(unit, threshold):
    labels, _ = label(unit > threshold, np.ones((3, 3)))
    for piece, (rows, columns) in enumerate(find_objects(labels), start=1):
        inside = unit[labels == piece]
        yield inside.sum(), inside.size, (columns.start, rows.start, columns.stop, rows.stop), inside.max()


def moved(corners, x0, y0):
    return tuple(corner + by for corner, by in zip(corners, (x0, y0, x0, y0), strict=True))


@pytest.mark.parametrize("rule", ["v2", "otsu"])
def test_pieces_with_half_of_the_largest_mass(rule):
    for heatmap in heatmaps():
        unit, x0, y0 = full(heatmap)
        found = list(pieces(unit, 0.5 if rule == "v2" else threshold_otsu(unit)))
        most = max(mass for mass, *_ in found)
        wanted = {(*moved(corners, x0, y0), best) for mass, _, corners, best in found if mass >= most / 2}
        boxes = boxes_by_threshold(heatmap, rule)
        assert {(*box.as_tuple(), box.score) for box in boxes} == wanted
        assert [box.score for box in boxes] == sorted((box.score for box in boxes), reverse=True)


@pytest.mark.parametrize("percentile", [0, 50, 83.7, 99])
def test_the_largest_piece_above_a_percentile(percentile):
    for heatmap in heatmaps():
        unit, x0, y0 = full(heatmap)
        threshold = np.percentile(unit, percentile)
        found = list(pieces(unit, threshold if threshold < 1 else 0.999999))
        most = max(size for _, size, *_ in found)
        best = max(score for _, size, _, score in found if size == most)
        wanted = [
            (*moved(corners, x0, y0), score) for _, size, corners, score in found if (size, score) == (most, best)
        ]
        (box,) = box_by_percentile(heatmap, percentile)
        assert (*box.as_tuple(), box.score) in wanted


def test_a_map_of_one_value_has_no_box():
    flat = Heatmap.whole(np.ones((4, 4)), (20, 20))
    assert boxes_by_threshold(flat, "v2") == boxes_by_threshold(flat, "otsu") == box_by_percentile(flat, 95) == ()


def test_the_map_stays_and_boxes_come_beside_it(maps):
    method = build_method("boxes", {"method": f"{maps}:Maps"})
    method.setup("cpu")
    query = Query(Radiograph.from_array(np.zeros((60, 80), np.uint8)), "effusion", "")
    (answer,), (asked,) = method.ground_batch([query]), method.only().ground_batch([query])
    assert isinstance(answer, Grounding)
    np.testing.assert_array_equal(answer.heatmap.values, asked.heatmap.values)
    assert answer.boxes == boxes_by_threshold(asked.heatmap, "v2")
    assert (method.kind, method.emits, method.trained_on) == ("contrastive", {"heatmap", "box"}, ("MIMIC-CXR",))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "boxes needs the method that it asks, its option method=NAME"),
        ({"method": "whole-image"}, "needs a method that answers with a heatmap, and whole-image answers with box"),
        ({"method": "class-mean-box"}, "cannot ask the control 'class-mean-box', which reads samples"),
        ({"method": "shuffled-phrase"}, "shuffled-phrase needs the method"),
        ({"method": "random", "percentile": "100"}, "from 0 to below 100"),
        ({"method": "random", "rule": "best"}, "it must be 'v2', 'otsu' or 'percentile'"),
    ],
)
def test_what_cannot_be_refined_is_said(settings, said):
    with pytest.raises(GroundCXRError, match=said):
        build_method("boxes", settings)
