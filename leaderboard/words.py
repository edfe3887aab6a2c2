"""What a reader sees explained on the spot: metrics, kinds of methods, tiers, and where a protocol is described."""

from __future__ import annotations

from ..core import Status
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.schema import MetricInfo
from .blind import best_guess
from .board import Board

_DOCS = "https://github.com/groundcxr/groundcxr/blob/main/docs"

TASK = "Phrase grounding: a method marks where in a chest X-ray is what a phrase says, as a map of scores or as boxes."

_MAP, _BOX = "heatmap", "box"

_METRICS: dict[str | tuple[str, str], str] = {
    "miou": "overlap (intersection over union) of the thresholded map with the true boxes",
    "cnr": "contrast of the map inside the true boxes to outside, in standard deviations; 0 is none",
    "abs_cnr": "contrast of the map inside the true boxes to outside, in standard deviations, either way",
    "auroc": "chance that a pixel inside the true boxes scores higher than one outside; .5 is guessing",
    "ap": "average precision of the map's pixels; guessing gives the share of the image that the boxes take",
    "pointing": "how often the highest score lies inside a true box",
    "energy": "share of the map's sum that lies inside the true boxes",
    "dice": "overlap (Dice) of the thresholded map with the true boxes",
    "iou_tuned": "overlap (intersection over union) at the threshold that is best on the other half of the patients",
    "iou_oracle": "overlap (intersection over union) at the threshold that is best for each sample: a bound",
    "box_iou": "overlap (intersection over union) of the method's boxes with the true ones, each taken together",
    "acc50": "how often the overlap (intersection over union) of boxes reaches one half",
    "acc30": "how often the overlap (intersection over union) of boxes reaches .3",
    "acc10": "how often the overlap (intersection over union) of boxes reaches .1",
    "box_precision": "share of the boxes' pixels that are in the true boxes",
    "box_recall": "share of the true boxes' pixels that are in the boxes",
    "contained50": "how often more than half of the boxes' pixels are in the true boxes",
    "f1_50": "F1 of boxes paired one to one with true boxes, at an overlap of one half",
    "ap50": "average precision of boxes, by their score, at an overlap of one half",
    "ap30": "average precision of boxes at an overlap of .3",
    "ap10": "average precision of boxes at an overlap of .1",
    "map": "average precision of boxes, mean over several overlaps",
    "map50": "average precision of boxes at an overlap of one half, all boxes counting alike",
    "map75": "average precision of boxes at an overlap of .75, all boxes counting alike",
    "map50_95": "average precision of boxes, mean over overlaps from .5 to .95, all boxes counting alike",
    "neg_silent": "how often nothing is marked for a phrase about what the image does not show",
    "neg_auroc": "chance that a phrase about what is there scores higher than one about what is not; .5 is guessing",
    ("iou", _BOX): "overlap (intersection over union) of boxes with the true ones",
    ("iou", _MAP): "overlap (intersection over union) of the thresholded map with the true boxes",
    ("miou", _BOX): "overlap (intersection over union) of boxes with the true ones, mean over several least scores",
    "biou": "overlap (intersection over union) of boxes with the true ones, at the least score that is best on the set",
    "box_miou": "overlap (intersection over union) of boxes, taken as a mask, with the true ones",
    "avg_iou": "overlap (intersection over union) of every pair of a box and a true one",
    "precision": "share of the boxes' pixels that are in the true boxes",
    "recall": "share of the true boxes' pixels that are in the boxes",
    "predicted_entailed": "how often most of the boxes' pixels are in the true boxes",
    "reference_entailed": "how often most of the true boxes' pixels are in the boxes",
    "bboxiou": "overlap (intersection over union) of one rectangle around the map's mask with the true box",
    "bboxmiou": "the same, mean of the rectangle's and the background's",
    "distance": "distance from the map's centre to the true box's, in pixels",
    "top1": "how often the first maximum lies inside a true box",
    "aucroc": "chance that a pixel inside the true boxes scores higher than one outside; .5 is guessing",
    "hit": "how often the highest score lies inside the true segment",
    "hit_each_box": "how often the highest score lies inside the true box, each box a row of its own",
    "hit_any_box": "how often the highest score lies inside any true box",
    "hit_first_box": "how often the highest score lies inside the first true box",
    "best_threshold": "the threshold at which the set's Dice is best",
    "specificity": "share of the pixels outside the true boxes that are not marked",
    "auc": "chance that an image with a finding scores higher than one without; .5 is guessing",
    "pixel_level_auroc": "chance that a pixel inside the true boxes scores higher than one outside, all images pooled",
    "dice_at_half": "overlap (Dice) of the map above one half with the true boxes, negatives too",
    "iou_plus_one_at_half": "overlap (intersection over union, with 1 added) of the map above one half, negatives too",
    "iou_otsu_true_pos_only": "overlap (intersection over union) of the map above Otsu's threshold, of what is there",
    "iou_otsu_full": "overlap (intersection over union) of the map above Otsu's threshold, false positives too",
    "iou_tuned_true_pos_only": "overlap (intersection over union) of the map above a tuned threshold, of what is there",
    "iou_tuned_full": "overlap (intersection over union) of the map above a tuned threshold, false positives too",
    "cnr_union_seen": "contrast of the map inside all true boxes to outside, in standard deviations; 0 is none",
    "cnr_union_margin_zero": "contrast of the map inside all true boxes to outside, in standard deviations; 0 is none",
    "cnr_box_by_box_2024": "contrast of the map inside each true box to outside, in standard deviations; 0 is none",
    "abs_cnr_box_by_box_2024": "contrast of the map inside each true box to outside, whichever side is brighter",
}
"""By key, or by key and what it is computed from where protocols mean several things by one key."""

_NEEDS = {_MAP: "of a map of scores", _BOX: "of boxes", "either": "of a map or boxes"}

KINDS = {
    "contrastive": "compares image and phrase in one space, and gives a map",
    "diffusion": "reads the attention of a model that draws images of phrases",
    "box": "answers with boxes",
    "other": "a method that names no kind",
    "control": "a yardstick with a known answer, such as noise or the true boxes: never ranked with methods",
}
"""What each kind of method is."""

TIERS = {
    "measured here": "run with these results by whoever owns them",
    "reproduced": "made again from its command, with the same numbers",
    "imported": "numbers or predictions made elsewhere, taken over",
    "published": "printed in a paper, in tables of their own below",
}
"""What each tier is."""

_STATUSES = {
    Status.OK: "as computed",
    Status.EMPTY_PREDICTION: "a map that was promised is missing, or no box covers a pixel",
    Status.CONSTANT_MAP: "all scores of the map are equal",
    Status.EMPTY_TARGET: "the target covers no pixel",
    Status.FULL_TARGET: "the target covers every pixel",
    Status.OUTSIDE_VIEW: "no pixel of the target is where the map looked",
    Status.NOT_APPLICABLE: "the metric is not defined for such a sample or answer",
    Status.NEGATIVE: "the phrase is about what the image does not show",
    Status.FAILED: "no answer, or one that broke the contract",
}
"""What each status of a value means; what it counts as is the protocol's."""

_CARDS = frozenset(
    {
        *("agkd2025", "chex2024", "chexlocalize2022", "dombrowski2023", "medgroundr1", "medklip2023", "medrpg2023"),
        *("nuetzel2025", "radfact2024", "radvlm2025", "radzero2025", "umedground2025", "v1", "v2", "vilouras2024"),
        "vilouras2026",
    }
)
"""The protocols that have a page in docs/protocols."""


def metric_words(metric: MetricInfo, protocol: str) -> str:
    """A metric in words: "overlap of ..., 0 to 1, higher is better".

    Args:
        metric: The metric.
        protocol: The name of its protocol; of one that is not the toolkit's own only what the result states is said.
    """
    known = _METRICS if protocol in _CARDS else {}
    words = known.get((metric.key, metric.needs)) or known.get(metric.key) or f"a number {_NEEDS[metric.needs]}"
    low, high = ("" if end is None else f"{end:g}" for end in (metric.low, metric.high))
    span = f"{low} to {high}" if low and high else f"from {low} up" if low else f"up to {high}" if high else ""
    better = f"{'higher' if metric.higher_is_better else 'lower'} is better"
    return ", ".join(part for part in (words, span, better) if part)


def status_words(name: str) -> str:
    """A status with what it means, "failed: no answer, ..."; the name alone of one that is not the toolkit's."""
    return f"{name}: {_STATUSES[Status(name)]}" if name in _STATUSES else name


def metric_sentence(board: Board) -> str:
    """A board's metric in words, with the best that a guess reaches that never looks at the image."""
    said = f"{board.metric.label}: {metric_words(board.metric, board.setting.protocol)}."
    if not board.has_values:
        return f"{said} No sample counts here, so no method has a value."
    guess = best_guess(board)
    if guess is None or guess.macro.value is None:
        return said
    value = write_number(guess.macro.value, digits_of(board.metric))
    return f"{said} The best guess that never looks at the image reaches {value} ({guess.run.label})."


def protocol_card(name: str) -> str | None:
    """The address of a protocol's page; None of one that is not the toolkit's own."""
    return document(f"protocols/{name}.md") if name in _CARDS else None


def document(path: str) -> str:
    """The address of a page of docs/, such as "reproduce.md"."""
    return f"{_DOCS}/{path}"
