"""Thin lines and discs in body coordinates, the same at any resolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .texture import Array
from .view import Frame


class Strokes:
    """Lines and discs in body coordinates, anti-aliased; what is added later covers what was added before."""

    _FINER = 2

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._lines: list[tuple[Array, Array, float, float]] = []

    def __bool__(self) -> bool:
        return bool(self._lines)

    def line(self, u: ArrayLike, v: ArrayLike, width: float, value: float = 1.0) -> None:
        """A line through points; `width` is a share of the image's side, `value` in [0, 1] is the line's brightness."""
        self._lines.append((np.asarray(u, dtype=float), np.asarray(v, dtype=float), width, value))

    def disc(self, u: float, v: float, radius: float, value: float = 1.0) -> None:
        """A filled circle."""
        self.line([u], [v], radius, value)

    def field(self, blur: float = 0.0) -> Array:
        """What was drawn, `[size, size]` in [0, 1], blurred by a standard deviation in shares of the side."""
        from PIL import Image, ImageDraw, ImageFilter

        size = self._frame.size
        side = size * self._FINER
        image = Image.new("L", (side, side))
        pen = ImageDraw.Draw(image)
        x, y = self._frame.to_image(*(np.concatenate([line[k] for line in self._lines]) for k in (0, 1)))
        points = list(zip((x * side).tolist(), (y * side).tolist(), strict=True))
        start = 0
        for u, _, width, value in self._lines:
            stop = start + len(u)
            shade = round(255 * value)
            if len(u) == 1:
                (cx, cy), r = points[start], width * side
                pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=shade)
            else:
                # Joints are worth their time where a gap would show.
                pen.line(
                    points[start:stop],
                    fill=shade,
                    width=max(1, round(width * side)),
                    joint="curve" if width > 0.01 else None,
                )
            start = stop
        image = image.reduce(self._FINER)
        if blur:
            image = image.filter(ImageFilter.GaussianBlur(blur * size))
        return np.asarray(image, dtype=np.float32) * np.float32(1 / 255)
