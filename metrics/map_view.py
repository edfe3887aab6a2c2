"""What protocol v2 says of a map, a method's own or one made of its boxes."""

from __future__ import annotations

from collections.abc import Sequence

from ..core import Heatmap, MetricValue, PartsValue, Status
from ..core.map_boxes import HALF
from .boxes_as_map import levels_of_boxes
from .levels import Cells, Levels
from .protocol import with_status
from .region import BoxRegion, Region
from .scores import auroc, average_precision, best_iou, contrast_to_noise, energy, ious_above, pointing
from .v1 import EPSILON, NEED_OUTSIDE, THRESHOLDS, chance

TUNED = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""The thresholds of which a pathology gets one, .05 to .95."""

_MEAN_AT = slice(TUNED.index(THRESHOLDS[0]), TUNED.index(THRESHOLDS[-1]) + 1, 2)
"""The thresholds that miou is over, every second one."""
_USUAL_AT = TUNED.index(HALF)
_NEED_NOISE = ("cnr", "abs_cnr")
_KEYS = ("miou", "cnr", "abs_cnr", "auroc", "ap", "pointing", "energy", "dice", "iou_tuned", "iou_oracle")


def score_map(heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
    """Every metric of maps, of a method's own.

    Args:
        heatmap: The map.
        region: The ground truth.
    """
    if region.area == 0:
        return with_status(dict.fromkeys(_KEYS), Status.EMPTY_TARGET)
    cells = Cells.of(heatmap, region)
    if cells.constant:
        return without_map(region, Status.CONSTANT_MAP)
    status = Status.OK if cells.inside.any() else Status.OUTSIDE_VIEW
    return _score(Levels.of(cells.with_surroundings(region)), region, status)


def score_map_of_boxes(predicted: BoxRegion, scores: Sequence[float], region: Region) -> dict[str, MetricValue]:
    """Every metric of maps, of the one that boxes make.

    Args:
        predicted: The boxes, as `best_first` gives them.
        scores: Theirs.
        region: The ground truth.
    """
    if predicted.area == 0:
        return without_map(region, Status.EMPTY_PREDICTION, of_boxes=True)
    if region.area == 0:
        return with_status(dict.fromkeys(_KEYS), Status.EMPTY_TARGET)
    levels = levels_of_boxes(predicted, scores, region)
    if levels.scores.size == 1:
        return without_map(region, Status.CONSTANT_MAP, of_boxes=True)
    return _score(levels, region, Status.OK)


def _score(levels: Levels, region: Region, status: Status) -> dict[str, MetricValue]:
    ious = ious_above(levels, TUNED)
    at_half = float(ious[_USUAL_AT])
    values: dict[str, float | None] = {
        "miou": float(ious[_MEAN_AT].mean()),
        "ap": average_precision(levels),
        "pointing": pointing(levels),
        "energy": energy(levels),
        "dice": 2 * at_half / (1 + at_half),
        "iou_oracle": best_iou(levels),
    }
    found = with_status(values, status)
    found["iou_tuned"] = PartsValue(at_half, status, (ious.tolist(), [1.0] * len(TUNED)))
    if region.full:
        return found | with_status(dict.fromkeys(NEED_OUTSIDE), Status.FULL_TARGET)
    found["auroc"] = MetricValue(auroc(levels), status)
    if levels.scores.size == 2:
        return found | with_status(dict.fromkeys(_NEED_NOISE), Status.NOT_APPLICABLE)
    cnr = contrast_to_noise(levels, EPSILON)
    return found | with_status({"cnr": cnr, "abs_cnr": abs(cnr)}, status)


def without_map(region: Region, status: Status, *, of_boxes: bool = False) -> dict[str, MetricValue]:
    """Every metric of maps, as a sample counts without a map, or with one that says nothing.

    Args:
        region: The ground truth.
        status: Why.
        of_boxes: Whether the map would have been made of boxes, whose CNR is of no meaning: a sample then counts as
            none, not as 0, which would be all that the average rests on.
    """
    if region.area == 0:
        return with_status(dict.fromkeys(_KEYS), status)
    by_chance = chance(region) | {"dice": 0.0}
    found = with_status({key: by_chance[key] for key in _KEYS if key != "iou_tuned"}, status)
    found["iou_tuned"] = PartsValue(0.0, status, ([0.0] * len(TUNED), [1.0] * len(TUNED)))
    constant = status is Status.CONSTANT_MAP
    if of_boxes:
        found |= with_status(dict.fromkeys(_NEED_NOISE), Status.NOT_APPLICABLE if constant else status)
    if region.full and constant:
        found |= with_status(dict.fromkeys(NEED_OUTSIDE), Status.FULL_TARGET)
    return found
