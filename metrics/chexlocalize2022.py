"""Protocol chexlocalize2022: the public evaluation code of CheXlocalize; see docs/protocols/chexlocalize2022.md.

Saporta et al., "Benchmarking saliency methods for chest X-ray interpretation", Nature Machine Intelligence 2022; code
at github.com/rajpurkarlab/cheXlocalize.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import HEATMAP, Heatmap, MetricValue, PartsValue, Status
from .bilinear import seen_pixels
from .chosen import Chosen
from .map_protocol import TARGET, MapProtocol
from .otsu_segment import otsu_segment
from .protocol import Metric
from .reducers import Sums
from .region import Region
from .registry import PROTOCOLS
from .statistics import statistics_constants

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
USUAL = 0.5


@PROTOCOLS.register("chexlocalize2022")
class CheXlocalize2022(MapProtocol):
    """IoU of a map's segment at original resolution, by Otsu's threshold or a tuned one, and the hit rate."""

    name = "chexlocalize2022"
    version = "1"
    title = "the public evaluation code of CheXlocalize (2022): IoU of Otsu's or a tuned segment, hit rate"
    citation = (
        "@article{saporta2022chexlocalize, title = {Benchmarking saliency methods for chest {X}-ray interpretation},"
        " author = {Saporta, Adriel and Gui, Xiaotong and Agrawal, Ashwin and Pareek, Anuj and Truong, Steven Q. H. and"
        " others}, journal = {Nature Machine Intelligence}, volume = {4}, pages = {867--878}, year = {2022}}"
    )
    printed_on = ("CheXlocalize",)
    metrics = (
        Metric("iou_otsu_true_pos_only", "mIoU (Otsu)", HEATMAP, 0, 1, headline=True),
        Metric("iou_otsu_full", "mIoU (Otsu, false positives too)", HEATMAP, 0, 1),
        Metric(
            "iou_tuned_true_pos_only",
            "mIoU (tuned)",
            HEATMAP,
            0,
            1,
            headline=True,
            reducer=Sums("other half", THRESHOLDS, USUAL),
        ),
        Metric(
            "iou_tuned_full",
            "mIoU (tuned, false positives too)",
            HEATMAP,
            0,
            1,
            reducer=Chosen("other half", THRESHOLDS, USUAL),
        ),
        Metric("hit", "Hit rate", HEATMAP, 0, 1, headline=True),
    )
    uses_negatives = True

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "target": TARGET,
            "box_pixels": "those whose centre is inside",
            "upsampling": "bilinear to the extent's pixels, align_corners false, index clamped at the border, float32",
            "normalisation": "min-max after the up-sampling, in float32; a constant map has an empty segment",
            "not_looked_at": "unmarked, never a hit",
            "otsu": {
                "levels": "255 times the normalised score, truncated",
                "comparison": ">",
                "after": "holes filled; 8-connected pieces of one pixel dropped",
            },
            "tuned": {
                "thresholds": list(THRESHOLDS),
                "comparison": "> in float32",
                "chosen by": "the best mean iou_tuned_true_pos_only of the class in the other half of the patients",
                "after": "nothing",
            },
            "true_pos_only": "left out where segment or target is empty",
            "full": "a segment without a target counts 0; left out where both are empty",
            "hit": "target at the first of the highest scores, row by row; negatives left out",
            "undefined": {
                "failed, empty_prediction": "as an empty segment; hit 0",
                "constant_map, full_target, outside_view": "as computed",
            },
            "statistics": statistics_constants(),
        }

    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_heatmap`."""
        scores, place = seen_pixels(heatmap)
        target = region.paint()[place]
        lowest, highest = scores.min(), scores.max()
        first = float(target.flat[scores.argmax()]) if region.area else None
        if lowest == highest:
            nothing = (0, 0)
            return self._judged(nothing, [nothing] * len(THRESHOLDS), region, first, Status.CONSTANT_MAP)
        scores -= lowest
        scores /= highest - lowest
        otsu = _against(otsu_segment(scores), target)
        curve = [_against(scores > np.float32(threshold), target) for threshold in THRESHOLDS]
        status = Status.OUTSIDE_VIEW if region.area and not target.any() else Status.OK
        return self._judged(otsu, curve, region, first, Status.FULL_TARGET if region.full else status)

    def iou_at(self, heatmap: Heatmap, region: Region, threshold: float) -> float | None:
        """See `Protocol.iou_at`; a constant map marks nothing."""
        if region.area == 0:
            return None
        scores, place = seen_pixels(heatmap)
        lowest, highest = scores.min(), scores.max()
        if lowest == highest:
            return 0.0
        marked = (scores - lowest) / (highest - lowest) > np.float32(threshold)
        return _iou(_against(marked, region.paint()[place]), region.area)

    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """See `Protocol.absent`."""
        first = 0.0 if region.area else None
        return self._judged((0, 0), [(0, 0)] * len(THRESHOLDS), region, first, status)

    def _judged(
        self,
        otsu: tuple[int, int],
        curve: list[tuple[int, int]],
        region: Region,
        hit: float | None,
        status: Status,
    ) -> dict[str, MetricValue]:
        """Every metric, from what segments mark: pixels of the target, and pixels in all.

        Args:
            otsu: Of Otsu's segment.
            curve: Of that at each threshold.
            region: The ground truth.
            hit: What the first maximum counts as.
            status: Of the sample.
        """
        true = [_true_only(one, region.area) for one in curve]
        full = [_iou(one, region.area) for one in curve]
        chooses, tells = _parts(true), _parts(full)
        usual = THRESHOLDS.index(USUAL)
        left_out = status
        if status not in (Status.FAILED, Status.EMPTY_PREDICTION):
            left_out = Status.EMPTY_PREDICTION if region.area else Status.EMPTY_TARGET

        def because(value: float | None) -> Status:
            return left_out if value is None else status

        of_otsu = {"iou_otsu_true_pos_only": _true_only(otsu, region.area), "iou_otsu_full": _iou(otsu, region.area)}
        judged = {key: MetricValue(value, because(value)) for key, value in (of_otsu | {"hit": hit}).items()}
        own = true[usual]
        judged["iou_tuned_true_pos_only"] = PartsValue(own, because(own), chooses if region.area else None)
        own = full[usual]
        judged["iou_tuned_full"] = PartsValue(own, because(own), (*chooses, *tells))
        return {metric.key: judged[metric.key] for metric in self.metrics}


def _against(segment: NDArray[np.bool_], target: NDArray[np.bool_]) -> tuple[int, int]:
    """How many pixels of the target a segment marks, and how many in all."""
    return int(np.count_nonzero(segment & target)), int(np.count_nonzero(segment))


def _iou(marked: tuple[int, int], area: int) -> float | None:
    """IoU of a segment, as `_against` tells of it, and a target; None where both are empty."""
    both, alone = marked
    either = alone + area - both
    return both / either if either else None


def _true_only(marked: tuple[int, int], area: int) -> float | None:
    """The IoU; None where segment or target is empty."""
    return _iou(marked, area) if marked[1] and area else None


def _parts(values: Sequence[float | None]) -> tuple[list[float], list[float]]:
    """Numerators and denominators of a mean over samples; 0 over 0 where a value is left out."""
    return [value or 0.0 for value in values], [float(value is not None) for value in values]
