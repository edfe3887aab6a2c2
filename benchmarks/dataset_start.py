"""How long a large data set takes to start: a table of 70,000 rows on 20,000 images, the first time and again.

    python benchmarks/dataset_start.py

Images are links to one small file, so what is measured is reading the table, looking for the images, their headers
(small ones, on this disk) and building the samples.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from groundcxr import load_dataset

ROWS, IMAGES = 70_000, 20_000


def write(root: Path) -> None:
    """RSNA's form: a row for each box."""
    rng = np.random.default_rng(0)
    folder = root / "stage_2_train_images"
    folder.mkdir(parents=True)
    picture = root / "one"
    Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(picture, "png")
    names = [f"{number:08x}-aaaa-4bbb-8ccc-{number:012x}" for number in range(IMAGES)]
    for name in names:
        os.link(picture, folder / f"{name}.png")
    boxes = rng.integers(1, 500, (ROWS, 4))
    lines = [f"{names[row % IMAGES]},{','.join(map(str, box))},1" for row, box in enumerate(boxes.tolist())]
    (root / "stage_2_train_labels.csv").write_text("\n".join(["patientId,x,y,width,height,Target", *lines]))


def main() -> None:
    """Print seconds of each start; of the wall and of the processor."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["GROUNDCXR_CACHE"] = str(root / "cache")
        write(root / "data")
        load_dataset("phantom", root / "phantom", images=1, size=64)  # imports
        for start in ("first", "second"):
            wall, cpu = time.perf_counter(), time.process_time()
            dataset = load_dataset("rsna-pneumonia", root / "data")
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(f"{start} start: {wall:.2f} s ({cpu:.2f} s of the processor), {len(dataset):,} samples")


if __name__ == "__main__":
    main()
