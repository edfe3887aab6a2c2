"""Pictures of an image, a method's map and boxes, and the ground truth."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import Box, Grounding, Heatmap, ImageSize, Mask, ProtocolError, Sample, nearest_index
from ..core.fingerprint import digest
from ..metrics import Protocol
from ..metrics.region import region_of
from .film import Film
from .lines import borders, draw_line, rectangle

COLOUR_MAP = "inferno"
"""Perceptually uniform, and no colour of it is that of a line."""

TRUTH = (53, 224, 255)
METHOD = (255, 255, 255)
EMPTY = 46
"""The grey of a frame whose image is not here."""

_QUALITY = 90
_LEVELS = 256


class Layer(StrEnum):
    """What can be seen of a picture, or left out."""

    IMAGE = "image"
    TRUTH = "truth"
    MAP = "map"
    CONTOUR = "contour"
    BOXES = "boxes"


@dataclass(frozen=True)
class Style:
    """How maps are laid over images.

    Attributes:
        opacity: Of the map's colours, in [0, 1].
        threshold: Where the contour is, on the protocol's scale in [0, 1].
        layers: What is drawn.
    """

    opacity: float = 0.5
    threshold: float = 0.5
    layers: frozenset[Layer] = frozenset(Layer)


@dataclass(frozen=True, eq=False)
class Picture:
    """All that one picture shows; equal content has an equal key.

    Attributes:
        film: The image or an empty frame.
        style: Opacity and threshold.
        heatmap: The map as the protocol takes it; None for none.
        scale: The scores shown as the lowest and the highest colour.
        boxes: The method's boxes, in original-image pixels.
        truth: The true boxes.
        mask: The true region, for a sample without boxes.
    """

    film: Film
    style: Style = Style()
    heatmap: Heatmap | None = None
    scale: tuple[float, float] = (0.0, 1.0)
    boxes: tuple[Box, ...] = ()
    truth: tuple[Box, ...] = ()
    mask: Mask | None = None

    @cached_property
    def key(self) -> str:
        """SHA-256 of the content, which names the picture in caches."""
        film, heatmap = self.film, self.heatmap
        scores = [] if heatmap is None else [hashlib.sha256(heatmap.values.tobytes()).hexdigest(), heatmap.values.shape]
        return digest(
            film.sha256,
            film.image_size,
            film.shown_size,
            sorted(self.style.layers),
            (self.style.opacity, self.style.threshold) if heatmap is not None else None,
            scores,
            heatmap.extent.as_tuple() if heatmap is not None else None,
            self.scale,
            [box.as_tuple() for box in self.boxes],
            [box.as_tuple() for box in self.truth],
            self.mask.key if self.mask is not None else None,
        )

    def jpeg(self) -> bytes:
        """Draw it.

        Raises:
            ImageError: If the mask's file cannot be read.
        """
        from PIL import Image, ImageDraw

        width, height = self.film.shown_size
        layers, grey = self.style.layers, self.film.pixels
        if grey is None or Layer.IMAGE not in layers:
            grey = np.full((height, width), EMPTY, dtype=np.uint8)
        pixels = np.repeat(grey[:, :, None], 3, axis=2)
        unit = None if self.heatmap is None else self._unit_scores(self.heatmap)
        if unit is not None and Layer.MAP in layers:
            _lay_over(pixels, unit, self.style.opacity)
        image = Image.fromarray(pixels)
        draw = ImageDraw.Draw(image)
        line = max(1, round(width / 160))
        if Layer.TRUTH in layers:
            edges = [] if self.mask is None else borders(self._shown_mask(self.mask))
            for points in [*edges, *self._shown_boxes(self.truth, line)]:
                draw_line(draw, points, TRUTH, line, dashed=False)
        if unit is not None and Layer.CONTOUR in layers:
            # NaN is above no threshold: what the method has not looked at is not marked.
            for points in borders(unit > self.style.threshold):
                draw_line(draw, points, METHOD, max(1, round(width / 240)), dashed=True)
        if Layer.BOXES in layers:
            for points in self._shown_boxes(self.boxes, line):
                draw_line(draw, points, METHOD, line, dashed=True)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
        return buffer.getvalue()

    def _shown_boxes(self, boxes: Sequence[Box], line: int) -> list[NDArray[np.float64]]:
        """The boxes' borders, so far inside the picture that all of a line is seen at its edge."""
        width, height = self.film.shown_size
        inset = line / 2 + 1
        found = []
        for box in boxes:
            fit = box.clipped(self.film.image_size).scaled(
                width / self.film.image_size[0], height / self.film.image_size[1]
            )
            x0, x1 = _within(fit.x0, fit.x1, inset, width - inset)
            y0, y1 = _within(fit.y0, fit.y1, inset, height - inset)
            found.append(rectangle(x0, y0, x1, y1))
        return found

    @property
    def unit_grid(self) -> NDArray[np.float32] | None:
        """The map's own cells on the scale [0, 1] on which the protocol thresholds; None without a map."""
        return None if self.heatmap is None else on_scale(self.heatmap.values, self.scale)

    def _unit_scores(self, heatmap: Heatmap) -> NDArray[np.float32]:
        """The map `[h, w]` at the picture's size on the scale [0, 1], NaN where the method has not looked."""
        return on_scale(_sampled(heatmap, self.film.shown_size), self.scale)

    def _shown_mask(self, mask: Mask) -> NDArray[np.bool_]:
        inside = mask.load()
        (width, height), (columns, rows) = self.film.shown_size, inside.shape[::-1]
        return inside[np.ix_(_centres(rows, height), _centres(columns, width))]


def on_scale(scores: NDArray[np.float32], scale: tuple[float, float]) -> NDArray[np.float32]:
    """Scores on the scale [0, 1] on which a protocol thresholds; all 0 of a constant map, which marks nothing.

    Args:
        scores: Of any shape; NaN, where the method has not looked, stays.
        scale: The scores that count as 0 and as 1, equal for a constant map.
    """
    low, high = scale
    return (scores - np.float32(low)) / np.float32(high - low) if high > low else scores * np.float32(0)


def live_iou(protocol: Protocol, kind: str, answer: Grounding, sample: Sample, threshold: float) -> float | None:
    """The IoU at a threshold, by the protocol's own code.

    Args:
        protocol: What the run was scored under.
        kind: The method's kind.
        answer: As stored.
        sample: The ground truth.
        threshold: On the protocol's scale, in [0, 1].

    Returns:
        The IoU; None where there is no map or no target, or the protocol thresholds no maps.
    """
    prepared = protocol.prepare(answer, kind)
    target = protocol.target(sample, prepared)
    if prepared.heatmap is None or target is None or prepared.heatmap.image_size != tuple(target.image_size):
        return None
    try:
        return protocol.iou_at(prepared.heatmap, region_of(target), threshold)
    except ProtocolError:
        return None


@cache
def colours() -> NDArray[np.uint8]:
    """The colour map as RGB, `[256, 3]`."""
    from matplotlib import colormaps

    table: Any = colormaps[COLOUR_MAP](np.arange(_LEVELS), bytes=True)
    return table[:, :3]


def _lay_over(pixels: NDArray[np.uint8], unit: NDArray[np.float32], opacity: float) -> None:
    seen = ~np.isnan(unit)
    index = np.clip(np.nan_to_num(unit) * (_LEVELS - 1), 0, _LEVELS - 1).astype(np.uint8)
    mixed = (1 - opacity) * pixels[seen] + opacity * colours()[index[seen]]
    pixels[seen] = np.rint(mixed).astype(np.uint8)


def _within(start: float, end: float, low: float, high: float) -> tuple[float, float]:
    """A stretch at least one pixel long, between two places."""
    start, end = min(max(start, low), high - 1), max(min(end, high), low + 1)
    return start, max(end, start + 1)


def _sampled(heatmap: Heatmap, shown: ImageSize) -> NDArray[np.float32]:
    """`Heatmap.to_pixels` at the centres of the picture's pixels, without building it at the image's size."""
    width, height = heatmap.image_size
    x0, y0, x1, y1 = (int(edge) for edge in heatmap.extent.as_tuple())
    columns, rows = _centres(width, shown[0]), _centres(height, shown[1])
    across, down = (columns >= x0) & (columns < x1), (rows >= y0) & (rows < y1)
    scores = np.full((shown[1], shown[0]), np.nan, dtype=np.float32)
    cells = np.ix_(
        nearest_index(heatmap.values.shape[0], y1 - y0)[rows[down] - y0],
        nearest_index(heatmap.values.shape[1], x1 - x0)[columns[across] - x0],
    )
    scores[np.ix_(down, across)] = heatmap.values[cells]
    return scores


def _centres(pixels: int, shown: int) -> NDArray[np.int64]:
    """The pixel of the image at the centre of each pixel of the picture, along one axis."""
    return ((np.arange(shown) + 0.5) * pixels / shown).astype(np.int64)
