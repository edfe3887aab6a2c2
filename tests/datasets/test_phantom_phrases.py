"""The phantom's phrases: what they name, that they fit exactly their boxes, and which wordings are held out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest

from groundcxr.datasets.phantom.parameters import DEFAULT
from groundcxr.datasets.phantom.phrases import describe
from groundcxr.datasets.phantom.scene import plan_scene

# Read from the text alone, as a reader of the phrase would.
SIDE_WORDS = {"left": "left", "right": "right", "bilateral": "bilateral", "both": "bilateral"}
ZONE_WORDS = {
    "upper": "upper", "apical": "upper", "apex": "upper",
    "mid": "mid", "perihilar": "mid",
    "lower": "lower", "base": "lower", "bases": "lower", "basilar": "lower",
}  # fmt: skip
GRADE_WORDS = {
    "small": 0, "mild": 0, "mildly": 0, "minimal": 0, "subtle": 0,
    "moderate": 1, "moderately": 1, "medium": 1,
    "large": 2, "severe": 2, "severely": 2, "extensive": 2, "marked": 2,
}  # fmt: skip
FINDING_WORDS = {
    "Atelectasis": "atelectasis",
    "Cardiomegaly": "cardiomegaly|heart|cardiac",
    "Consolidation": "consolidation",
    "Edema": "edema",
    "Lung Opacity": "opacity|opacities",
    "Pleural Effusion": "effusion|pleural fluid",
    "Pneumonia": "pneumonia",
    "Pneumothorax": "pneumothora",
}


def named(phrase, words):
    found = {words[word] for word in phrase.split() if word in words}
    assert len(found) <= 1, phrase
    return found.pop() if found else None


@pytest.fixture(scope="module")
def told():
    """Scene and statements of many planned images of each split; nothing is drawn."""
    counts = {"train": 1500, "val": 400, "test": 800}
    return {
        split: [
            (scene, describe(scene, DEFAULT, held_out=split == "test"))
            for scene in (plan_scene(DEFAULT, 0, split, index) for index in range(count))
        ]
        for split, count in counts.items()
    }


def statements(told, *splits):
    return [statement for split in splits for _, all_ in told[split] for statement in all_]


def test_sixty_percent_name_neither_side_nor_zone_twenty_the_side_twenty_both(told):
    count = Counter()
    everything = statements(told, "train", "val", "test")
    for statement in everything:
        side, zone = named(statement.phrase, SIDE_WORDS), named(statement.phrase, ZONE_WORDS)
        count["both" if side and zone else "side" if side else "zone" if zone else "neither"] += 1
    total = len(everything)
    assert total > 5000
    assert count["neither"] / total == pytest.approx(0.6, abs=0.02)
    assert count["side"] / total == pytest.approx(0.2, abs=0.02)
    assert count["both"] / total == pytest.approx(0.2, abs=0.02)
    assert count["zone"] == 0


def test_what_a_phrase_names_is_so(told):
    for scene, all_ in told["train"]:
        for statement in all_:
            regions = [scene.regions[k] for k in statement.regions]
            assert named(statement.phrase, SIDE_WORDS) in (None, statement.side)
            assert named(statement.phrase, ZONE_WORDS) in (None, statement.zone)
            assert {region.pathology for region in regions} == {statement.pathology}
            assert re.search(FINDING_WORDS[statement.pathology], statement.phrase)
            grade = named(statement.phrase, GRADE_WORDS)
            assert grade is None or all(int(min(region.severity, 0.999) * 3) == grade for region in regions)


def test_a_phrase_means_every_region_that_it_fits(told):
    sides = {-1: "right", 1: "left", 0: None}
    apart = Counter()
    for split in told:
        for scene, all_ in told[split]:
            for statement in all_:
                side = named(statement.phrase, SIDE_WORDS)
                zone = named(statement.phrase, ZONE_WORDS)
                grade = named(statement.phrase, GRADE_WORDS)
                fitting = tuple(
                    number
                    for number, region in enumerate(scene.regions)
                    if region.pathology == statement.pathology
                    and side in (None, "bilateral", sides[region.side])
                    and zone in (None, region.zone)
                    and grade in (None, min(int(region.severity * 3), 2))
                )
                assert fitting == statement.regions, statement
            for pathology, count in Counter(s.pathology for s in all_).items():
                apart[pathology] += count > 1
    assert sum(apart.values()) > 300  # two phrases about one finding of one image


def test_every_region_is_told_of_once(told):
    for scene, all_ in told["val"]:
        assert sorted(k for statement in all_ for k in statement.regions) == list(range(len(scene.regions)))


def test_phrases_vary_and_read_as_english(told):
    wordings = defaultdict(set)
    for statement in statements(told, "train"):
        wordings[statement.pathology].add(statement.phrase)
        assert re.fullmatch(r"[a-z]+( [a-z]+)*", statement.phrase), statement.phrase
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|\bthe (both|there)\b", statement.phrase), statement.phrase
        assert not re.search(r"\ban? ([a-z]+ )*(opacities|effusions|consolidations|pneumothoraces)\b", statement.phrase)
    assert min(len(phrases) for phrases in wordings.values()) >= 15


NOUNS = (
    *("atelectasis", "cardiomegaly", "consolidation", "consolidations", "edema", "effusion", "effusions", "fluid"),
    *("opacity", "opacities", "pneumonia", "pneumothorax", "pneumothoraces"),
)
PLACEHOLDERS = {**dict.fromkeys(SIDE_WORDS, "SIDE"), **dict.fromkeys(ZONE_WORDS, "ZONE"), **dict.fromkeys(NOUNS, "X")}
DROPPED = {
    *GRADE_WORDS,
    *("a", "an", "are", "is", "sized", "lobe", "lobes", "lung", "lungs", "zone", "zones", "sides", "airspace", "dense"),
    *("linear", "subsegmental", "hazy", "ground", "glass", "pulmonary", "patchy", "interstitial", "infectious"),
    "pleural",
}


def wording(phrase):
    """What is left of a phrase without its finding, place, severity and grammar."""
    return tuple(PLACEHOLDERS.get(word, word) for word in phrase.split() if word not in DROPPED)


def test_only_the_test_split_uses_wordings_held_out_of_training(told):
    trained = {wording(s.phrase) for s in statements(told, "train")}
    assert {wording(s.phrase) for s in statements(told, "val")} <= trained
    test = [wording(s.phrase) for s in statements(told, "test")]
    unseen = sum(words not in trained for words in test) / len(test)
    assert 0.2 < unseen < 0.35


def test_held_out_wordings_use_words_that_training_shows(told):
    shown = {word for s in statements(told, "train") for word in s.phrase.split()}
    assert {word for s in statements(told, "test") for word in s.phrase.split()} <= shown
    assert len(shown) < 100
