"""Protocol v1, the default; docs/protocols/v1.md gives the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import BOX, HEATMAP, Box, Grounding, Heatmap, MetricValue, Sample, Status, Target
from .levels import Cells, Levels
from .protocol import Metric, Protocol, with_status
from .region import BoxRegion, Region
from .registry import PROTOCOLS
from .scores import auroc, average_precision, best_iou, contrast_to_noise, energy, mean_iou, pointing
from .statistics import statistics_constants

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)
EPSILON = 1e-6
ACCURATE_IOU = 0.5
NEED_OUTSIDE = ("cnr", "abs_cnr", "auroc")


@PROTOCOLS.register("v1")
class V1(Protocol):
    """The whole image counts, maps are normalised one by one, no sample is lost by failing it."""

    name = "v1"
    version = "1"
    title = "groundcxr's own: whole image, min-max normalised maps, exact rank metrics, failures count"
    citation = (
        "@software{groundcxr, title = {groundcxr: phrase grounding on chest X-rays, evaluated repeatably},"
        " author = {{The groundcxr authors}}, note = {Protocol v1}}"
    )
    metrics = (
        Metric("miou", "mIoU", HEATMAP, 0, 1, headline=True),
        Metric("cnr", "CNR", HEATMAP, headline=True),
        Metric("abs_cnr", "|CNR|", HEATMAP, 0),
        Metric("auroc", "AUROC", HEATMAP, 0, 1, headline=True),
        Metric("ap", "AP", HEATMAP, 0, 1, headline=True),
        Metric("pointing", "Pointing", HEATMAP, 0, 1),
        Metric("energy", "Energy", HEATMAP, 0, 1),
        Metric("iou_oracle", "Best IoU", HEATMAP, 0, 1),
        Metric("box_iou", "Box IoU", BOX, 0, 1, headline=True),
        Metric("acc50", "Acc@0.5", BOX, 0, 1, headline=True),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "pixels": "the whole image; the map's minimum where the method did not look",
            "upsampling": "nearest, floor(i * cells / pixels) in float32",
            "target": "union of the boxes if there are any, else the mask; clipped to the image",
            "box_pixels": "those whose centre is inside",
            "normalisation": "min-max over the pixels, for miou, cnr, abs_cnr, energy, iou_oracle",
            "arithmetic": "float64 from float32 scores",
            "miou": {"thresholds": list(THRESHOLDS), "comparison": ">", "over": "thresholds"},
            "iou_oracle": "largest IoU over thresholds in [0, 1), comparison >",
            "cnr": {"form": "(mean in - mean out) / sqrt(var in + var out + epsilon)", "epsilon": EPSILON},
            "variance": "population",
            "abs_cnr": "absolute value of cnr",
            "auroc": "exact, ties count half",
            "ap": "sum over distinct scores of (recall step) * precision",
            "pointing": "share of the highest-scored pixels that are inside",
            "energy": "share of the normalised sum that is inside",
            "box_iou": "IoU of the union of predicted boxes and the target, on pixels",
            "acc50": {"iou": ACCURATE_IOU, "comparison": ">="},
            "undefined": {
                "failed, empty_prediction, constant_map": {
                    **dict.fromkeys(("miou", "iou_oracle", "cnr", "abs_cnr", "box_iou", "acc50"), 0.0),
                    **dict.fromkeys(("ap", "pointing", "energy"), "share of the image that is target"),
                    "auroc": 0.5,
                },
                "empty_target": "left out",
                "full_target": dict.fromkeys(NEED_OUTSIDE, "left out"),
                "outside_view": "as computed",
            },
            "statistics": statistics_constants(),
        }

    def target(self, sample: Sample, grounding: Grounding | None) -> Target:
        """The sample's boxes, clipped to the image; its mask where it has no box. Never skips a sample."""
        boxes = tuple(box.clipped(sample.image_size) for box in sample.boxes)
        return Target(boxes, sample.image_size, None if boxes else sample.mask)

    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_heatmap`."""
        if region.area == 0:
            return self._judged({}, region, Status.EMPTY_TARGET)
        cells = Cells.of(heatmap, region)
        if cells.constant:
            return self._judged(chance(region), region, Status.CONSTANT_MAP)
        levels = Levels.of(cells.with_surroundings(region))
        values: dict[str, float | None] = {
            "miou": mean_iou(levels, THRESHOLDS),
            "ap": average_precision(levels),
            "pointing": pointing(levels),
            "energy": energy(levels),
            "iou_oracle": best_iou(levels),
        }
        if not region.full:
            cnr = contrast_to_noise(levels, EPSILON)
            values |= {"cnr": cnr, "abs_cnr": abs(cnr), "auroc": auroc(levels)}
        return self._judged(values, region, Status.OK if cells.inside.any() else Status.OUTSIDE_VIEW)

    def iou_at(self, heatmap: Heatmap, region: Region, threshold: float) -> float | None:
        """See `Protocol.iou_at`; a constant map marks nothing."""
        if region.area == 0:
            return None
        cells = Cells.of(heatmap, region)
        return 0.0 if cells.constant else mean_iou(Levels.of(cells.with_surroundings(region)), (threshold,))

    def score_boxes(self, boxes: Sequence[Box], region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_boxes`; boxes that cover no pixel are as good as none."""
        predicted = BoxRegion(boxes, region.image_size)
        if region.area == 0:
            return self._judged({}, region, Status.EMPTY_TARGET, BOX)
        if predicted.area == 0:
            return self._judged(chance(region), region, Status.EMPTY_PREDICTION, BOX)
        both = region.overlap(predicted)
        iou = both / (region.area + predicted.area - both)
        return self._judged({"box_iou": iou, "acc50": float(iou >= ACCURATE_IOU)}, region, Status.OK, BOX)

    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """See `Protocol.absent`. What a target leaves out is left out for every method, whether it failed or not."""
        values = chance(region) if region.area else {}
        return self._judged(values, region, status) | self._judged(values, region, status, BOX)

    def _judged(
        self, values: dict[str, float | None], region: Region, status: Status, needs: str = HEATMAP
    ) -> dict[str, MetricValue]:
        """A value, None where there is none, and a status for every metric that needs a heatmap, or boxes."""
        judged = with_status({metric.key: values.get(metric.key) for metric in self.metrics_for({needs})}, status)
        if needs == HEATMAP and region.full and status not in (Status.FAILED, Status.EMPTY_PREDICTION):
            judged |= with_status(dict.fromkeys(NEED_OUTSIDE), Status.FULL_TARGET)
        return judged


def chance(region: Region) -> dict[str, float | None]:
    """What an answer without any information counts as: what blind guessing gives, or 0."""
    share = region.share
    outside = None if region.full else 0.0
    return {
        "miou": 0.0,
        "cnr": outside,
        "abs_cnr": outside,
        "auroc": None if region.full else 0.5,
        "ap": share,
        "pointing": share,
        "energy": share,
        "iou_oracle": 0.0,
        "box_iou": 0.0,
        "acc50": 0.0,
    }
