"""Controls whose answers are not stored are drawn as they were scored."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from groundcxr import GroundCXRError, evaluate, load_dataset
from groundcxr.leaderboard.controls_again import answers_again, ask_again
from groundcxr.leaderboard.joining import join
from groundcxr.leaderboard.library import Library
from groundcxr.methods.controls.text_prior import TextPrior
from groundcxr.metrics import get_protocol

CONTROLS = ("class-mean-box", "text-prior", "oracle")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Runs by label, on a small phantom, and its samples."""
    folder = tmp_path_factory.mktemp("controls")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDCXR_CACHE", str(folder / "cache"))
        phantom = load_dataset("phantom", images=6)
        for method in (*CONTROLS, "center-prior"):
            evaluate(method, phantom, out=folder / "results")
        runs = {run.label: run for run in Library.scan([folder / "results"]).runs}
        yield SimpleNamespace(runs=runs, joined=join(runs["oracle"].info.dataset, {}))


@pytest.mark.parametrize("label", CONTROLS)
def test_what_is_drawn_has_the_values_of_the_run(found, label):
    run = found.runs[label]
    assert answers_again(run)
    protocol = get_protocol(run.info.protocol.name)
    rows = run.samples(["sample_id", "miou"]).set_index("sample_id")["miou"]
    for sample in found.joined.samples.values():
        prepared = protocol.prepare(ask_again(run, found.joined.selection, sample), run.info.method.kind)
        value = protocol.score(prepared, protocol.target(sample, prepared))["miou"].value
        assert value == pytest.approx(rows[sample.sample_id], abs=1e-6)


def test_what_is_stored_is_not_asked_again(found):
    assert not answers_again(found.runs["center-prior"])


def test_a_control_that_is_another_by_now_is_refused_and_fitted_once(found, monkeypatch):
    run = found.runs["text-prior"]
    method = run.info.method.model_copy(update={"fingerprint": "0" * 64})
    other = replace(run, info=run.info.model_copy(update={"method": method}))
    fits = []
    fit = TextPrior.fit
    monkeypatch.setattr(TextPrior, "fit", lambda *said, **more: fits.append(1) or fit(*said, **more))
    # A page asks it for a dozen pictures.
    for sample in list(found.joined.samples.values())[:3]:
        with pytest.raises(GroundCXRError, match="is not that of the run"):
            ask_again(other, found.joined.selection, sample)
    assert len(fits) <= 1
