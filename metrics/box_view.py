"""What protocol v2 says of boxes, a method's own or those read off its map."""

from __future__ import annotations

from ..core import MetricValue, Status
from .box_matching import average_precision, most_pairs, partners_of
from .protocol import with_status
from .region import BoxRegion, Region
from .v1 import ACCURATE_IOU

CONTAINED = 0.5

_UNION = ("box_iou", "acc50", "box_precision", "box_recall", "contained50")
_ONE_BY_ONE = ("f1_50", "ap50")


def score_boxes(predicted: BoxRegion, region: Region) -> dict[str, MetricValue]:
    """Every metric of boxes; those that cover no pixel are as good as none.

    Args:
        predicted: The boxes, as `best_first` gives them.
        region: The ground truth. Of a mask nobody has said which lesions are one, so that no box is paired with it.
    """
    if region.area == 0:
        return with_status(dict.fromkeys((*_UNION, *_ONE_BY_ONE)), Status.EMPTY_TARGET)
    if predicted.area == 0:
        return without_boxes(region, Status.EMPTY_PREDICTION)
    both = region.overlap(predicted)
    iou, precision = both / (region.area + predicted.area - both), both / predicted.area
    values: dict[str, float | None] = {
        "box_iou": iou,
        "acc50": float(iou >= ACCURATE_IOU),
        "box_precision": precision,
        "box_recall": both / region.area,
        "contained50": float(precision > CONTAINED),
    }
    if not isinstance(region, BoxRegion):
        return with_status(values, Status.OK) | with_status(dict.fromkeys(_ONE_BY_ONE), Status.NOT_APPLICABLE)
    partners = partners_of(predicted, region, ACCURATE_IOU)
    values["f1_50"] = 2 * most_pairs(partners) / (len(partners) + len(region.covering))
    values["ap50"] = average_precision(partners, len(region.covering))
    return with_status(values, Status.OK)


def without_boxes(region: Region, status: Status) -> dict[str, MetricValue]:
    """Every metric of boxes, as a sample counts without any.

    Args:
        region: The ground truth.
        status: Why there are none.
    """
    value = 0.0 if region.area else None
    found = with_status(dict.fromkeys((*_UNION, *_ONE_BY_ONE), value), status)
    if region.area and not isinstance(region, BoxRegion):
        found |= with_status(dict.fromkeys(_ONE_BY_ONE), Status.NOT_APPLICABLE)
    return found
