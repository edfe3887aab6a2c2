"""Methods that ask others, through `evaluate`: stored, resumed, and reading what the others have stored."""

import numpy as np
import pytest

from groundcxr import GroundCXRError, evaluate
from groundcxr.core import Box, Query, Radiograph
from groundcxr.evaluation.asking import ground_safely
from groundcxr.evaluation.check_method import run_checks
from groundcxr.methods.loading import build_method
from groundcxr.methods.refine.rules import boxes_by_threshold


@pytest.fixture
def asked(maps):
    """The method that is asked, and what it has been asked so far."""
    return f"{maps}:Maps", lambda: maps.with_name("asked.txt").read_text().splitlines()


def same(one, other, columns=("sample_id", "miou", "auroc")):
    return one.samples[list(columns)].equals(other.samples[list(columns)])


def test_what_the_asked_method_has_stored_is_not_asked_again(tiny, tmp_path, asked):
    spec, phrases = asked
    settings = {"method": spec}
    first = evaluate(spec, tiny, out=tmp_path / "out")
    count = len(phrases())
    refined = evaluate("boxes", tiny, settings=settings, out=tmp_path / "out")
    assert len(phrases()) == count == 10
    assert same(first, refined)
    assert refined.samples["box_iou_status"].eq("ok").sum() > 5

    elsewhere = evaluate("boxes", tiny, settings=settings, out=tmp_path / "elsewhere")
    assert len(phrases()) == 2 * count
    assert same(elsewhere, refined, ("sample_id", "miou", "box_iou"))
    evaluate("boxes", tiny, settings=settings, out=tmp_path / "elsewhere")
    assert len(phrases()) == 2 * count
    evaluate("boxes", tiny, settings=settings, out=tmp_path / "out", overwrite=True)
    assert len(phrases()) == 3 * count


def test_only_what_is_not_stored_is_asked(tiny, tmp_path, asked):
    spec, phrases = asked
    evaluate(spec, tiny, out=tmp_path, pathology="Edema")
    before = phrases()
    evaluate("average", tiny, settings={"methods": f"m={spec},random"}, out=tmp_path)
    after = phrases()[len(before) :]
    assert len(before) + len(after) == 10
    assert not set(before) & set(after)


UNFIT = """
from groundcxr import GroundingMethod

class Unfit(GroundingMethod):
    def setup(self, device):
        raise OSError("no such weights")

class Shy(GroundingMethod):
    def ground(self, image, phrases):
        if "secret phrase 0 1" in phrases:
            raise ValueError("not this one")
        from groundcxr import Grounding, Heatmap
        return [Grounding(Heatmap.whole([[len(phrase), 0.0]], image.size)) for phrase in phrases]
"""


def test_what_cannot_be_set_up_ends_the_run(tiny, tmp_path):
    (tmp_path / "unfit.py").write_text(UNFIT)
    file = f"{tmp_path / 'unfit.py'}:Unfit"
    with pytest.raises(GroundCXRError, match=r"boxes needs Unfit: .*could not be set up on cpu.*no such weights"):
        evaluate("boxes", tiny, settings={"method": file}, out=tmp_path)


def test_one_phrase_that_the_asked_method_refuses_fails_alone(tiny, tmp_path):
    (tmp_path / "unfit.py").write_text(UNFIT)
    result = evaluate("boxes", tiny, settings={"method": f"{tmp_path / 'unfit.py'}:Shy"}, out=tmp_path)
    assert result.info.n_failed == 1
    (problem,) = result.problems.values()
    assert "not this one" in problem


PARTLY = """
from groundcxr import Box, Grounding, GroundingMethod, Heatmap
from groundcxr.methods import SomeFailed

class Partly(GroundingMethod):
    emits = frozenset({"heatmap", "box"})

    def ground_batch(self, queries):
        answers = []
        for query in queries:
            whole = Grounding(Heatmap.whole([[len(query.phrase), 0.0]], query.image.size), [Box(0, 0, 1, 1)])
            answers.append(ValueError("not this one") if query.phrase == "secret phrase 0 1" else whole)
        if any(isinstance(answer, ValueError) for answer in answers):
            raise SomeFailed(answers)
        return answers
"""


def test_answers_of_a_method_that_failed_in_part_are_not_taken_for_the_refiner_s(tiny, tmp_path):
    (tmp_path / "partly.py").write_text(PARTLY)
    method = build_method("boxes", {"method": f"{tmp_path / 'partly.py'}:Partly"})
    method.setup("cpu")
    query = Query(Radiograph.from_array(np.zeros((60, 80), np.uint8)), "secret phrase 0 2", "")
    guilty = Query(query.image, "secret phrase 0 1", "")
    found = ground_safely(method, [query, guilty])
    assert found[0].boxes == method.ground_batch([query])[0].boxes != (Box(0, 0, 1, 1),)
    assert "not this one" in found[1].message
    result = evaluate("boxes", tiny, settings={"method": f"{tmp_path / 'partly.py'}:Partly"}, out=tmp_path)
    assert result.info.n_failed == 1
    assert "not this one" in next(iter(result.problems.values()))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("boxes", {"method": "random", "rule": "percentile"}),
        ("average", {"methods": "random,center-prior"}),
    ],
)
def test_it_is_stored_and_scored_as_any_method(tiny, tmp_path, name, settings):
    result = evaluate(name, tiny, settings=settings, out=tmp_path)
    assert result.info.n_failed == 0
    assert same(result, evaluate(name, tiny, settings=settings, out=tmp_path))


def test_refiners_keep_the_contract():
    for name, settings in (("boxes", {"method": "random"}), ("average", {"methods": "random,center-prior"})):
        assert [check for check in run_checks(build_method(name, settings), "cpu") if check.problem] == []


def test_a_control_that_asks_a_refiner_gets_its_boxes(maps):
    method = build_method("shuffled-phrase", {"method": "boxes", "settings": f"method={maps}:Maps"})
    method.setup("cpu")
    query = Query(Radiograph.from_array(np.zeros((60, 80), np.uint8)), "effusion", "")
    (answer,) = method.ground_batch([query])
    assert answer.boxes == boxes_by_threshold(answer.heatmap, "v2")
