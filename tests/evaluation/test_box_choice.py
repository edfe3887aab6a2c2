"""Which boxes count is a choice at scoring: exact, recorded, and asked for where many low-scored boxes are in."""

import csv
import json
import shlex

import pytest

from groundcxr import Box, Grounding, GroundingMethod, evaluate
from groundcxr.core import GroundCXRError
from groundcxr.evaluation import load_result
from groundcxr.evaluation.box_choice import LOW_SCORES, NO_BOX, choose, make_choice
from groundcxr.leaderboard.library import Library
from groundcxr.leaderboard.reproduction import command

BOXES = (
    Box(0, 0, 1, 1, 0.2),
    Box(0, 0, 2, 2, 0.9),
    Box(0, 0, 3, 3, 0.5),
    Box(0, 0, 4, 4, 0.5),
    Box(0, 0, 5, 5, 0.9),
)


@pytest.mark.parametrize(
    ("min_score", "top", "kept"),
    [
        (None, None, [1, 2, 3, 4, 5]),
        (0.5, None, [2, 3, 4, 5]),
        (0.51, None, [2, 5]),
        (2, None, []),
        (None, 1, [2]),
        (None, 3, [2, 3, 5]),
        (None, 9, [1, 2, 3, 4, 5]),
        (0.5, 3, [2, 3, 5]),
        (-1, 4, [2, 3, 4, 5]),
    ],
)
def test_least_score_then_the_best_and_ties_in_the_methods_order(min_score, top, kept):
    chosen = choose(Grounding(None, BOXES, truncated=True), make_choice(min_score, top))
    assert [box.x1 for box in chosen.boxes] == kept
    assert chosen.truncated


@pytest.mark.parametrize(("min_score", "top"), [(float("nan"), None), (float("inf"), None), (None, 0), (0.5, -1)])
def test_values_that_choose_nothing_are_refused(min_score, top):
    with pytest.raises(GroundCXRError, match=r"give (a finite number|at least 1)"):
        make_choice(min_score, top)


class Detector(GroundingMethod):
    """One sure box a sample, and many unsure ones."""

    name = "detector"
    kind = "box"
    emits = frozenset({"box"})
    low = 0.05

    def ground(self, image, phrases):
        unsure = [Box(3 * n, 2 * n, 3 * n + 6, 2 * n + 6, self.low) for n in range(6)]
        return [Grounding(None, [*unsure, Box(4, 4, 20, 16, 0.9)]) for _ in phrases]


class Sure(GroundingMethod):
    """The sure box alone."""

    kind = "box"
    emits = frozenset({"box"})

    def ground(self, image, phrases):
        return [Grounding(None, [Box(4, 4, 20, 16, 0.9)]) for _ in phrases]


class Unscored(GroundingMethod):
    kind = "box"
    emits = frozenset({"box"})

    def ground(self, image, phrases):
        return [Grounding(None, [Box(4, 4, 20, 16), Box(1, 1, 9, 9)]) for _ in phrases]


def test_a_choice_scores_as_if_the_method_had_said_no_more(tiny, tmp_path, stored):
    everything = evaluate(Detector, tiny, out=tmp_path)
    sure = evaluate(Sure, tiny, out=tmp_path)
    before = stored(tmp_path)
    chosen = [evaluate(Detector, tiny, out=tmp_path, **choice) for choice in ({"min_score": 0.5}, {"top": 1})]
    for result in chosen:
        assert result.samples["box_iou"].dropna().tolist() == sure.samples["box_iou"].dropna().tolist()
        assert result.samples["box_iou"].dropna().tolist() != everything.samples["box_iou"].dropna().tolist()
    assert len({result.path for result in (everything, *chosen)}) == 3
    assert [load_result(result.path).info.answers.model_dump() for result in chosen] == [
        {"min_score": 0.5, "top": None},
        {"min_score": None, "top": 1},
    ]
    assert everything.info.answers is None
    assert stored(tmp_path) == before
    labels = sorted(run.label for run in Library.scan([tmp_path]).runs)
    assert labels == ["Sure", "detector", "detector (min-score=0.5)", "detector (top=1)"]
    none = evaluate(Detector, tiny, out=tmp_path, min_score=0.95)
    assert none.info.statuses["box_iou"] == {"empty_prediction": 10}
    assert [(note.text, note.count) for note in none.info.notes] == [(NO_BOX, 10)]


def test_many_low_scored_boxes_are_said_where_nobody_chose(tiny, tmp_path):
    (note,) = evaluate(Detector, tiny, out=tmp_path).info.notes
    assert (note.text, note.count) == (LOW_SCORES, 60)
    assert evaluate(Detector, tiny, out=tmp_path, top=7).info.notes is None
    assert evaluate(Sure, tiny, out=tmp_path).info.notes is None
    assert evaluate(Unscored, tiny, out=tmp_path).info.notes is None
    assert evaluate("class-mean-box", tiny, out=tmp_path).info.notes is None


@pytest.mark.parametrize("low", [0.45, 0.9])
def test_boxes_of_about_one_score_are_not_doubted(tiny, tmp_path, low):
    class Alike(Detector):
        pass

    Alike.low = low
    assert evaluate(Alike, tiny, out=tmp_path).info.notes is None


@pytest.mark.parametrize(("best", "rest", "low"), [(4, -9, 6), (-0.1, -9, 6), (0.3, -0.1, 0), (-900, -900, 0)])
def test_negative_scores_are_held_against_each_other_as_logits(tiny, tmp_path, best, rest, low):
    class Logits(Detector):
        def ground(self, image, phrases):
            boxes = [Box(4, 4, 20, 16, best), *(Box(n, n, n + 9, n + 9, rest) for n in range(6))]
            return [Grounding(None, boxes) for _ in phrases]

    notes = evaluate(Logits, tiny, out=tmp_path).info.notes or []
    assert [(note.text, note.count) for note in notes] == ([(LOW_SCORES, 10 * low)] if low else [])


def test_boxes_without_a_score_cannot_be_chosen_by_score(tiny, tmp_path):
    for choice in ({"min_score": 0.5}, {"top": 1}):
        with pytest.raises(GroundCXRError, match=r"boxes without a score .* leave out --min-score and --top"):
            evaluate(Unscored, tiny, out=tmp_path, **choice)
    assert evaluate(Unscored, tiny, out=tmp_path, top=2).info.n_failed == 0  # both of two need no choice


def test_a_method_without_boxes_is_refused_and_leaves_the_others(groundcxr, manifest, tmp_path):
    options = ("--dataset", "manifest", "--root", manifest, "--top", 1)
    ran = groundcxr("evaluate", "--method", "center-prior", *options)
    assert ran.code == 2
    assert "center-prior answers without boxes" in ran.err
    ran = groundcxr("evaluate", "--method", "center-prior", "--method", "class-mean-box", *options)
    assert ran.code == 1
    assert "center-prior could not be run: center-prior answers without boxes" in ran.err
    assert "boxes that count: the best 1 of a sample" in " ".join(ran.out.split())
    (run,) = Library.scan([tmp_path / "results"]).runs
    assert options_in(command(run.info)) == {"--top": "1"}


def options_in(line):
    words = shlex.split(line)
    return {word: words[place + 1] for place, word in enumerate(words) if word in ("--min-score", "--top")}


@pytest.fixture
def boxes(groundcxr, manifest, tmp_path):
    """A file of boxes: the truth with a high score, and 20 others with low ones."""
    data = ("--dataset", "manifest", "--root", manifest)
    assert groundcxr("samples", *data, "--out", "samples.csv").code == 0
    with (tmp_path / "samples.csv").open(encoding="utf-8") as file:
        phrases = {row["sample_id"]: row["phrase"] for row in csv.DictReader(file)}
    with manifest.open(encoding="utf-8") as file:
        truth = {row["phrase"]: [int(row[key]) for key in "xywh"] for row in csv.DictReader(file)}
    entries = []
    for sample_id, phrase in phrases.items():
        entries += [{"image_id": sample_id, "bbox": [n, n, 20, 18], "score": 0.01 * n + 0.001} for n in range(20)]
        entries.append({"image_id": sample_id, "bbox": truth[phrase], "score": 0.95})
    (tmp_path / "boxes.json").write_text(json.dumps(entries))
    return data


@pytest.mark.parametrize("choice", [("--top", "1"), ("--min-score", "0.5")])
def test_the_best_boxes_of_a_file_are_scored_alone(groundcxr, boxes, tmp_path, choice):
    ran = groundcxr("import", "boxes.json", "--name", "det", "--kind", "box", *boxes)
    assert ran.code == 0
    assert "warning: det: boxes enter the union with less than half of their sample's best score" in ran.err
    assert "--min-score or --top" in ran.err
    ran = groundcxr("import", "boxes.json", "--name", "det", "--kind", "box", *boxes, *choice)
    assert (ran.code, ran.err) == (0, "")
    found = load_result(tmp_path / ran.out.splitlines()[-1])
    assert found.info.overall.micro["box_iou"].value == 1
    assert found.info.overall.micro["acc50"].value == 1
    run = next(run for run in Library.scan([tmp_path / "results"]).runs if run.info.answers)
    assert options_in(command(run.info, run.imported)) == dict([choice])


def test_results_have_made_their_choice(groundcxr, tmp_path):
    (tmp_path / "result.json").write_text('{"schema_version": 2}')
    ran = groundcxr("import", "result.json", "--top", "1")
    assert ran.code == 2
    assert "--min-score and --top are for predictions" in ran.err
