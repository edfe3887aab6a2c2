"""A sample that fails is counted and named; the others are not lost with it."""

import os

import numpy as np
import pytest

from groundcxr import Box, Grounding, GroundingMethod, Heatmap, evaluate
from groundcxr.core import GoneError, GroundCXRError, ImageError, StoreError
from groundcxr.methods import SomeFailed


class Fragile(GroundingMethod):
    """Breaks the contract on one phrase, in the way that the test chooses."""

    revision = "1"
    calls = 0

    def ground(self, image, phrases):
        type(self).calls += len(phrases)
        answers = [self.one(image, phrase) for phrase in phrases]
        return self.finish(answers, phrases)

    def one(self, image, phrase):
        values = np.arange(6.0).reshape(2, 3)
        return Grounding(Heatmap.whole(self.spoil(values) if "3 1" in phrase else values, image.size))

    def spoil(self, values):
        return values

    def finish(self, answers, phrases):
        return answers


class Raises(Fragile):
    def spoil(self, values):
        raise ZeroDivisionError("by zero")


class Nan(Fragile):
    def spoil(self, values):
        return np.where(values == 1, np.nan, values)


class Infinite(Fragile):
    def spoil(self, values):
        return np.where(values == 1, -np.inf, values)


class WrongShape(Fragile):
    def spoil(self, values):
        return values[0]


class WrongCount(Fragile):
    def finish(self, answers, phrases):
        return answers[:-1] if "secret phrase 3 1" in phrases else answers


class NotAGrounding(Fragile):
    def finish(self, answers, phrases):
        return [a.heatmap if "3 1" in p else a for a, p in zip(answers, phrases, strict=True)]


class WrongImage(Fragile):
    def one(self, image, phrase):
        size = (9, 9) if "3 1" in phrase else image.size
        return Grounding(Heatmap.whole(np.eye(3), size))


class Undeclared(Fragile):
    def one(self, image, phrase):
        answer = super().one(image, phrase)
        return Grounding(answer.heatmap, (Box(0, 0, 5, 5),)) if "3 1" in phrase else answer


@pytest.mark.parametrize(
    "method", [Raises, Nan, Infinite, WrongShape, WrongCount, NotAGrounding, WrongImage, Undeclared]
)
def test_only_the_guilty_sample_fails(tiny, tmp_path, method):
    result = evaluate(method, tiny, out=tmp_path)
    (guilty,) = (sample.sample_id for sample in tiny if "3 1" in sample.phrase)
    assert list(result.problems) == [guilty]
    assert result.info.n_failed == 1
    failed = result.samples.set_index("sample_id").loc[guilty]
    assert failed["miou_status"] == "failed"
    assert (failed["miou"], failed["auroc"]) == (0, 0.5)
    assert result.info.statuses["miou"] == {"ok": 8, "failed": 1, "empty_target": 1}
    assert result.info.overall.micro["miou"].n == 9


class Batches(Fragile):
    asked: list[str] = []  # noqa: RUF012

    def ground_batch(self, queries):
        self.asked.append("+".join(query.phrase[-3:] for query in queries))
        return [self.one(query.image, query.phrase) for query in queries]

    def spoil(self, values):
        raise ZeroDivisionError("by zero")


def test_a_batch_that_raises_is_asked_image_by_image_then_phrase_by_phrase(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Batches, "asked", [])
    evaluate(Batches, tiny, out=tmp_path, batch_size=2)
    assert Batches.asked == ["0 0+0 1+1 0+1 1", "2 0+2 1+3 0+3 1", "2 0+2 1", "3 0+3 1", "3 0", "3 1", "4 0+5 0"]


class Large(Batches):
    most: list[int] = []  # noqa: RUF012
    """How many phrases fit into memory."""

    def ground_batch(self, queries):
        answers = super().ground_batch(queries)
        if len(queries) > self.most[0]:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return answers

    def spoil(self, values):
        return values


def test_a_batch_too_large_for_the_memory_is_asked_half_by_half(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Large, "most", [3])
    monkeypatch.setattr(Batches, "asked", [])
    result = evaluate(Large, tiny, out=tmp_path, batch_size=4)
    whole = "0 0+0 1+1 0+1 1+2 0+2 1+3 0+3 1"
    # Two images of two phrases each do not fit either; one does.
    assert Large.asked == [whole, whole[:15], "0 0+0 1", "1 0+1 1", whole[16:], "2 0+2 1", "3 0+3 1", "4 0+5 0"]
    assert result.info.n_failed == 0


def test_an_image_too_large_for_the_memory_is_asked_about_by_half_of_its_phrases(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Large, "most", [0])
    monkeypatch.setattr(Batches, "asked", [])
    result = evaluate(Large, tiny, out=tmp_path, batch_size=1, limit=2)
    assert Large.asked == ["0 0+0 1", "0 0", "0 1"]
    assert result.info.n_failed == 2
    assert all("Tried to allocate 2.00 GiB" in one for one in result.problems.values())


def test_a_method_that_answers_image_by_image_is_asked_about_no_innocent_image_twice(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Raises, "calls", 0)
    evaluate(Raises, tiny, out=tmp_path)
    assert Raises.calls == len(tiny) + 2


def test_failed_samples_are_tried_again_alone(tiny, tmp_path, monkeypatch):
    evaluate(Raises, tiny, out=tmp_path)
    monkeypatch.setattr(Raises, "spoil", lambda self, values: values)
    monkeypatch.setattr(Raises, "calls", 0)
    mended = evaluate(Raises, tiny, out=tmp_path)
    assert mended.info.n_failed == 0
    assert Raises.calls == 1


def test_unreadable_images_fail_their_samples_only(tiny, tiny_root, tmp_path):
    whole = (tiny_root / "secret-folder/image1.png").read_bytes()
    (tiny_root / "secret-folder/image0.png").unlink()
    (tiny_root / "secret-folder/image1.png").write_bytes(whole[: len(whole) // 2])
    result = evaluate("center-prior", tiny, out=tmp_path / "out")
    assert len(result.problems) == 4
    assert result.info.statuses["auroc"] == {"failed": 4, "ok": 5, "empty_target": 1}
    assert set(result.samples["error"].dropna()) == {"ImageError"}
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"secret" not in written


def test_no_readable_image_is_an_error(tiny, tiny_root, tmp_path):
    for path in (tiny_root / "secret-folder").iterdir():
        path.unlink()
    with pytest.raises(ImageError, match="none of the 6 images"):
        evaluate("center-prior", tiny, out=tmp_path / "out")


def test_store_that_cannot_be_written_is_one_sentence(tiny, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot (read|write)"):
        evaluate("center-prior", tiny, out=tmp_path / "out", store=blocked / "store")


def test_read_only_store_serves_what_it_has_and_refuses_the_rest(tiny, tmp_path, monkeypatch):
    real = os.open

    def denied(path, flags, *arguments, **options):
        if f"{tmp_path}/store" in str(path) and flags & (os.O_WRONLY | os.O_RDWR):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *arguments, **options)

    evaluate("center-prior", tiny, out=tmp_path, pathology="Edema")
    monkeypatch.setattr(os, "open", denied)
    assert evaluate("center-prior", tiny, out=tmp_path, pathology="Edema").info.n_failed == 0
    with pytest.raises(
        StoreError, match=r"cannot write .*Permission denied; choose another folder with --out or --store"
    ):
        evaluate("center-prior", tiny, out=tmp_path)


def test_full_disk_keeps_what_was_written(tiny, tmp_path, monkeypatch, stored):
    # The method, and two images.
    full = {"after": 3}
    real = os.replace

    def rename(*names):
        full["after"] -= 1
        if full["after"] < 0:
            raise OSError(28, "No space left on device")
        real(*names)

    monkeypatch.setattr(os, "replace", rename)
    with pytest.raises(StoreError, match="No space left on device"):
        evaluate("center-prior", tiny, out=tmp_path, batch_size=1)
    assert len({key.partition("-")[0] for key in stored(tmp_path)}) == 1
    assert len({key.split("/")[1].partition("-")[0] for key in stored(tmp_path)}) == 2
    assert not list(tmp_path.rglob("*.part"))
    monkeypatch.setattr(os, "replace", real)
    assert evaluate("center-prior", tiny, out=tmp_path, batch_size=1).info.n_failed == 0


def test_scoring_what_is_stored_leaves_a_damaged_image_failed(groundcxr, manifest):
    path = manifest.parent / "1.png"
    path.write_bytes(path.read_bytes()[:300])
    common = ["--method", "center-prior", "--dataset", "manifest", "--root", manifest, "--out", "out"]
    assert groundcxr("evaluate", *common).code == 1
    scored = groundcxr("score", *common)
    assert scored.code == 1
    assert "1 of 5 samples failed" in scored.err
    assert groundcxr("evaluate", *common, "--shard", "1/1", "--store", "other").code == 1


def test_a_later_protocols_error_leaves_the_earlier_result(groundcxr, tmp_path, manifest):
    rows = manifest.read_text().splitlines()
    manifest.write_text("\n".join([rows[0], "0.png,opacity,Edema,,,,,p0"]) + "\n")
    protocols = ["--protocol", "v1", "--protocol", "vilouras2024"]
    ran = groundcxr("evaluate", "--method", "center-prior", *protocols, "--dataset", "manifest", "--root", manifest)
    assert ran.code == 1
    assert ran.out.splitlines()[-1].endswith("result.json")
    assert "skips every sample" in ran.err


def test_damaged_predictions_are_made_again(tiny, tmp_path, stored):
    """A file of something else, one that was cut, and one of which a byte of an answer has changed."""
    first, before = evaluate("center-prior", tiny, out=tmp_path, batch_size=1), stored(tmp_path)
    other, cut, flipped = sorted(tmp_path.rglob("*.batch"))[:3]
    other.write_bytes(b"<html>")
    cut.write_bytes(cut.read_bytes()[:50])
    flipped.write_bytes(flipped.read_bytes()[:-1] + b"?")
    with pytest.raises(StoreError, match="damaged"):
        stored(tmp_path)
    again = evaluate("center-prior", tiny, out=tmp_path, batch_size=1)
    assert stored(tmp_path) == before
    assert again.info.overall == first.info.overall


class PartlyFails(Fragile):
    """Answers whole batches, and says itself which of their phrases have no answer."""

    spoilt = False

    def ground_batch(self, queries):
        type(self).calls += len(queries)
        answers = [TimeoutError("late") if "3 1" in query.phrase else self.one(query.image, "") for query in queries]
        if self.spoilt:
            answers = answers[:-1]
        raise SomeFailed(answers)


class PartlyFailsWithTooFew(PartlyFails):
    spoilt = True


class PartlyFailsWithBoxes(PartlyFails):
    def one(self, image, phrase):
        return Grounding(boxes=(Box(0, 0, 1, 1),))  # while heatmaps are declared


def test_what_has_an_answer_is_not_asked_again_for_the_others(tiny, tmp_path):
    PartlyFails.calls = 0
    result = evaluate(PartlyFails, tiny, out=tmp_path)
    assert PartlyFails.calls == len(tiny)
    assert result.info.n_failed == 1
    assert set(result.samples["error"].dropna()) == {"TimeoutError"}


@pytest.mark.parametrize("method", [PartlyFailsWithTooFew, PartlyFailsWithBoxes])
def test_a_part_of_the_answers_keeps_the_contract_too(tiny, tmp_path, method):
    result = evaluate(method, tiny, out=tmp_path)
    assert result.info.n_failed == len(tiny)
    assert "MethodError" in set(result.samples["error"])


class Gone(Fragile):
    here = True

    def ground(self, image, phrases):
        if not self.here and "secret phrase 4 0" in phrases:
            raise GoneError("the server has gone home")
        return super().ground(image, phrases)


def test_what_is_gone_ends_the_run_and_what_was_stored_stays(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Gone, "here", False)
    with pytest.raises(GoneError, match="gone home"):
        evaluate(Gone, tiny, out=tmp_path, batch_size=1)
    Gone.calls = 0
    monkeypatch.setattr(Gone, "here", True)
    assert evaluate(Gone, tiny, out=tmp_path, batch_size=1).info.n_failed == 0
    assert Gone.calls == 2  # the images of one phrase each that were not reached


def test_an_instance_whose_constructor_forgot_the_options_is_told_what_to_call(tiny, tmp_path):
    class Forgetful(GroundingMethod):
        revision = "1"

        def __init__(self):
            self.step = 8

    with pytest.raises(GroundCXRError, match=r"must call super\(\).__init__\(options\)"):
        evaluate(Forgetful(), tiny, out=tmp_path)
