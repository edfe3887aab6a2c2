"""What holds for every protocol: it is found by name, pinned by its hash, and says what its numbers are."""

import json
from pathlib import Path

import numpy as np
import pytest

import groundcxr
from groundcxr.core import Box, Grounding, Heatmap, Mask, Status, Target, UnknownNameError
from groundcxr.metrics import PROTOCOLS, Protocol, get_protocol

# A protocol is never edited. If one of these fails, undo the change and register a protocol of a new name or version.
PINNED = {
    "v1": "d48d9d025b7b99f3fd2f06fe7cbdedfde9d1d0c4e1ee9ba86b884a5849c6b557",
    "v2": "8953dd092f3d3aabbe1cc19b58345bfd0c55a92f4afad5333f1c6b9d178eb8ae",
    "vilouras2024": "e54add4b420f95796735616c820f5570efd0faba8f3a28069b38c40041c06c41",
}


@pytest.fixture(params=PINNED)
def protocol(request):
    return get_protocol(request.param)


def test_every_protocol_is_pinned():
    assert sorted(PINNED) == PROTOCOLS.names()


def test_the_hash_is_pinned(protocol):
    assert protocol.hash == PINNED[protocol.name]


def test_a_change_of_any_part_changes_the_hash():
    v1 = get_protocol("v1")

    class OtherConstant(type(v1)):
        def constants(self):
            return super().constants() | {"cnr": "unsigned"}

    class FewerMetrics(type(v1)):
        metrics = v1.metrics[1:]

    class Later(type(v1)):
        version = "2"

    assert len({v1.hash, OtherConstant().hash, FewerMetrics().hash, Later().hash}) == 4


def test_constants_are_json(protocol):
    assert json.loads(json.dumps(protocol.constants(), allow_nan=False)) == protocol.constants()


def test_the_description_is_complete(protocol):
    assert isinstance(protocol, Protocol)
    assert protocol.title
    assert protocol.citation.startswith("@")
    assert len({metric.key for metric in protocol.metrics}) == len(protocol.metrics)
    assert any(metric.headline for metric in protocol.metrics)
    assert protocol.metrics_for({"heatmap", "box"}) == protocol.metrics


def test_an_unknown_name_is_answered_with_the_closest():
    with pytest.raises(UnknownNameError, match="'vilouras24'; did you mean 'vilouras2024'"):
        groundcxr.get_protocol("vilouras24")


def test_a_new_protocol_needs_only_to_be_registered():
    @PROTOCOLS.register("mine")
    class Mine(type(get_protocol("v1"))):
        name = "mine"

    try:
        assert get_protocol("mine").name == "mine"
        assert get_protocol("mine").hash != get_protocol("v1").hash
    finally:
        del PROTOCOLS._loaded["mine"]


@pytest.mark.parametrize("seed", range(20))
def test_values_are_in_the_declared_range(protocol, seed):
    rng = np.random.default_rng(seed)
    heatmap = Heatmap(rng.normal(size=(5, 7)), Box(3, 0, 17, 11), (20, 11))
    boxes = [Box(x, y, x + w, y + h) for x, y, w, h in rng.integers(0, 12, (2, 4))]
    mask = Mask.of(rng.random((11, 20)) < 0.3)
    target = Target(boxes, (20, 11)) if seed % 2 or protocol.name not in ("v1", "v2") else Target((), (20, 11), mask)
    found = protocol.score(Grounding(heatmap, boxes[:1]), target)
    assert list(found) == [metric.key for metric in protocol.metrics]
    for metric in protocol.metrics:
        value, status = found[metric.key]
        assert isinstance(status, Status)
        if value is not None:
            assert type(value) is float
            assert np.isfinite(value)
            assert metric.low is None or value >= metric.low
            assert metric.high is None or value <= metric.high + 1e-12


def test_the_card_quotes_the_hash_and_every_metric(protocol):
    card = (Path(__file__).parents[2] / "docs" / "protocols" / f"{protocol.name}.md").read_text(encoding="utf-8")
    assert protocol.hash in card
    assert all(f"`{metric.key}`" in card for metric in protocol.metrics)
