"""The pictures of docs/phantom.md: phantoms with their phrases, and what the bundled models mark on them.

`.venv/bin/python benchmarks/phantom_pictures.py` writes `phantoms.webp` and `phantom-maps.webp` to `docs/images/`.
"""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
from pictures import smaller

from groundcxr import Heatmap, Query, Radiograph, Sample, load_dataset
from groundcxr.methods.loading import build_method

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
METHODS = {
    "clip-phantom": ("clip-phantom", {}),
    "ldm-phantom\n(inversion)": ("ldm-phantom", {}),
    "noise-once": ("ldm-phantom", {"extraction": "noise-once"}),
    "noise-difference": ("ldm-phantom", {"extraction": "noise-difference"}),
}


def main() -> None:
    """Draw both pictures."""
    samples = one_of_each()
    IMAGES.mkdir(exist_ok=True)
    phantoms(samples)
    maps(samples)


def one_of_each() -> list[Sample]:
    """The first test sample of each pathology, each of another image."""
    chosen: dict[str, Sample] = {}
    used: set[str] = set()
    for sample in load_dataset("phantom"):
        if sample.pathology not in chosen and sample.image_id not in used:
            chosen[sample.pathology] = sample
            used.add(sample.image_id)
    return [chosen[name] for name in sorted(chosen)]


def phantoms(samples: list[Sample]) -> None:
    """A phantom of each pathology with the boxes of its phrase."""
    figure, axes = plt.subplots(2, 4, figsize=(10, 5.65))
    for axis, sample in zip(axes.flat, samples, strict=True):
        show(axis, sample)
        axis.set_title(f"{sample.pathology}\n“{sample.phrase}”", fontsize=8)
    save(figure, "phantoms.webp")


def maps(samples: list[Sample]) -> None:
    """A row for each method, a column for each sample."""
    figure, axes = plt.subplots(len(METHODS), len(samples), figsize=(12, 6.6))
    for row, (title, (name, settings)) in zip(axes, METHODS.items(), strict=True):
        method = build_method(name, settings)
        method.setup("cpu")
        queries = [Query(Radiograph.open(s.image_path), s.phrase, s.pathology) for s in samples]
        for axis, sample, answer in zip(row, samples, method.ground_batch(queries), strict=True):
            show(axis, sample, answer.heatmap)
        row[0].set_ylabel(title, fontsize=8)
    for axis, sample in zip(axes[0], samples, strict=True):
        axis.set_title("\n".join(wrapped(sample.phrase)), fontsize=7)
    save(figure, "phantom-maps.webp")


def wrapped(phrase: str) -> list[str]:
    """A phrase in two lines."""
    words = phrase.split()
    half = (len(words) + 1) // 2
    return [" ".join(words[:half]), " ".join(words[half:])]


def show(axis: Axes, sample: Sample, heatmap: Heatmap | None = None) -> None:
    """An image with its true boxes, under a heatmap, whose scale is its own range."""
    pixels = np.asarray(Radiograph.open(sample.image_path).as_uint8())
    axis.imshow(pixels, cmap="gray", vmin=0, vmax=255)
    if heatmap is not None:
        box = heatmap.extent
        axis.imshow(heatmap.values, cmap="inferno", alpha=0.55, extent=(box.x0, box.x1, box.y1, box.y0))
        axis.set_xlim(0, pixels.shape[1])
        axis.set_ylim(pixels.shape[0], 0)
    for box in sample.boxes:
        axis.add_patch(Rectangle((box.x0, box.y0), box.width, box.height, fill=False, edgecolor="#35d0ff", linewidth=1))
    axis.set_xticks([])
    axis.set_yticks([])


def save(figure: plt.Figure, name: str) -> None:
    """Write a picture, small enough for a README."""
    figure.tight_layout(pad=0.4, h_pad=0.8)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100)
    plt.close(figure)
    (IMAGES / name).write_bytes(smaller(buffer.getvalue(), lossless=False))


if __name__ == "__main__":
    main()
