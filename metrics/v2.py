"""Protocol v2: one table for maps and boxes; docs/protocols/v2.md gives the reasons."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..core import BOX, HEATMAP, Box, Grounding, Heatmap, MetricValue, Sample, Status, Target
from ..core.map_boxes import HALF, boxes_of_map
from .box_view import CONTAINED, score_boxes, without_boxes
from .boxes_as_map import best_first
from .map_view import TUNED, score_map, score_map_of_boxes, without_map
from .negative_view import image_score, of_negative, of_positive
from .protocol import Metric, Protocol, held, refuse_other_size, with_status
from .ranking import Ranking
from .reducers import Sums
from .region import Region, region_of
from .registry import PROTOCOLS
from .v1 import ACCURATE_IOU, V1

_V1 = V1()
"""Whose targets, thresholds and pictures are the same."""


@PROTOCOLS.register("v2")
class V2(Protocol):
    """v1's metrics and those of boxes for every method; what is of the view that a method does not give is derived."""

    name = "v2"
    version = "1"
    title = "groundcxr's own for maps and boxes together: both views of every answer, negatives beside the averages"
    citation = (
        "@software{groundcxr, title = {groundcxr: phrase grounding on chest X-rays, evaluated repeatably},"
        " author = {{The groundcxr authors}}, note = {Protocol v2}}"
    )
    metrics = (
        Metric("miou", "mIoU", HEATMAP, 0, 1, headline=True),
        Metric("cnr", "CNR", HEATMAP, headline=True),
        Metric("abs_cnr", "|CNR|", HEATMAP, 0),
        Metric("auroc", "AUROC", HEATMAP, 0, 1, headline=True),
        Metric("ap", "AP", HEATMAP, 0, 1, headline=True),
        Metric("pointing", "Pointing", HEATMAP, 0, 1),
        Metric("energy", "Energy", HEATMAP, 0, 1),
        Metric("dice", "Dice", HEATMAP, 0, 1),
        Metric("iou_tuned", "Tuned IoU", HEATMAP, 0, 1, reducer=Sums("other half", TUNED, HALF)),
        Metric("iou_oracle", "Best IoU", HEATMAP, 0, 1),
        Metric("box_iou", "Box IoU", BOX, 0, 1, headline=True),
        Metric("acc50", "Acc@0.5", BOX, 0, 1),
        Metric("box_precision", "Box precision", BOX, 0, 1),
        Metric("box_recall", "Box recall", BOX, 0, 1),
        Metric("contained50", "Contained@0.5", BOX, 0, 1),
        Metric("f1_50", "F1@0.5", BOX, 0, 1, headline=True),
        Metric("ap50", "Box AP@0.5", BOX, 0, 1),
        Metric("neg_silent", "Silent on negatives", "either", 0, 1),
        Metric("neg_auroc", "AUROC against negatives", "either", 0, 1, reducer=Ranking("auroc")),
    )
    uses_negatives = True
    both_views = True

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "v1": _V1.constants(),
            "views": {
                "boxes as a map": {
                    "score of a pixel": "the highest of a box on it, 1 without scores, 0 in no box, in float64",
                    "minimum": "0, also where boxes cover the whole image",
                    "negative scores": "where an answer has one, all of its scores become 1 / (1 + exp(-score))",
                },
                "map as boxes": {
                    "cells": f"normalised score > {HALF}, 8-connected",
                    "pieces": f"mass of at least {HALF} of the largest piece's, mass the sum of the pixels",
                    "box": "the piece's rectangle, scored by its highest normalised score",
                    "constant map": "no box",
                },
                "a promised view that is missing": "not derived from the other",
            },
            "dice": {"threshold": HALF, "comparison": ">"},
            "cnr, abs_cnr": "left out where the map has two scores; of boxes as a map where there is none, too",
            "box_precision, box_recall": "pixels of both unions over those of the predicted, of the target",
            "contained50": {"box_precision": CONTAINED, "comparison": ">"},
            "boxes one by one": {
                "iou": ACCURATE_IOU,
                "comparison": ">=",
                "on": "pixels; boxes that cover none are left out",
                "f1_50": "2 pairs / (predicted + true), the most pairs that one-to-one matching allows",
                "ap50": "by score, equal ones in the answer's order; the free true box of the highest IoU; area under "
                "the envelope of precision at all points",
                "target without boxes": "left out",
            },
            "negatives": {
                "all but neg_silent, neg_auroc": "left out",
                "neg_silent": f"no box that covers a pixel; of a map alone no pixel > {HALF}, left out unless its "
                "scale is declared absolute",
                "neg_auroc": "of the map's maximum, else the best box's score, 1 without scores; unanswered below all; "
                "a failed negative above all, a failed positive below all",
            },
            "undefined": {
                "failed, empty_prediction, constant_map": dict.fromkeys(
                    ("dice", "iou_tuned", "box_precision", "box_recall", "contained50", "f1_50", "ap50"), 0.0
                ),
            },
        }

    def target(self, sample: Sample, grounding: Grounding | None) -> Target | None:
        """As v1's; of a negative nothing. Never skips a sample."""
        return Target((), sample.image_size, negative=True) if sample.negative else _V1.target(sample, grounding)

    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_heatmap`."""
        return score_map(heatmap, region)

    def score_boxes(self, boxes: Sequence[Box], region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_boxes`."""
        return score_boxes(best_first(boxes, region.image_size)[0], region)

    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """See `Protocol.absent`."""
        return without_map(region, status) | without_boxes(region, status)

    def iou_at(self, heatmap: Heatmap, region: Region, threshold: float) -> float | None:
        """See `Protocol.iou_at`."""
        return _V1.iou_at(heatmap, region, threshold)

    def score(
        self, grounding: Grounding, target: Target, emits: Collection[str] | None = None
    ) -> dict[str, MetricValue]:
        """See `Protocol.score`: the view that a method promises as it answered, the other one derived from it."""
        kinds = held(grounding) if emits is None else emits
        refuse_other_size(grounding, target)
        if target.negative:
            return self._on_negative(of_negative(grounding, kinds, target.image_size))
        region = region_of(target)
        if HEATMAP in kinds:
            values = self._map_view(grounding, region) | self._box_view(grounding, kinds, region)
        else:
            values = self._views_of_boxes(grounding.boxes, region)
        values |= self._negative_view(region, image_score(grounding, kinds, target.image_size), Status.OK)
        return {metric.key: values[metric.key] for metric in self.metrics}

    def missing(self, target: Target, emits: Collection[str], status: Status) -> dict[str, MetricValue]:
        """See `Protocol.missing`."""
        if target.negative:
            return self._on_negative(of_negative(None, emits, target.image_size, status))
        region = region_of(target)
        values = without_map(region, status, of_boxes=HEATMAP not in emits) | without_boxes(region, status)
        values |= self._negative_view(region, None, status)
        return {metric.key: values[metric.key] for metric in self.metrics}

    def _views_of_boxes(self, boxes: Sequence[Box], region: Region) -> dict[str, MetricValue]:
        predicted, scores = best_first(boxes, region.image_size)
        of_map = score_map_of_boxes(predicted, scores, region)
        return of_map | (score_boxes(predicted, region) if boxes else without_boxes(region, Status.EMPTY_PREDICTION))

    def _map_view(self, grounding: Grounding, region: Region) -> dict[str, MetricValue]:
        if grounding.heatmap is None:
            return without_map(region, Status.EMPTY_PREDICTION)
        return self.score_heatmap(grounding.heatmap, region)

    def _box_view(self, grounding: Grounding, kinds: Collection[str], region: Region) -> dict[str, MetricValue]:
        if BOX in kinds:
            boxes, why = grounding.boxes, Status.EMPTY_PREDICTION
        elif grounding.heatmap is None:
            boxes, why = (), Status.EMPTY_PREDICTION
        else:
            boxes = boxes_of_map(grounding.heatmap)
            why = Status.CONSTANT_MAP if region.area else Status.EMPTY_TARGET
        return self.score_boxes(boxes, region) if boxes else without_boxes(region, why)

    def _negative_view(self, region: Region, score: float | None, status: Status) -> dict[str, MetricValue]:
        if region.area == 0:
            return with_status({"neg_silent": None, "neg_auroc": None}, Status.EMPTY_TARGET)
        return of_positive(score, status)

    def _on_negative(self, values: dict[str, MetricValue]) -> dict[str, MetricValue]:
        """Every metric of a negative: none but those that are about negatives."""
        return with_status({metric.key: None for metric in self.metrics}, Status.NEGATIVE) | values
