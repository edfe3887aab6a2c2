"""From a method and a data set to a result on disk."""

import json

import numpy as np
import pandas as pd
import pytest

from groundcxr import Box, Grounding, GroundingMethod, Heatmap, evaluate, get_protocol
from groundcxr.core import GroundCXRError, MethodError, Radiograph, UnknownNameError
from groundcxr.core.fingerprint import generator_from
from groundcxr.evaluation import load_result
from groundcxr.methods import ControlMethod


class Noise(GroundingMethod):
    """A map and a box that depend on image and phrase alone."""

    emits = frozenset({"heatmap", "box"})

    def ground(self, image, phrases):
        return [self.one(image, generator_from(image.sha256, phrase)) for phrase in phrases]

    def one(self, image, rng):
        width, height = image.size
        x, y = rng.integers(0, 20, 2)
        heatmap = Heatmap(rng.random((5, 7)), Box(2, 3, width - 4, height - 1), image.size)
        return Grounding(heatmap, (Box(x, y, x + 20, y + 20, score=0.5),))


@pytest.fixture
def ran(tiny, tmp_path):
    return evaluate(Noise, tiny, out=tmp_path / "out")


def test_values_are_the_protocols_own(ran, tiny):
    protocol = get_protocol("v1")
    for sample, (_, row) in zip(tiny, ran.samples.iterrows(), strict=True):
        (grounding,) = Noise().ground(Radiograph.open(sample.image_path), [sample.phrase])
        expected = protocol.score(grounding, protocol.target(sample, grounding))
        assert row["sample_id"] == sample.sample_id
        for key, (value, status) in expected.items():
            assert row[f"{key}_status"] == status
            assert value is None if pd.isna(row[key]) else row[key] == value


def test_table_averages_the_rows(ran):
    table = ran.table().set_index(["pathology", "metric"])
    for metric in ("miou", "auroc", "acc50"):
        by_class = ran.samples.groupby("pathology")[metric].mean()
        for name, mean in by_class.items():
            assert table.loc[(name, metric), "value"] == pytest.approx(mean)
        assert table.loc[("macro", metric), "value"] == pytest.approx(by_class.mean())
        assert table.loc[("micro", metric), "value"] == pytest.approx(ran.samples[metric].mean())
    # The sixth image has no box: nine of ten samples count, four of them in the second class.
    assert table.loc[("micro", "auroc"), "n"] == 9
    assert table.loc[("Pneumonia", "auroc"), "n"] == 4
    assert ran.info.statuses["auroc"] == {"ok": 9, "empty_target": 1}
    assert table.loc[("micro", "auroc"), "low"] <= table.loc[("micro", "auroc"), "value"]


def test_files_hold_nothing_confidential(ran, tmp_path, stored):
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(written) > 4
    for path in written:
        assert b"secret" not in path.read_bytes(), path
        assert "secret" not in str(path)
    assert not any(b"secret" in content for content in stored(tmp_path).values())
    assert not ran.samples["patient_key"].str.contains("secret").any()
    assert ran.samples["patient_key"].nunique() == 3
    assert ran.samples["image_key"].nunique() == 6


def test_result_says_what_it_rests_on(ran, tmp_path):
    content = json.loads(ran.path.read_text())
    assert content["schema_version"] == 2
    assert content["complete"] is True
    assert content["protocol"] == {"name": "v2", "version": "1", "hash": get_protocol("v2").hash}
    assert content["dataset"]["name"] == "tiny"
    assert content["dataset"]["n_samples"] == 10
    assert content["method"]["name"] == "Noise"
    assert content["run"]["packages"]["numpy"] == np.__version__
    assert ran.path.parts[-4:-1] == ("tiny", "v2", f"Noise-{ran.fingerprint[:8]}")
    again = load_result(ran.path)
    assert again.info == ran.info
    pd.testing.assert_frame_equal(again.samples, ran.samples)


def test_identical_rerun_replaces_and_reuses(ran, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Noise, "ground", lambda *_: pytest.fail("grounded again"))
    monkeypatch.setattr(Noise, "setup", lambda *_: pytest.fail("set up although nothing was missing"))
    again = evaluate(Noise, tiny, out=tmp_path / "out")
    assert again.path == ran.path
    pd.testing.assert_frame_equal(again.samples, ran.samples)


def test_limited_runs_are_incomplete_and_apart(ran, tiny, tmp_path):
    limited = evaluate(Noise, tiny, out=tmp_path / "out", limit=3)
    filtered = evaluate(Noise, tiny, out=tmp_path / "out", pathology="pneumonia")
    assert not limited.info.complete
    assert not filtered.info.complete
    assert len({ran.path, limited.path, filtered.path}) == 3
    assert set(filtered.samples["pathology"]) == {"Pneumonia"}
    # The predictions are those of the whole run, whatever part is asked for.
    whole = ran.samples.set_index("sample_id")
    for part in (limited, filtered):
        rows = part.samples.set_index("sample_id")
        pd.testing.assert_frame_equal(rows, whole.loc[rows.index])


def test_batch_size_does_not_change_values(tiny, tmp_path):
    runs = [evaluate(Noise, tiny, out=tmp_path / str(size), batch_size=size) for size in (1, 4)]
    pd.testing.assert_frame_equal(*(run.samples.drop(columns="seconds") for run in runs))


def test_rescoring_needs_no_model(ran, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Noise, "setup", lambda *_: pytest.fail("set up for scoring"))
    other = evaluate(Noise, tiny, "vilouras2024", out=tmp_path / "out")
    assert list(other.info.overall.macro) == ["miou", "cnr", "abs_cnr", "auroc"]


def test_options_name_the_predictions(tiny, tmp_path):
    small = evaluate("random", tiny, out=tmp_path, settings={"grid": "4"})
    large = evaluate("random", tiny, out=tmp_path, settings={"grid": 8})
    assert small.info.method.options == {"grid": 4}
    assert small.info.method.fingerprint != large.info.method.fingerprint
    assert small.path != large.path
    assert len(list((tmp_path / "store").iterdir())) == 2


class Leaky(ControlMethod):
    def ground_samples(self, samples):
        return [Grounding(Heatmap.whole(np.arange(4.0).reshape(2, 2), sample.image_size)) for sample in samples]


def test_controls_are_marked_and_never_stored(tiny, tmp_path):
    result = evaluate(Leaky, tiny, out=tmp_path)
    assert result.info.method.control
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"limit": 0}, GroundCXRError, "limit"),
        ({"batch_size": 0}, GroundCXRError, "batch size"),
        ({"pathology": "Pnuemonia"}, UnknownNameError, "did you mean 'Pneumonia'"),
        ({"protocol": "v11"}, UnknownNameError, "did you mean 'v1'"),
        ({"device": "cuda:9"}, GroundCXRError, "cuda:9"),
        ({"device": "tpu"}, GroundCXRError, "tpu"),
        ({"settings": {"size": 3}}, UnknownNameError, "no option 'size' of the method"),
        ({"method": "whole-image", "protocol": "vilouras2024"}, GroundCXRError, "no metric"),
    ],
)
def test_what_cannot_run_says_so(tiny, tmp_path, arguments, error, words):
    with pytest.raises(error) as raised:
        evaluate(**{"method": Noise, "dataset": tiny, "out": tmp_path, **arguments})
    assert words in str(raised.value)
    assert not list(tmp_path.glob("**/result.json"))


def test_setup_failure_is_the_methods(tiny, tmp_path, monkeypatch):
    def setup(self, device):
        raise RuntimeError("weights are gone")

    monkeypatch.setattr(Noise, "setup", setup)
    with pytest.raises(MethodError, match="weights are gone"):
        evaluate(Noise, tiny, out=tmp_path)
