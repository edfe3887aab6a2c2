"""What the viewer of Zoom is given: an image at its own pixels, and what lies on it in the image's coordinates."""

from __future__ import annotations

import io
from base64 import b64encode
from functools import lru_cache
from typing import Any

import numpy as np

from ..core import Heatmap
from ..core.map_cells import grid_edges
from .film import Film
from .lines import borders
from .overlays import Layer, Picture, colours


def viewer_data(picture: Picture, *, method: str, phrase: str) -> dict[str, Any]:
    """A picture as the viewer takes it, as plain JSON values.

    Args:
        picture: At the image's own resolution.
        method: Whose answer it is.
        phrase: What was asked, or the sample's id.

    Returns:
        `id` (of all that is drawn), `method`, `image_said` and `answer_said` (for screen readers), `image` (PNG in
        base64; None for an empty frame), `width`, `height`, `map` (None for none: `values` are float32 in base64, rows
        first, on the scale on which the protocol thresholds; `x`, `y` the pixels at which cells start and the last
        ends), `truth` and `boxes` (x0, y0, x1, y1 each), `outlines` (of the true region, (x, y) each), `colours` (256
        times RGB in base64), `opacity`, `threshold`, `layers`.
    """
    film, style = picture.film, picture.style
    width, height = film.image_size
    unit = picture.unit_grid
    return {
        "id": f"{picture.key} {method} {phrase}",
        "method": method,
        "image_said": f"The image of: {phrase}",
        "answer_said": f"{method} on: {phrase}",
        "image": None if film.pixels is None or Layer.IMAGE not in style.layers else _png(film),
        "width": width,
        "height": height,
        "map": None if unit is None or picture.heatmap is None else _map(picture.heatmap, unit),
        "truth": [box.clipped(film.image_size).as_tuple() for box in picture.truth],
        "outlines": [] if picture.mask is None else [line.tolist() for line in borders(picture.mask.load())],
        "boxes": [box.clipped(film.image_size).as_tuple() for box in picture.boxes],
        "colours": b64encode(colours().tobytes()).decode(),
        "opacity": style.opacity,
        "threshold": style.threshold,
        "layers": sorted(style.layers),
    }


def _map(heatmap: Heatmap, unit: np.ndarray) -> dict[str, Any]:
    rows, columns = unit.shape
    y, x = grid_edges(heatmap.extent, (rows, columns))
    return {
        "values": b64encode(np.ascontiguousarray(unit, dtype="<f4").tobytes()).decode(),
        "rows": rows,
        "columns": columns,
        "x": x.tolist(),
        "y": y.tolist(),
    }


@lru_cache(maxsize=8)
def _png(film: Film) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    # Sent once to a browser on this machine: the time counts, not the size.
    Image.fromarray(np.asarray(film.pixels)).save(buffer, "PNG", compress_level=1)
    return b64encode(buffer.getvalue()).decode()
