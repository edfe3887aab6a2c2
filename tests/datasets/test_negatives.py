"""Negatives: drawn from what labels exclude, the same for everybody, and in no data set unless asked for."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundcxr import load_dataset
from groundcxr.core import Box, DatasetError, Query, Sample, UnknownNameError
from groundcxr.datasets import DATASETS, Absence, GroundingDataset, check_dataset, opaque_id
from groundcxr.datasets.negatives import add_negatives
from groundcxr.datasets.phantom.parameters import DEFAULT
from groundcxr.datasets.phantom.phrases import describe
from groundcxr.datasets.phantom.scene import plan_scene

CLASSES = ("Edema", "Lung Opacity", "Nodule", "Pneumonia", "Pneumothorax", "Effusion")
SIZES = {"a": (60, 40), "b": (40, 60), "c": (50, 50), "normal": (70, 30)}
SHOWN = {"a": ("Pneumothorax", "Effusion"), "b": ("Pneumonia",), "c": ("Lung Opacity", "Nodule"), "normal": ()}


class Labelled(GroundingDataset):
    """Four images with what `SHOWN` says, a box each, one of them with nothing; its labels are complete."""

    name = "labelled"
    licence = "none"
    private_ids = True

    @classmethod
    def load(cls, root: Path, split, *, salt="salt", backwards="", phrases="there is {class}"):
        samples = [
            Sample(
                sample_id=opaque_id(salt, image, name),
                image_id=image,
                patient_id=f"patient of {image}",
                image_path=root / f"{image}.png",
                phrase=phrases.replace("{class}", name),
                pathology=name,
                boxes=(Box(4 + 9 * number, 5, 20 + 9 * number, 25),),
                mask=None,
                image_size=SIZES[image],
            )
            for image, names in SHOWN.items()
            for number, name in enumerate(names)
        ]
        absent = [
            Absence(image, f"patient of {image}", root / f"{image}.png", tuple(n for n in CLASSES if n not in names))
            for image, names in SHOWN.items()
        ]
        if backwards:
            samples = samples[::-1]
            absent = [Absence(one.image_id, one.patient_id, one.image_path, one.classes[::-1]) for one in absent[::-1]]
        return cls(
            samples,
            version="1",
            split=split,
            pathologies=CLASSES,
            salt=salt,
            options={"phrases": phrases},
            absent=absent,
        )

    @classmethod
    def check(cls, root):
        return []


class OwnNegatives(Labelled):
    """One whose release has negative phrases."""

    name = "own"

    @classmethod
    def load(cls, root, split, *, negatives="0"):
        found = Labelled.load(root, split)
        return found.with_samples(found, negatives=negatives)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The folder of the images of data sets that are known by name."""
    for dataset in (Labelled, OwnNegatives):
        monkeypatch.setitem(DATASETS._loaded, dataset.name, dataset)
    rng = np.random.default_rng(3)
    for image, (width, height) in SIZES.items():
        Image.fromarray(rng.integers(0, 256, (height, width), dtype=np.uint8)).save(tmp_path / f"{image}.png")
    return tmp_path


def drawn(dataset):
    return {(one.image_id, one.pathology) for one in dataset if one.negative}


def test_every_image_gets_as_many_of_what_it_does_not_show(root):
    dataset = load_dataset("labelled", root, negatives="2")
    assert dataset.options == {"phrases": "there is {class}", "negatives": 2}
    negatives = [one for one in dataset if one.negative]
    assert sorted(one.image_id for one in negatives) == sorted([*SIZES] * 2)
    for one in negatives:
        assert one.pathology not in SHOWN[one.image_id]
        assert one.phrase == f"there is {one.pathology}"
        assert (one.boxes, one.mask, one.side, one.zone) == ((), None, None, None)
        assert one.image_size == SIZES[one.image_id]
        assert one.patient_id == f"patient of {one.image_id}"
        assert one.image_path == root / f"{one.image_id}.png"
    images = [one.image_id for one in dataset]
    assert images == ["a"] * 4 + ["b"] * 3 + ["c"] * 4 + ["normal"] * 2
    assert len({one.sample_id for one in dataset}) == len(dataset) == 13


def test_the_other_samples_stay_as_they_are(root):
    plain, none, some = (load_dataset("labelled", root, **given) for given in ({}, {"negatives": 0}, {"negatives": 1}))
    assert plain.options == none.options == {"phrases": "there is {class}"}
    assert list(plain) == list(none) == [one for one in some if not one.negative]
    assert not drawn(plain)
    assert plain.fingerprint() == none.fingerprint() == some.fingerprint(one for one in some if not one.negative)
    # A negative is not the same as a phrase for which a box is missing.
    assert some.fingerprint() != some.fingerprint(replace(one, negative=False) for one in some)


def test_nothing_is_drawn_that_the_image_may_show_under_another_name(root):
    """All that are left, when more are asked for than there are."""
    found = drawn(load_dataset("labelled", root, negatives=99))
    of_image = {image: {name for other, name in found if other == image} for image in SIZES}
    assert of_image["a"] == {"Edema", "Lung Opacity", "Nodule", "Pneumonia"}
    # Pneumonia is an opacity of the lung, though this reader did not say so.
    assert of_image["b"] == {"Edema", "Nodule", "Pneumothorax", "Effusion"}
    assert of_image["c"] == {"Edema", "Pneumonia", "Pneumothorax", "Effusion"}
    assert of_image["normal"] == set(CLASSES)


def test_a_draw_depends_on_image_and_class_alone(root):
    first = drawn(load_dataset("labelled", root, negatives=1))
    for given in ({"salt": "another"}, {"backwards": "yes"}, {"phrases": "no {class}"}):
        assert drawn(load_dataset("labelled", root, negatives=1, **given)) == first
    assert (
        first < drawn(load_dataset("labelled", root, negatives=2)) < drawn(load_dataset("labelled", root, negatives=3))
    )
    # Not the first class of the list again and again.
    assert len({name for _, name in first}) > 1


def test_an_image_that_cannot_be_read_is_told_and_left_out(root):
    (root / "normal.png").write_bytes(b"no image")
    dataset = load_dataset("labelled", root, negatives=1)
    assert {image for image, _ in drawn(dataset)} == {"a", "b", "c"}
    (said,) = dataset.warnings
    assert "negatives are about cannot be read" in said
    assert "normal.png" in said


def test_what_was_not_annotated_is_no_negative(manifest, root):
    assert len(load_dataset("manifest", manifest, negatives="0")) == 5
    message = (
        r"the labels of the data set 'manifest' \(split 'all'\) do not say what an image does not show, and what was "
        "not annotated may be there, so negatives=1 cannot be drawn; leave the option out"
    )
    with pytest.raises(DatasetError, match=message):
        load_dataset("manifest", manifest, negatives="1")
    with pytest.raises(DatasetError, match="'manifest' releases no negative phrases; leave the option out"):
        load_dataset("manifest", manifest, negatives="released")
    with pytest.raises(UnknownNameError, match=r"there is no option 'negative' .*did you mean 'negatives'"):
        load_dataset("manifest", manifest, negative="1")


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "", "²", "9" * 5000, None, True, [1]])
def test_what_is_no_number_is_told(root, value):
    with pytest.raises(DatasetError, match=r"option negatives=.*'labelled' must be a whole number: how many phrases"):
        load_dataset("labelled", root, negatives=value)
    with pytest.raises(DatasetError, match="must be a whole number, or 'released': how many"):
        load_dataset("own", root, negatives=value)


def test_negatives_of_the_release_are_the_loaders_matter(root):
    assert load_dataset("own", root, negatives="released").options["negatives"] == "released"
    assert len(drawn(load_dataset("own", root, negatives="1"))) == 4


def test_the_doctor_takes_the_same_options(root, manifest):
    assert check_dataset("labelled", root, negatives="1") == []
    assert check_dataset("manifest", manifest, negatives="1") == check_dataset("manifest", manifest)


def test_controls_learn_from_no_negative(root):
    inner = load_dataset("labelled", root, negatives=1)
    outer = Labelled([], version="1", split="test", pathologies=(), salt="", training=lambda: inner)
    assert {one.negative for one in inner} == {True, False}
    assert [one.pathology for one in outer.training_samples()] == [name for names in SHOWN.values() for name in names]


def test_a_method_is_not_told():
    assert "negative" not in {field.name for field in fields(Query)}


def test_the_phantom_shows_what_was_drawn_and_nothing_else(tmp_path):
    plain = load_dataset("phantom", tmp_path, images=6, size=64)
    dataset = load_dataset("phantom", tmp_path, images=6, size=64, negatives=3)
    assert plain.fingerprint() == dataset.fingerprint(one for one in dataset if not one.negative)
    shown = {}
    for one in plain:
        shown.setdefault(one.image_id, set()).add(one.pathology)
    negatives = [one for one in dataset if one.negative]
    assert len(negatives) == 18
    assert all(one.pathology not in shown[one.image_id] for one in negatives)
    # In the words of the other phrases: a template would tell the negatives from them.
    scenes = [plan_scene(DEFAULT, 0, "train", index) for index in range(200)]
    told = [one.phrase for scene in scenes for one in describe(scene, DEFAULT, held_out=False)]
    words = {word for phrase in told for word in phrase.split()}
    assert all({*one.phrase.split()} <= words for one in negatives)
    assert len({one.phrase for one in negatives}) > 9
    assert not any("{" in one.phrase or "  " in one.phrase for one in negatives)
    again = load_dataset("phantom", tmp_path, images=2, size=64, negatives=3)
    assert [one.phrase for one in again] == [one.phrase for one in dataset][: len(again)]


def test_a_class_in_two_spellings_is_one(root):
    """As in ChestX-ray14, whose boxes are of "Infiltrate" and whose labels of "Infiltration"."""
    (shown,) = (one for one in load_dataset("labelled", root) if one.pathology == "Pneumothorax")
    shown = replace(shown, pathology="Infiltrate")
    absent = [
        Absence("a", None, root / "a.png", ("Infiltration", "Pleural effusion", "Nodule")),
        Absence("b", None, root / "b.png", ("Infiltration", "Nodule")),
    ]
    dataset = Labelled([shown], version="1", split="all", pathologies=["Infiltrate", "Nodule"], salt="", absent=absent)
    assert drawn(add_negatives(dataset, 9)) == {
        ("a", "Pleural effusion"),
        ("a", "Nodule"),
        ("b", "Infiltration"),
        ("b", "Nodule"),
    }
