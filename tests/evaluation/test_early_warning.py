"""A method that marks nothing is told after a few images, and one that fails too often is ended."""

import numpy as np
import pytest

from groundcxr import Box, Grounding, GroundingMethod, Heatmap, evaluate
from groundcxr.core import GroundCXRError, StoppedError
from groundcxr.evaluation import Run, Shard, ground_shard, make_entry, select
from groundcxr.evaluation.early_warning import EarlyWarning, Outcome, marks_nothing
from groundcxr.evaluation.prediction import Failure
from groundcxr.evaluation.reasons import Reasons
from groundcxr.methods import ControlMethod

MAP = np.arange(6.0).reshape(2, 3)
FAILED = Failure("ValueError", "no idea")


def heatmap(values):
    return Heatmap.whole(values, (30, 20))


class Works(GroundingMethod):
    revision = "1"

    def ground(self, image, phrases):
        return [self.one(image, phrase) for phrase in phrases]

    def one(self, image, phrase):
        return Grounding(Heatmap.whole(MAP, image.size))


class Fails(Works):
    def one(self, image, phrase):
        raise RuntimeError(f"no kernel for {phrase!r} at 0x7f{len(phrase):x}")


class Empty(Works):
    def one(self, image, phrase):
        return Grounding(Heatmap.whole(np.full((3, 3), 0.25), image.size))


class FailsAsControl(ControlMethod):
    revision = "1"

    def ground_samples(self, samples):
        raise RuntimeError("no ground truth today")


@pytest.mark.parametrize(
    ("answer", "empty"),
    [
        (Grounding(), True),
        (Grounding(heatmap(np.full((4, 4), 7.0))), True),
        (Grounding(heatmap(np.array([[1.0, 0.0], [0.0, 1.0]]))), False),  # its corners are equal
        (Grounding(heatmap(MAP)), False),
        (Grounding(boxes=[Box(1, 1, 5, 5)]), False),
        (Grounding(heatmap(np.zeros((4, 4))), [Box(1, 1, 5, 5)]), False),
    ],
)
def test_what_marks_nothing(answer, empty):
    assert marks_nothing(answer) is empty


def batches(outcomes, size=1):
    """Outcomes by "f", "e" or "." (failed, empty, marked), an image each."""
    kinds = {"f": (FAILED, False), "e": (None, True), ".": (None, False)}
    made = [Outcome(f"s{place}", f"i{place}", *kinds[letter]) for place, letter in enumerate(outcomes)]
    return [made[start : start + size] for start in range(0, len(made), size)]


def told(outcomes, capsys, size=1):
    warning = EarlyWarning("Mine", None)
    for batch in batches(outcomes, size):
        warning.see(batch)
    early = capsys.readouterr().err
    warning.end()
    return early, capsys.readouterr().err


@pytest.mark.parametrize("size", [1, 3, 16])
def test_nothing_marked_is_told_once_and_again_at_the_end(capsys, size):
    early, end = told("f" * 20, capsys, size)
    assert early.count("Mine has marked nothing so far in this run") == 1
    assert "ValueError: no idea (sample s0)" in early
    assert "Mine has marked nothing in this run, in 20 images: 20 of 20 samples failed" in end
    assert "the commonest reason, 20 times: ValueError: no idea" in end


def test_the_eighth_image_is_soon_enough(capsys):
    assert "in 8 images: 5 of 8 samples failed, 3 of 8 samples came back empty" in told("fefefeff", capsys)[0]
    assert told("f" * 7, capsys)[0] == ""


def test_several_phrases_of_one_image_are_one_image(capsys):
    warning = EarlyWarning("Mine", None)
    for place in range(20):
        warning.see([Outcome(f"s{place}", f"i{place % 7}", FAILED, empty=False)])
    assert capsys.readouterr().err == ""


def test_empty_answers_have_an_example(capsys):
    early, end = told("e" * 9, capsys)
    for words in (early, end):
        assert "came back empty" in words
        assert "for example sample s0" in words
        assert "failed" not in words


def test_a_method_that_works_later_is_told_how_much_it_missed(capsys):
    early, end = told("f" * 10 + "." * 30, capsys)
    assert early
    assert "marked nothing in its first images but did later, in 40 images: 10 of 40 samples failed" in end


@pytest.mark.parametrize("outcomes", [".", "fffffff.ffffffffff", "." + "e" * 30, ""])
def test_a_method_that_marks_something_early_is_not_told_of(capsys, outcomes):
    assert told(outcomes, capsys) == ("", "")


def test_a_data_set_of_fewer_images_is_told_at_the_end(tiny, tmp_path, capsys):
    evaluate(Fails, tiny, out=tmp_path)
    err = capsys.readouterr().err
    assert "so far" not in err
    assert "Fails has marked nothing in this run, in 6 images: 10 of 10 samples failed" in err
    assert "10 times: test_early_warning.py:34 in one: RuntimeError: no kernel for" in err
    assert "Traceback" not in err


def test_stored_answers_say_nothing(tiny, tmp_path, capsys):
    evaluate(Empty, tiny, out=tmp_path)
    assert "10 of 10 samples came back empty" in capsys.readouterr().err
    evaluate(Empty, tiny, out=tmp_path)
    assert "marked nothing" not in capsys.readouterr().err


def test_missing_images_are_failures_too(tiny, tiny_root, tmp_path, capsys):
    for number in range(1, 6):
        (tiny_root / f"secret-folder/image{number}.png").unlink()
    evaluate(Fails, tiny, out=tmp_path / "out")
    err = capsys.readouterr().err
    assert "in 6 images: 10 of 10 samples failed" in err
    assert "the commonest reason, 8 times: ImageError: there is no image file" in err


@pytest.mark.parametrize("method", [Fails, FailsAsControl])
def test_too_many_failures_end_the_method(tiny, tmp_path, method):
    # A batch is the unit.
    with pytest.raises(StoppedError, match=f"{method.__name__} was stopped: 4 of 4 samples failed and the limit is 3"):
        evaluate(method, tiny, out=tmp_path, batch_size=2, stop_after_failures=3)
    assert not list(tmp_path.rglob("result.json"))


def test_what_was_made_before_the_end_is_kept_and_the_next_run_goes_on(tiny, tmp_path, monkeypatch):
    evaluate(Fails, tiny, out=tmp_path, limit=1)
    (result,) = tmp_path.rglob("result.json")
    before = result.read_bytes()
    asked, broken = [], True

    def one(self, image, phrase):
        asked.append(phrase)
        if broken and phrase[-3] > "1":
            raise RuntimeError("out of memory")
        return Grounding(Heatmap.whole(MAP, image.size))

    monkeypatch.setattr(Fails, "one", one)
    with pytest.raises(StoppedError, match="2 of 6 samples failed"):
        evaluate(Fails, tiny, out=tmp_path, batch_size=1, stop_after_failures=2)
    assert result.read_bytes() == before
    asked.clear()
    broken = False
    mended = evaluate(Fails, tiny, out=tmp_path, batch_size=1, stop_after_failures=2)
    assert mended.info.n_failed == 0
    assert asked == [sample.phrase for sample in tiny][4:]


def test_failures_below_the_limit_end_nothing(tiny, tmp_path):
    assert evaluate(Fails, tiny, out=tmp_path, limit=3, stop_after_failures=4).info.n_failed == 3


def test_a_shard_counts_its_own(tiny, tmp_path):
    run = Run(select(tiny), tmp_path / "store", None, "cpu", 1, stop_after_failures=5)
    with pytest.raises(StoppedError):
        ground_shard(make_entry(Fails), run, Shard(1, 2))
    assert ground_shard(make_entry(Works), run, Shard(1, 2)) == 0


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_ends_at_once_is_refused(tiny, tmp_path, limit):
    with pytest.raises(GroundCXRError, match="at least 1 failure"):
        evaluate(Works, tiny, out=tmp_path, stop_after_failures=limit)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("no file /data/a/1.png", "no file /home/other/2.jpg", True),
        ("no file C:\\data\\1.png: gone", "no file D:\\x\\2.png: gone", True),
        ("unknown word 'left base'", "unknown word 'effusion'", True),
        ("tried to allocate 2.50 GiB (GPU 0)", "tried to allocate 13.7 GiB (GPU 3)", True),
        ("object at 0x7f00ab", "object at 0x1cde90", True),
        ("image 8f3a77c1d2e4b5a6 is odd", "image 0c19ffab37d1e2a3 is odd", True),
        ("it can't be read", "it won't be read", False),
        ("out of memory", "no kernel", False),
        ("don't, and can't", "don't, or won't", False),
    ],
)
def test_reasons_are_the_same_but_for_names_and_numbers(one, other, same):
    reasons = Reasons()
    for place, message in enumerate((one, other)):
        reasons.add(f"s{place}", Failure("ValueError", message))
    assert len(reasons.commonest()) == (1 if same else 2)
    assert reasons.commonest()[0].message == f"ValueError: {one}"


def test_kinds_of_errors_are_apart_and_the_commonest_comes_first():
    reasons = Reasons()
    for place, kind in enumerate(("KeyError", "ValueError", "ValueError", "OSError")):
        reasons.add(f"s{place}", Failure(kind, "x"))
    assert [(one.count, one.sample_id) for one in reasons.commonest()] == [(2, "s1"), (1, "s0"), (1, "s3")]


def test_a_hostile_message_is_one_short_printable_line():
    reasons = Reasons()
    reasons.add("s", Failure("ValueError", "\x1b[2J\n" + "a\n" * 1_000_000))
    (reason,) = reasons.commonest()
    assert reason.message.isprintable()
    assert len(reason.message) < 400
