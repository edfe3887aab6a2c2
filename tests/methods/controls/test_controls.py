"""The controls: what they answer, and that they know nothing they should not."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from groundcxr import Box, GroundCXRError, Query, Radiograph, Sample, evaluate, get_protocol, load_dataset
from groundcxr.core import Mask, MethodError
from groundcxr.core.place_words import named_place
from groundcxr.evaluation import Run, Shard, ground_shard, make_entry, run_entry, score_entry, select
from groundcxr.methods.loading import build_method


@pytest.fixture
def image():
    return Radiograph.from_array(np.arange(200 * 100, dtype=np.uint16).reshape(100, 200))


def test_random_depends_on_image_and_phrase_alone(image):
    method = build_method("random")
    first, second, again = (a.heatmap.values for a in method.ground(image, ["a", "b", "a"]))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    other = Radiograph.from_array(image.pixels + 1)
    assert not np.array_equal(first, method.ground(other, ["a"])[0].heatmap.values)
    assert first.shape == (32, 32)


def test_center_prior_is_highest_in_the_middle(image):
    (answer,) = build_method("center-prior").ground(image, ["a"])
    pixels = answer.heatmap.to_pixels()
    assert pixels.shape == (100, 200)
    # Half a side from the centre is two standard deviations: exp(-2) of the peak at an edge's middle.
    peak, edge = pixels[50, 100], pixels[50, 0]
    assert peak == pixels.max()
    assert edge / peak == pytest.approx(np.exp(-2), rel=0.15)
    np.testing.assert_allclose(answer.heatmap.values, answer.heatmap.values[::-1, ::-1], rtol=1e-6)


def test_whole_image_is_one_box(image):
    (answer,) = build_method("whole-image").ground(image, ["a"])
    assert answer.boxes == (Box(0, 0, 200, 100),)


def test_oracle_reaches_the_upper_end(tiny, tmp_path):
    result = evaluate("oracle", tiny, out=tmp_path)
    assert result.info.method.control
    for metric in ("miou", "auroc", "ap", "pointing", "energy", "iou_oracle", "box_iou", "acc50"):
        assert result.info.overall.macro[metric].value == pytest.approx(1), metric


def test_oracle_boxes_each_region_of_a_mask_that_has_no_boxes():
    pixels = np.zeros((100, 200), dtype=bool)
    pixels[10:30, 20:50] = pixels[25:40, 45:60] = pixels[60:70, 100:140] = True
    one = Sample("s", "i", None, None, "p", "Edema", (), Mask.of(pixels), (200, 100))
    nothing = replace(one, mask=Mask.of(np.zeros_like(pixels)))
    found, none = build_method("oracle").ground_samples([one, nothing])
    assert found.boxes == (Box(20, 10, 60, 40), Box(100, 60, 140, 70))
    assert none.boxes == ()


def sample(number, pathology, boxes, patient=None, size=(100, 100)):
    return Sample(f"s{number}", f"i{number}", patient, None, "p", pathology, boxes, None, size)


def test_class_mean_box_averages_held_out_boxes():
    method = build_method("class-mean-box")
    reference = [
        sample(0, "Edema", (Box(0, 0, 50, 50),)),
        # Two boxes count as one region; fractions of a 200 x 100 image.
        sample(1, "Edema", (Box(100, 50, 150, 100), Box(150, 50, 200, 100)), size=(200, 100)),
        sample(2, "Pneumonia", (Box(10, 10, 20, 20),)),
        sample(3, "Edema", ()),
    ]
    method.fit(reference, held_out=True)
    edema, unseen = method.ground_samples([sample(9, "Edema", ()), sample(10, "Atelectasis", ())])
    # Corners: mean of (0, 0, .5, .5) and (.5, .5, 1, 1).
    assert edema.boxes == (Box(25, 25, 75, 75),)
    pixels = edema.heatmap.to_pixels()
    assert pixels[10, 10] == pixels[90, 90] == 0.5
    assert pixels[10, 90] == 0
    assert unseen.heatmap is None
    assert "train split" in method.note


@pytest.mark.parametrize("size", [(100, 100), (200, 50), (30, 40)])
def test_class_mean_box_learns_from_masks_as_from_the_same_boxes(size):
    width, height = size
    box = Box(0.1 * width, 0.2 * height, 0.6 * width, 0.7 * height)
    pixels = np.zeros((height, width), dtype=bool)
    pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
    boxed = sample(0, "Edema", (box,), size=size)
    masked = replace(boxed, boxes=(), mask=Mask.of(pixels))
    nothing = replace(masked, mask=Mask.of(np.zeros_like(pixels)))
    answers = []
    for reference in ([boxed], [masked, nothing]):
        method = build_method("class-mean-box")
        method.fit(reference, held_out=True)
        answers += method.ground_samples([sample(9, "Edema", ())])
    np.testing.assert_allclose(answers[1].boxes[0].as_tuple(), answers[0].boxes[0].as_tuple())
    # A cell of the grid at an edge may take its value from the pixel next to it.
    differing = answers[0].heatmap.values != answers[1].heatmap.values
    assert differing.mean() < 0.04


def test_class_mean_box_leaves_the_patient_out():
    method = build_method("class-mean-box")
    samples = [
        sample(0, "Edema", (Box(0, 0, 50, 50),), "a"),
        sample(1, "Edema", (Box(0, 0, 50, 50),), "a"),
        sample(2, "Edema", (Box(50, 50, 100, 100),), "b"),
    ]
    method.fit(samples, held_out=False)
    first, _, last = method.ground_samples(samples)
    assert first.boxes == (Box(50, 50, 100, 100),)
    assert last.boxes == (Box(0, 0, 50, 50),)
    assert "patient out" in method.note


def phrase(number, text, boxes, pathology="Edema", image=None, patient=None):
    return Sample(f"s{number}", image or f"i{number}", patient, None, text, pathology, boxes, None, (100, 100))


LEFT, RIGHT = (Box(60, 40, 100, 60),), (Box(0, 40, 40, 60),)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("small left apical pneumothorax", ("left", "upper")),
        ("Left-sided effusion", ("left", "")),
        ("opacities in both lower lobes", ("both", "lower")),
        ("bibasilar atelectasis", ("both", "lower")),
        ("right midlung opacity", ("right", "mid")),
        ("right base and left base", ("both", "lower")),
        ("there is edema", ("", "")),
        ("a brightness based on midas", ("", "")),
    ],
)
def test_text_prior_reads_side_and_zone(text, place):
    assert named_place(text) == place


def test_text_prior_answers_with_the_mean_of_phrases_that_say_the_same():
    method = build_method("text-prior")
    reference = [phrase(k, "left edema", LEFT) for k in range(5)]
    reference += [phrase(k, "edema in the right lung", RIGHT) for k in range(5, 10)]
    reference += [phrase(10, "right apical edema", (Box(0, 0, 40, 20),))]
    method.fit(reference, held_out=True)
    asked = ["edema on the left", "right-sided edema", "right apical edema", "edema"]
    left, right, apical, neither = method.ground_samples([phrase(20, text, ()) for text in asked])
    assert left.boxes == LEFT
    assert right.boxes == RIGHT
    # One apical phrase is too few: the mean of all six that name the right side answers.
    assert apical.boxes[0].as_tuple() == pytest.approx((0, 200 / 6, 40, 320 / 6))
    assert neither.heatmap.values.max() == pytest.approx(6 / 11, abs=0.1)


def test_text_prior_leaves_the_patient_out():
    method = build_method("text-prior")
    samples = [phrase(k, "left edema", LEFT, patient="a") for k in range(5)]
    samples += [phrase(9, "left edema", RIGHT, patient="b")]
    method.fit(samples, held_out=False)
    first, *_, last = method.ground_samples(samples)
    assert first.boxes[0].as_tuple() == pytest.approx(RIGHT[0].as_tuple())
    assert last.boxes[0].as_tuple() == pytest.approx(LEFT[0].as_tuple())


ECHO = """
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap


class Echo(GroundingMethod):
    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole(np.array([[len(phrase), 0.0]]), image.size)) for phrase in phrases]
"""


@pytest.fixture
def shuffled(tmp_path):
    file = tmp_path / "echo.py"
    file.write_text(ECHO)
    return build_method("shuffled-phrase", {"method": str(file)})


@pytest.fixture
def asked_about(shuffled, tmp_path):
    """The length of the phrase that the wrapped method was asked about, of each sample."""
    path = tmp_path / "image.png"
    Image.fromarray(np.zeros((100, 100), np.uint8)).save(path)

    def ask(samples, reference=()):
        shuffled.fit(reference, held_out=True)
        shuffled.survey(samples)
        shuffled.setup("cpu")
        image = Radiograph.open(path)
        questions = [shuffled.question(sample) for sample in samples]
        answers = shuffled.ground_batch([Query(image, asked.phrase, asked.pathology) for asked in questions])
        return [int(answer.heatmap.values[0, 0]) for answer in answers]

    return ask


def test_shuffled_phrase_asks_about_another_sample_of_the_image(asked_about):
    one, two, over = (
        phrase(0, "a", LEFT, image="i"),
        phrase(1, "bb", RIGHT, image="i"),
        phrase(2, "ccc", LEFT, image="i"),
    )
    assert asked_about([one, two]) == [2, 1]
    # Boxes that overlap would make the other phrase right as well.
    first, _, third = asked_about([one, two, over])
    assert (first, third) == (2, 2)


def test_shuffled_phrase_asks_about_a_pathology_that_the_image_lacks(asked_about):
    reference = [phrase(8, "eeee", LEFT, "Edema"), phrase(9, "ppppp", LEFT, "Pneumonia")]
    assert asked_about([phrase(0, "a", LEFT, image="i"), phrase(1, "b", LEFT, image="j")], reference) == [5, 5]


def test_shuffled_phrase_knows_that_negatives_are_not_in_the_image():
    """They change no other sample's phrase, and their own class is not asked about in their place."""
    shown = phrase(0, "a", LEFT, "Pneumonia", image="i")
    here, alone = (replace(phrase(1, "n", (), "Edema", image=image), negative=True) for image in ("i", "nothing on it"))
    edema, pneumonia = phrase(8, "e", LEFT, "Edema"), phrase(9, "p", LEFT, "Pneumonia")
    method = build_method("shuffled-phrase", {"method": "random"})
    method.fit([edema, pneumonia], held_out=True)
    method.survey([shown, here, alone])
    assert method.question(shown).phrase == "e"
    assert method.question(alone).phrase == "p"
    with pytest.raises(MethodError, match="all samples are of Edema, Pneumonia"):
        method.question(here)


CHOOSY = """
from pathlib import Path

import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap


class Choosy(GroundingMethod):
    kind = "contrastive"

    def ground(self, image, phrases):
        assert image.path == Path(image.path.name), "a method must not learn where the masks lie"
        if "odd" in phrases:
            raise ValueError("an odd phrase")
        return [Grounding(Heatmap.whole(np.array([[len(phrase), -5.0]]), image.size)) for phrase in phrases]
"""


@pytest.fixture
def choosy(tmp_path):
    """Two images with two phrases each, one of which the method refuses; the method; its settings."""
    (tmp_path / "choosy.py").write_text(CHOOSY)
    for name, value in (("i", 1), ("j", 2)):
        Image.fromarray(np.full((100, 100), value, np.uint8)).save(tmp_path / f"{name}.png")
    rows = ["image,phrase,pathology,x,y,w,h"]
    rows += ["i.png,a,Edema,0,0,40,40", "i.png,bb,Pneumonia,60,60,30,30"]
    rows += ["j.png,ccc,Edema,0,0,40,40", "j.png,odd,Pneumonia,60,60,30,30"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    return load_dataset("manifest", tmp_path / "manifest.csv"), {"method": str(tmp_path / "choosy.py")}


def test_shuffled_phrase_fails_alone(choosy, tmp_path):
    """A phrase that the method refuses costs the sample that it stands in for, and changes no other's phrase."""
    dataset, settings = choosy
    result = evaluate("shuffled-phrase", dataset, settings=settings, out=tmp_path)
    failed = dict(zip([sample.phrase for sample in dataset], result.samples["miou_status"] == "failed", strict=True))
    assert failed == {"a": False, "bb": False, "ccc": True, "odd": False}
    (problem,) = result.problems.values()
    assert "an odd phrase" in problem


def test_shuffled_phrase_fails_where_there_is_no_other_phrase(choosy, tmp_path):
    """An image of all pathologies with boxes over one another leaves nothing that would be wrong."""
    _, settings = choosy
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("i.png,bb,Pneumonia,60,60", "i.png,bb,Pneumonia,20,20"))
    result = evaluate("shuffled-phrase", load_dataset("manifest", manifest), settings=settings, out=tmp_path)
    assert result.samples["miou_status"].tolist() == ["failed", "failed", "failed", "ok"]
    assert sum("no other phrase to ask about" in problem for problem in result.problems.values()) == 2


def test_shuffled_phrase_asks_about_the_other_pathology_too():
    """A method may read it: the option `tokens=pathology` of `ldm` does."""
    one, two = phrase(0, "a", LEFT, "Edema", image="i"), phrase(1, "b", RIGHT, "Pneumonia", image="i")
    method = build_method("shuffled-phrase", {"method": "random"})
    method.fit((), held_out=True)
    method.survey([one, two])
    asked = method.question(one)
    assert (asked.phrase, asked.pathology) == (two.phrase, two.pathology)
    assert (asked.sample_id, asked.boxes) == (one.sample_id, one.boxes)


def test_shuffled_phrase_without_any_other_phrase_fails_in_parts_as_in_the_whole(choosy, tmp_path):
    dataset, settings = choosy
    manifest = tmp_path / "manifest.csv"
    lines = [line for line in manifest.read_text().splitlines() if "Pneumonia" not in line]
    manifest.write_text("\n".join(lines) + "\n")
    dataset = load_dataset("manifest", manifest)
    entry = make_entry("shuffled-phrase", settings=settings)
    run = Run(select(dataset), tmp_path / "store", tmp_path)
    assert [ground_shard(entry, run, Shard(part, 2)) for part in (1, 2)] == [2, 0]
    for how in (score_entry, run_entry):
        (result,) = how(entry, [get_protocol("v1")], run)
        assert result.info.n_failed == 2


def test_shuffled_phrase_is_stored_as_the_answers_of_any_method(choosy, tmp_path, monkeypatch):
    """It may cost hours: so it resumes, is split, and is scored again without being asked."""
    dataset, settings = choosy
    run = Run(select(dataset), tmp_path / "store", tmp_path, batch_size=1)
    protocols = [get_protocol("v1"), get_protocol("vilouras2024")]
    whole = evaluate("shuffled-phrase", dataset, settings=settings, out=tmp_path / "whole", batch_size=1)

    entry = make_entry("shuffled-phrase", settings=settings)
    with pytest.raises(GroundCXRError, match="lacks predictions"):
        list(score_entry(entry, protocols, run))
    assert [ground_shard(entry, run, Shard(part, 2)) for part in (1, 2)] == [0, 1]
    fresh = make_entry("shuffled-phrase", settings=settings)
    monkeypatch.setattr(fresh.method, "setup", lambda device: pytest.fail("the model was loaded"))
    first, second = score_entry(fresh, protocols, run)
    assert (first.info.protocol.name, second.info.protocol.name) == ("v1", "vilouras2024")
    columns = ["sample_id", "miou", "auroc"]
    pd.testing.assert_frame_equal(first.samples[columns], whole.samples[columns])


def test_shuffled_phrase_asks_the_same_in_a_part_of_the_data(choosy, tmp_path):
    dataset, settings = choosy
    whole, part = (
        evaluate("shuffled-phrase", dataset, settings=settings, pathology=chosen, out=tmp_path / str(bool(chosen)))
        for chosen in (None, "Edema")
    )
    rows = whole.samples[whole.samples["pathology"] == "Edema"]
    assert rows["miou_status"].tolist() == part.samples["miou_status"].tolist() == ["ok", "failed"]


def test_shuffled_phrase_is_scored_as_what_it_asks(choosy, tmp_path):
    """A protocol may treat one kind of map in its own way: the public code cuts contrastive maps off at 0."""
    dataset, settings = choosy
    info = evaluate("shuffled-phrase", dataset, settings=settings, out=tmp_path).info.method
    assert (info.kind, info.control) == ("contrastive", True)


@pytest.mark.parametrize("asked", [{}, {"settings": "weights=/nowhere"}])
@pytest.mark.parametrize("score", [False, True])
def test_shuffled_phrase_says_where_the_asked_method_s_options_stand(tiny, tmp_path, asked, score):
    entry = make_entry("shuffled-phrase", settings={"method": "ldm", **asked})
    run = Run(select(tiny), tmp_path / "store", tmp_path)
    with pytest.raises(GroundCXRError, match="its own option settings='KEY=VALUE'"):
        list((score_entry if score else run_entry)(entry, [get_protocol("v1")], run))


def test_shuffled_phrase_is_a_control_with_the_options_of_what_it_asks(tiny, tmp_path):
    settings = {"method": "random", "settings": "grid=8"}
    result = evaluate("shuffled-phrase", tiny, settings=settings, out=tmp_path)
    info = result.info.method
    assert info.control
    assert info.options == {"method": "random", "grid": 8}
    assert "random asked about another phrase" in info.note
    other = evaluate("shuffled-phrase", tiny, settings={**settings, "settings": "grid=9"}, out=tmp_path)
    assert other.info.method.fingerprint != info.fingerprint


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "needs the method that it asks, its option method=NAME"),
        ({"method": "oracle"}, "cannot ask the control 'oracle'"),
        ({"method": "random", "settings": "grid"}, "write KEY=VALUE"),
        ({"method": "randon"}, "did you mean 'random'"),
    ],
)
def test_shuffled_phrase_says_what_it_cannot_ask(settings, message):
    with pytest.raises(GroundCXRError, match=message):
        build_method("shuffled-phrase", settings)


def test_a_query_holds_no_ground_truth():
    assert {one.name for one in fields(Query)} == {"image", "phrase", "pathology"}
