"""The method `vlm` on tiny models of eight families: frames, batches, generation, memory."""

from __future__ import annotations

import numpy as np
import pytest

from groundcxr.core import Radiograph
from groundcxr.methods.loading import build_method
from groundcxr.methods.marker import frame_problem

PRESET = {
    "qwen2_vl": "qwen2_vl",
    "qwen2_5_vl": "qwen2_5_vl",
    "qwen3_vl": "qwen3_vl",
    "gemma3": "gemma3",
    "paligemma": "paligemma",
    "kosmos2": "kosmos2",
    "internvl": "internvl",
    "llava_onevision": "llava_fractions",
}
PHRASES = ["left basal opacity", "small right apical pneumothorax, no shift", "effusion"]


def radiograph(size, seed=0):
    width, height = size
    return Radiograph.from_array(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))


@pytest.fixture(scope="session")
def vlm(vlm_folder):
    """A method that is set up, with few tokens to write unless a test says otherwise."""

    def build(family, **options):
        settings = {"preset": PRESET[family], "dtype": "float32", "max_new_tokens": 6, **options}
        settings.setdefault("weights", str(vlm_folder(family)))
        method = build_method("vlm", settings)
        method.setup("cpu")
        return method

    return build


@pytest.fixture(scope="session")
def ready(vlm):
    """One method of each family for all tests that change nothing of it."""
    made = {}

    def get(family):
        if family not in made:
            made[family] = vlm(family)
        return made[family]

    return get


@pytest.mark.parametrize("family", PRESET)
def test_a_marker_is_read_at_its_place(ready, family):
    assert frame_problem(ready(family)) is None
