"""What MS-CXR takes on a GPU, reckoned from one whole batch of the diffusion method; a step of `ldm_gpu.py`."""

from __future__ import annotations

import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pipeline
from ldm_common import SPAN, Meter, made_up, part_flops

from groundcxr.core import DEFAULT_PROTOCOL, Box, Grounding, Heatmap, Radiograph, Target
from groundcxr.core.threads import mapped
from groundcxr.evaluation.reading import reading_threads
from groundcxr.methods.diffusion.ldm import CrossAttentionGrounder
from groundcxr.methods.diffusion.ldm.frame import network_input
from groundcxr.metrics import get_protocol

IMAGES, PHRASES = 1047, 1160  # of MS-CXR
FILM = (3056, 2544)


def whole_run(
    grounder: CrossAttentionGrounder,
    unet: Any,
    device: str,
    variant: tuple[str, bool, int],
    published: float,
    films: int,
) -> None:
    """Print what the best variant takes for a whole batch, and so for MS-CXR, as if one thing followed another.

    An evaluation reads in threads while the network works, and scores in several processes: it takes less.
    """
    dtype, compiled, batch = variant
    image, empty, states = made_up(unet, batch, 1)
    meter = Meter(device)
    with meter.running():
        maps = grounder.heatmaps(image, empty, states, [SPAN] * batch, list(range(batch)))
    image_seconds = meter.seconds / batch
    flops, read = part_flops(unet, grounder, device), grounder.steps_read
    attending = len(read) * flops["attend"]
    phrase_seconds = image_seconds * attending / (read.stop * (flops["begin"] + flops["predict"]) + attending)
    prepared, scored = beside(maps[0].numpy())
    costs = {
        f"reading films in {reading_threads()} threads": IMAGES * reading_seconds(films),
        "making them the network's input": IMAGES * prepared,
        "the network, of first phrases": IMAGES * image_seconds,
        "the network, of others": (PHRASES - IMAGES) * phrase_seconds,
        "scoring in one process": PHRASES * scored,
    }
    how = f"{dtype}{', compiled' if compiled else ''}, {batch} images at once"
    print(f"\nwhole run, {how}: {1 / image_seconds:.3g} images/s, {meter.mebibytes:.0f} MiB at the most,")
    print(f"{published / image_seconds:.1f} times the published procedure's rate\n")
    print(f"| MS-CXR, {PHRASES} phrases on {IMAGES} images, one thing after another | seconds |\n|---|---:|")
    for name, spent in costs.items():
        print(f"| {name} | {spent:.0f} |")
    print(f"| all: {sum(costs.values()) / 60:.1f} minutes | {sum(costs.values()):.0f} |\n", flush=True)


@cache
def reading_seconds(films: int) -> float:
    """What a film takes to be read and decoded, where threads do nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        pipeline.make_data(Path(folder), ((films, 1),))
        start = time.perf_counter()
        mapped(Radiograph.open, sorted(Path(folder).glob("*.jpg")), reading_threads())
        return (time.perf_counter() - start) / films


def beside(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Seconds to make a film the network's input, and to score a map of it under the default protocol."""
    film = Radiograph.from_array(np.random.default_rng(0).integers(0, 256, FILM, dtype=np.uint8))
    start = time.perf_counter()
    network_input([film], len(values))
    prepared = time.perf_counter() - start
    target = Target([Box(500, 600, 1100, 1400)], film.size)
    start = time.perf_counter()
    get_protocol(DEFAULT_PROTOCOL).score(Grounding(Heatmap.whole(values, film.size)), target)
    return prepared, time.perf_counter() - start
