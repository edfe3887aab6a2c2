"""Record the maps of the bundled models that `tests/methods/test_bundled.py` holds them to; run when they change."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from groundcxr import Query, Radiograph, load_dataset
from groundcxr.methods.loading import build_method

OUT = Path(__file__).resolve().parents[1] / "tests" / "data" / "bundled_maps.npz"
SIDE = 16
"""Maps are recorded at so many rows and columns."""


def main() -> None:
    """Ground the samples of the first 16 test images."""
    samples = load_dataset("phantom", images=16)
    images = {sample.image_path: Radiograph.open(sample.image_path) for sample in samples}
    queries = [Query(images[sample.image_path], sample.phrase, sample.pathology) for sample in samples]
    found = {}
    for name in ("clip-phantom", "ldm-phantom"):
        method = build_method(name)
        method.setup("cpu")
        maps = np.stack([answer.heatmap.values for answer in method.ground_batch(queries) if answer.heatmap])
        step = maps.shape[1] // SIDE
        found[name] = maps[:, step // 2 :: step, step // 2 :: step]
    np.savez_compressed(OUT, **found)


if __name__ == "__main__":
    main()
