"""Protocol vilouras2026: the metrics of the paper on prompt tuning of latent diffusion models, arXiv:2506.10633.

No code of it is public; docs/protocols/vilouras2026.md says what its text fixes and which readings are kept apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import BOX, HEATMAP, Box, Heatmap, MetricValue, Status
from ..core.map_cells import stretched
from .levels import Cells, count_each_box
from .map_protocol import TARGET, MapProtocol
from .protocol import Metric, with_status
from .region import BoxRegion, Region
from .registry import PROTOCOLS
from .statistics import statistics_constants
from .vilouras2024 import INFINITE, cnr_by_box, contrast

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)


@PROTOCOLS.register("vilouras2026")
class Vilouras2026(MapProtocol):
    """Min-max normalised maps against fixed thresholds; every reading of CNR under a name of its own."""

    name = "vilouras2026"
    version = "1"
    title = "min-max normalised maps, mIoU over .1 to .5, CNR in three readings (arXiv:2506.10633, no public code)"
    citation = (
        "@inproceedings{vilouras2026, title = {Anatomy-Grounded Weakly Supervised Prompt Tuning for Chest {X}-ray"
        " Latent Diffusion Models}, author = {Vilouras, Konstantinos and Stogiannidis, Ilias and Yan, Junyu and"
        " Smithard, Alison Q. and Tsaftaris, Sotirios A.}, booktitle = {MIDL}, year = {2026}, note ="
        " {arXiv:2506.10633}}"
    )
    printed_on = ("MS-CXR (1,043 pairs, phrases rewritten)",)
    metrics = (
        Metric("miou", "mIoU", HEATMAP, 0, 1, headline=True),
        Metric("cnr_union_seen", "CNR (union)", HEATMAP, headline=True),
        Metric("cnr_union_margin_zero", "CNR (union, margin 0)", HEATMAP),
        Metric("cnr_box_by_box_2024", "CNR (box by box)", HEATMAP),
        Metric("abs_cnr_box_by_box_2024", "|CNR| (box by box)", HEATMAP, 0),
        Metric("box_miou", "mIoU (boxes as a mask)", BOX, 0, 1, headline=True),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "source": "the paper's text; readings that it leaves open have a metric each",
            "target": TARGET,
            "box_pixels": "those whose centre is inside",
            "upsampling": "nearest, floor(i * cells / pixels) in float32",
            "normalisation": "min-max over the pixels that were looked at, in float64",
            "not_looked_at": "unmarked for miou; left out of cnr, but 0 for cnr_union_margin_zero",
            "miou": {"thresholds": list(THRESHOLDS), "comparison": ">", "over": "thresholds"},
            "cnr": {
                "form": "(mean in - mean out) / sqrt(var in + var out)",
                "variance": "population",
                "union": "of the boxes",
                "box_by_box_2024": "mean over boxes, each less the earlier ones; a mask is one box",
                "no variance": "left out for the union (not_applicable); as vilouras2024 has it box by box",
                "nothing inside or outside": 0.0,
            },
            "box_miou": "IoU of the union of predicted boxes and the target: a mask is 1 inside and 0 outside",
            "undefined": {
                "failed, empty_prediction, constant_map": 0.0,
                "empty_target": "left out",
                "full_target, outside_view": "as computed",
            },
            "statistics": statistics_constants(),
        }

    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_heatmap`."""
        if region.area == 0:
            return self._of_maps(None, Status.EMPTY_TARGET)
        cells = Cells.of(heatmap, region)
        scores = stretched(cells.scores)
        if scores is None:
            return self._of_maps(0.0, Status.CONSTANT_MAP)
        each = count_each_box(heatmap, region) if isinstance(region, BoxRegion) else [cells.inside]
        by_box = cnr_by_box(scores, cells.inside + cells.outside, each)
        margin_in = region.area - cells.inside.sum()
        margin_out = region.pixels - region.area - cells.outside.sum()
        values = {
            "miou": float(np.mean([_iou(scores, cells, region.area, threshold) for threshold in THRESHOLDS])),
            "cnr_union_seen": contrast(scores, cells.inside, cells.outside),
            "cnr_union_margin_zero": contrast(
                np.append(scores, 0.0), np.append(cells.inside, margin_in), np.append(cells.outside, margin_out)
            ),
            "cnr_box_by_box_2024": sum(by_box) / len(by_box),
            "abs_cnr_box_by_box_2024": sum(map(abs, by_box)) / len(by_box),
        }
        status = Status.OK if cells.inside.any() else Status.OUTSIDE_VIEW
        judged = with_status(values, Status.FULL_TARGET if region.full else status)
        for key in ("cnr_union_seen", "cnr_union_margin_zero"):
            if abs(values[key]) == INFINITE:
                judged[key] = MetricValue(None, Status.NOT_APPLICABLE)
        return judged

    def iou_at(self, heatmap: Heatmap, region: Region, threshold: float) -> float | None:
        """See `Protocol.iou_at`; a constant map marks nothing."""
        if region.area == 0:
            return None
        cells = Cells.of(heatmap, region)
        scores = stretched(cells.scores)
        return 0.0 if scores is None else _iou(scores, cells, region.area, threshold)

    def score_boxes(self, boxes: Sequence[Box], region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_boxes`."""
        if region.area == 0:
            return {"box_miou": MetricValue(None, Status.EMPTY_TARGET)}
        predicted = BoxRegion(boxes, region.image_size)
        both = region.overlap(predicted)
        status = Status.OK if predicted.area else Status.EMPTY_PREDICTION
        return {"box_miou": MetricValue(both / (region.area + predicted.area - both), status)}

    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """See `Protocol.absent`."""
        value = 0.0 if region.area else None
        return with_status({metric.key: value for metric in self.metrics}, status)

    def _of_maps(self, value: float | None, status: Status) -> dict[str, MetricValue]:
        return with_status({metric.key: value for metric in self.metrics_for({HEATMAP})}, status)


def _iou(scores: NDArray[np.float64], cells: Cells, area: int, threshold: float) -> float:
    """IoU of {score > threshold} and the target; what was not looked at is unmarked."""
    marked = scores > threshold
    return float(cells.inside[marked].sum() / (area + cells.outside[marked].sum()))
