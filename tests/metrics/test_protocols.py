"""What holds for every protocol: it is found by name, pinned by its hash, and says what its numbers are."""

import json
from pathlib import Path

import numpy as np
import pytest

import groundcxr
from groundcxr.core import Box, Grounding, Heatmap, Mask, Status, Target, UnknownNameError
from groundcxr.metrics import PROTOCOLS, Protocol, get_protocol, known_protocol
from groundcxr.metrics.single_box import SingleBoxProtocol

# A protocol is never edited. If one of these fails, undo the change and register a protocol of a new name or version.
PINNED = {
    "v1": "d48d9d025b7b99f3fd2f06fe7cbdedfde9d1d0c4e1ee9ba86b884a5849c6b557",
    "v2": "710688d353de52703b18b2653baf665ee7a7eace842c14c587bb52d2460295e9",
    "vilouras2024": "e54add4b420f95796735616c820f5570efd0faba8f3a28069b38c40041c06c41",
    "agkd2025": "f3e8e479bd6ae78ba4b96040a5c502877aaec6d09ca3db80331ec69a1d08cf11",
    "chex2024": "a3dc8d6bf5212c664aa31d30613e68e14789b6316f6be068cf1c99a1b99319b9",
    "medgroundr1": "e3d949afee249c2ff99d11d1873a91f2a7f2f9f928aaf1a871889b93c4f9692b",
    "medrpg2023": "c448bc16b06747b9c45f653da7c33feacd7e622cd1f123a1aef79ba0455adbf6",
    "radfact2024": "13514faf5a7a2124fea8a1919bc1897c6e520e2c68a25681b457e855019a8f2a",
    "radvlm2025": "032ddb6b59d4f7beec707af025d7403d644dae6d330227356ae23d5d031df000",
    "umedground2025": "e1ac58886086de28816bd12843b4acfb4990b928b24ab642b3c949e0807b71c2",
    "vilouras2026": "adde90a2860f1cdff00e95e5fd1515de1aab286ed2a3bf5a17fb22b3c1455b22",
    "medklip2023": "ddebb54fb876a0d749398ed2198f3744b19065a7aec772f45a51c355306231aa",
    "radzero2025": "f843d50f29e9078d72cb83bfe62f9acf2b4dce41eba30fe77b15e0de267ca2f4",
    "nuetzel2025": "7379afbc58b503e144d895f231f89c7a974cd2a60626917515c9fff9644352ab",
    "dombrowski2023": "266eb56b2bfacb567403cf3cacb2bf2f80c92a83fd0e92837894beeafc3bba9c",
    "chexlocalize2022": "0ba43c875ca93fd7aabdd58cfee4aa0e1c02d4ea1b500fa6bd28e732a220c658",
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


def test_a_results_protocol_is_known_by_name_and_hash_together():
    for name, sha256 in PINNED.items():
        found = known_protocol(name, sha256)
        assert found is not None
        assert found.name == name
    assert known_protocol("v1", PINNED["v2"]) is None
    assert known_protocol("no such one", PINNED["v2"]) is None


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
    true = boxes[: 1 if isinstance(protocol, SingleBoxProtocol) else 2]
    needs_boxes = protocol.name == "vilouras2024" or not protocol.metrics_for({"heatmap"})
    target = Target(true, (20, 11)) if seed % 2 or needs_boxes else Target((), (20, 11), mask)
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
