"""The published protocols of boxes through whole runs: with failures and silence, on disk and back."""

import numpy as np
import pytest

from groundcxr import Box, GroundCXRError, Grounding, GroundingMethod, evaluate
from groundcxr.core.fingerprint import generator_from
from groundcxr.evaluation import load_result

NAMES = ("agkd2025", "chex2024", "medgroundr1", "medrpg2023", "radfact2024", "radvlm2025", "umedground2025")


class Talkative(GroundingMethod):
    """Some boxes with scores; silent about one phrase, and failing on another."""

    emits = frozenset({"box"})

    def ground(self, image, phrases):
        return [self.answer(image, phrase) for phrase in phrases]

    def answer(self, image, phrase):
        if phrase == "secret phrase 0 0":
            return Grounding()
        if phrase == "secret phrase 3 1":
            raise ValueError("out of words")
        random = generator_from(image.sha256, phrase)
        x, y = random.integers(0, 15, 2)
        return Grounding(boxes=[Box(x, y, x + 18, y + 14, score=0.8), Box(x + 9, y, x + 20, y + 9, score=0.2)])


def test_every_protocol_scores_a_run_that_reads_back_and_counts_what_was_missed(tiny, tmp_path):
    ran = {name: evaluate(Talkative, tiny, protocol=name, out=tmp_path / "out") for name in NAMES}
    for name, result in ran.items():
        again, rows = load_result(result.path), result.samples
        assert again.info == result.info
        # One of the ten samples has no box: radvlm2025 counts it, the others skip it.
        assert (len(rows), result.info.dataset.n_skipped) == ((10, 0) if name == "radvlm2025" else (9, 1))
        for metric in result.info.metrics:
            assert set(rows[f"{metric.key}_status"]) >= {"ok", "failed", "empty_prediction"}, name
            cell = result.info.overall.micro[metric.key]
            assert cell.value is not None
            assert cell.low <= cell.value <= cell.high
            if metric.reducer is None:
                assert cell.value == pytest.approx(rows[metric.key].mean())
    for name, key in (("medrpg2023", "iou"), ("radfact2024", "reference_entailed"), ("radvlm2025", "ap50")):
        rows = ran[name].samples
        assert rows.loc[rows[f"{key}_status"].isin(["failed", "empty_prediction"]), key].tolist() == [0, 0]
    rows = ran["agkd2025"].samples
    unanswered = rows[rows["map50_status"] != "ok"]
    assert [len(one) for one in unanswered["map50_scores"]] == [0, 0]
    assert np.concatenate(rows["map50_truths"].tolist()).sum() == 9
    # Its authors' mean over pairs leaves samples without an answer out.
    assert ran["radvlm2025"].info.overall.micro["avg_iou"].n == 7


def test_a_method_of_maps_is_told_that_there_is_nothing_to_score(tiny, tmp_path):
    with pytest.raises(GroundCXRError, match="medrpg2023 has no metric for a method that answers with heatmap"):
        evaluate("center-prior", tiny, protocol="medrpg2023", out=tmp_path)
