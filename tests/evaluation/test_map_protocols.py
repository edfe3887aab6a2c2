"""The published protocols of maps in a run: saved, read back and held against the rows, with negatives and failures."""

import pytest

from groundcxr import Grounding, GroundingMethod, Heatmap, evaluate, get_protocol, load_dataset
from groundcxr.core import GroundCXRError
from groundcxr.core.fingerprint import generator_from
from groundcxr.evaluation import load_result
from groundcxr.metrics import protocol as contract

NAMES = ("vilouras2026", "medklip2023", "radzero2025", "nuetzel2025", "dombrowski2023", "chexlocalize2022")


class Noise(GroundingMethod):
    """A map that depends on image and phrase alone; fails, answers nothing or one score for some."""

    asked = 0

    def ground(self, image, phrases):
        type(self).asked += len(phrases)
        return [self.one(image, generator_from(image.sha256, phrase)) for phrase in phrases]

    def one(self, image, random):
        kind = random.integers(4)
        if kind == 0:
            raise RuntimeError("no luck")
        if kind == 1:
            return Grounding(Heatmap.whole([[0.2]], image.size))
        return Grounding(Heatmap.whole(random.normal(size=(6, 7)), image.size))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return load_dataset("phantom", tmp_path_factory.mktemp("phantom"), images=8, size=64, negatives=1)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_saved_and_says_what_its_rows_say(data, out, name):
    protocol = get_protocol(name)
    found = evaluate(Noise, data, protocol=name, out=out)
    assert load_result(found.path).info == found.info
    assert found.info.n_failed > 0
    assert found.info.protocol.hash == protocol.hash
    table = found.table()
    valued = table[table["pathology"] == "micro"].set_index("metric")["value"]
    assert set(valued.dropna().index) == {metric.key for metric in protocol.metrics_for({"heatmap"})}
    positives = sum(not sample.negative for sample in data)
    assert len(found.samples) == (len(data) if protocol.uses_negatives else positives)
    assert (found.info.overall.weighted is not None) == (name == "nuetzel2025")


def test_a_package_that_lacks_is_named_before_anything_is_grounded(data, tmp_path, monkeypatch):
    monkeypatch.setattr(contract, "find_spec", lambda name: None)
    Noise.asked = 0
    with pytest.raises(GroundCXRError, match=r"nuetzel2025 needs scikit-learn, .*; pip install 'scikit-learn"):
        evaluate(Noise, data, protocol="nuetzel2025", out=tmp_path)
    assert Noise.asked == 0
    evaluate(Noise, data, protocol="vilouras2026", out=tmp_path)
