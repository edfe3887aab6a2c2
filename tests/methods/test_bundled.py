"""The bundled models: small, loaded by the methods' own code, and their maps stay as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundcxr import Query, Radiograph, load_dataset
from groundcxr.core import WeightsError
from groundcxr.methods.bundled import bundled
from groundcxr.methods.loading import build_method

MAPS = Path(__file__).parents[1] / "data" / "bundled_maps.npz"
NAMES = ("clip-phantom", "ldm-phantom")


@pytest.fixture(scope="module")
def queries(tmp_path_factory):
    """The samples of the first 16 test images."""
    samples = load_dataset("phantom", tmp_path_factory.mktemp("phantom"), "test", images=16)
    images = {sample.image_path: Radiograph.open(sample.image_path) for sample in samples}
    return [Query(images[sample.image_path], sample.phrase, sample.pathology) for sample in samples]


@pytest.mark.parametrize("name", NAMES)
def test_maps_are_those_recorded(name, queries):
    """`training/record_maps.py` wrote them when the weights were made."""
    method = build_method(name)
    method.setup("cpu")
    recorded = np.load(MAPS)[name]
    found = [answer.heatmap for answer in method.ground_batch(queries)]
    assert len(found) == len(recorded)
    for heatmap, values in zip(found, recorded, strict=True):
        step = len(heatmap.values) // len(values)
        np.testing.assert_allclose(heatmap.values[step // 2 :: step, step // 2 :: step], values, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_they_say_what_they_were_trained_on(name):
    method = build_method(name)
    assert "no box, no mask" in method.trained_on[0]
    assert method.weights_id() == f"{name} (bundled)"
    assert "/" not in str(method.options_dict())


def test_they_are_small():
    sizes = [file.stat().st_size for name in NAMES for file in bundled(name).rglob("*")]
    assert sum(sizes) < 15e6


@pytest.mark.parametrize("name", ["clip-phantom", "ldm-phantom"])
def test_drawn_weights_take_the_place_of_the_bundled_ones(name):
    trained, drawn, other = (
        build_method(name, settings) for settings in ({}, {"weights": "random:1"}, {"weights": "random:2"})
    )
    assert trained.trained_on
    assert drawn.trained_on == ()
    assert len({method.fingerprint() for method in (trained, drawn, other)}) == 3
    maps = []
    image = Radiograph.from_array(np.random.default_rng(0).integers(0, 255, (256, 256), dtype=np.uint8), "image")
    for method in (trained, drawn, other):
        method.setup("cpu")
        (answer,) = method.ground(image, ["left pleural effusion"])
        maps.append(answer.heatmap.values)
    assert not np.allclose(maps[0], maps[1])
    assert not np.allclose(maps[1], maps[2])


@pytest.mark.parametrize("weights", ["random:0:/somewhere", "/somewhere", "owner/name"])
def test_other_weights_than_drawn_ones_are_for_the_method_itself(weights):
    with pytest.raises(WeightsError, match=r"must be random:SEED, or left out; other weights are for the method clip"):
        build_method("clip-phantom", {"weights": weights})
