"""What it costs that a method runs in another process: milliseconds an image, and a phrase, above the same in process.

    python benchmarks/isolated.py [PYTHON]

The method does next to nothing, so that what is left is the way there and back. PYTHON (this one by default) needs
NumPy.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from processor import cpu

from groundcxr import Query, Radiograph
from groundcxr.methods.base import GroundingMethod
from groundcxr.methods.isolated.method import release
from groundcxr.methods.isolated.place import placed
from groundcxr.methods.loading import build_method

SIZE = (3056, 2544)
PHRASES = 51
ROUNDS = 101

METHOD = """
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap

class Quick(GroundingMethod):
    def ground(self, image, phrases):
        values = image.pixels[::80, ::80].astype(np.float32)
        return [Grounding(Heatmap.whole(values, image.size)) for _ in phrases]
"""


def main() -> None:
    """Print the table."""
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    print(f"machine: {cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}\n")
    print("| 2544x3056 pixels | of rounds | in process | isolated | an image more | a phrase more |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "quick.py"
        file.write_text(METHOD)
        for bits in (8, 16):
            here = rounds(build_method(str(file)), bits)
            with placed(python):
                method = build_method(str(file))
            method.setup("cpu")
            there = rounds(method, bits)
            release(method)
            for name, of in (("fastest", min), ("median", statistics.median)):
                (one, many), (one_there, many_there) = ([of(took) for took in side] for side in (here, there))
                phrase = (many_there - many - (one_there - one)) / (PHRASES - 1)
                print(
                    f"| {bits} bit | {name} | {one:.2f} ms | {one_there:.2f} ms | {one_there - one:.2f} ms "
                    f"| {phrase:.3f} ms |"
                )


def rounds(method: GroundingMethod, bits: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each round, of one image with one phrase and with many."""
    kind = np.uint8 if bits == 8 else np.uint16
    pixels = np.random.default_rng(0).integers(0, 2**bits, SIZE, dtype=kind)
    image = Radiograph.from_array(pixels)
    one, many = ([Query(image, f"phrase {n}", "Edema") for n in range(count)] for count in (1, PHRASES))
    return milliseconds(method, one), milliseconds(method, many)


def milliseconds(method: GroundingMethod, queries: list[Query]) -> list[float]:
    """What each round took."""
    took: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        method.ground_batch(queries)
        took.append((time.perf_counter() - start) * 1e3)
    return took


if __name__ == "__main__":
    main()
