"""Negatives in a run: grounded and stored as any sample, in no number of a protocol that does not use them."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from groundcxr import Box, Grounding, GroundingMethod, Heatmap, evaluate, get_protocol, load_dataset
from groundcxr.core import GroundCXRError, Target
from groundcxr.core.fingerprint import generator_from
from groundcxr.evaluation import load_result
from groundcxr.evaluation.import_result import import_result
from groundcxr.leaderboard.joining import join
from groundcxr.metrics import PROTOCOLS

ASKED: list[str] = []


class Noise(GroundingMethod):
    """A map and a box that depend on image and phrase alone; remembers what it was asked."""

    emits = frozenset({"heatmap", "box"})

    def ground(self, image, phrases):
        ASKED.extend(phrases)
        return [self.one(image, generator_from(image.sha256, phrase)) for phrase in phrases]

    def one(self, image, rng):
        x, y = rng.integers(0, 20, 2)
        return Grounding(Heatmap.whole(rng.random((5, 7)), image.size), (Box(x, y, x + 20, y + 20, score=0.5),))


class Fooled(type(get_protocol("v1"))):
    """How much of a negative's image is marked; nothing of any other sample."""

    name = "fooled"
    uses_negatives = True
    metrics = get_protocol("v1").metrics

    def target(self, sample, grounding):
        return Target(sample.boxes or (Box(0, 0, 5, 5),), sample.image_size)


@pytest.fixture
def both(tiny):
    """The tiny data set, and the same with a negative after each image's samples."""
    samples = []
    for one, following in zip(tiny, [*tiny[1:], None], strict=True):
        samples.append(one)
        if following is None or following.image_id != one.image_id:
            other = {"sample_id": f"{one.sample_id[:8]}negative", "phrase": "secretly nothing", "pathology": "Nodule"}
            samples.append(replace(one, **other, boxes=(), mask=None, negative=True))
    return tiny, tiny.with_samples(samples, negatives=1)


def numbers(result):
    info = result.info.model_dump(mode="json")
    return {key: info[key] for key in ("overall", "pathologies", "statuses", "n_failed", "notes", "complete")}


@pytest.mark.parametrize(
    ("method", "protocol"),
    [(Noise, "v1"), (Noise, "vilouras2024"), ("class-mean-box", "v1"), ("shuffled-phrase", "v1")],
)
def test_the_numbers_are_those_without_negatives(both, tmp_path, method, protocol):
    settings = {"method": "random"} if method == "shuffled-phrase" else None
    plain, more = (evaluate(method, one, protocol, settings=settings, out=tmp_path) for one in both)
    assert numbers(plain) == numbers(more)
    pd.testing.assert_frame_equal(plain.samples.drop(columns="seconds"), more.samples.drop(columns="seconds"))
    assert plain.info.method == more.info.method
    data, bigger = plain.info.dataset, more.info.dataset
    assert (data.n_samples, data.n_negatives) == (10, 0)
    assert (bigger.n_samples, bigger.n_skipped, bigger.n_negatives) == (10, data.n_skipped, 6)
    assert data.fingerprint != bigger.fingerprint


def test_negatives_are_asked_about_and_stored_as_any_sample(both, tmp_path):
    ASKED.clear()
    evaluate(Noise, both[1], out=tmp_path)
    assert ASKED.count("secretly nothing") == 6
    evaluate(Noise, both[1], out=tmp_path)
    assert len(ASKED) == 16


def test_they_are_counted_beside_the_others_only_where_there_are_any(both, tmp_path):
    plain, more = (evaluate("center-prior", one, "v1", out=tmp_path) for one in both)
    assert "n_negatives" not in json.loads(plain.path.read_text())["dataset"]
    assert json.loads(more.path.read_text())["dataset"]["n_negatives"] == 6
    assert load_result(more.path).info == more.info
    assert not {"negative", "Nodule"} & {*more.samples.columns, *more.info.pathologies}


@pytest.mark.parametrize("part", [{}, {"limit": 9}])
def test_a_run_with_negatives_finds_its_samples_again(tmp_path, part):
    dataset = load_dataset("phantom", tmp_path, images=6, size=64, negatives=1)
    found = evaluate("center-prior", dataset, "v1", out=tmp_path / "out", **part)
    joined = join(found.info.dataset, {"phantom": tmp_path}, found.info.pathologies)
    assert list(joined.samples) == [one.sample_id for one in dataset[: part.get("limit")]]
    assert 0 < found.info.dataset.n_samples == len(found.samples) < len(joined.samples)


def test_a_part_of_negatives_alone_is_refused(both, tmp_path):
    with pytest.raises(GroundCXRError, match=r"all 6 samples are negatives, .* the protocol v1 leaves out"):
        evaluate("center-prior", both[1], "v1", out=tmp_path, pathology="Nodule")


@pytest.fixture
def fooled(monkeypatch):
    monkeypatch.setitem(PROTOCOLS._loaded, "fooled", Fooled)
    return Fooled()


def test_a_protocol_that_uses_negatives_sees_them(both, fooled, tmp_path):
    plain, more = (evaluate(Noise, one, fooled, out=tmp_path) for one in both)
    assert len(more.samples) == more.info.dataset.n_samples == 16
    assert more.info.dataset.n_negatives == 0
    assert "negative" not in plain.samples
    assert more.samples["negative"].tolist() == [one.negative for one in both[1]]
    assert more.info.pathologies["Nodule"]["miou"].n == 6
    assert np.isfinite(more.info.overall.micro["miou"].value)
    assert load_result(more.path).samples.equals(more.samples)
    # And on somebody else's machine.
    imported = import_result(more.path, tmp_path / "theirs")
    assert imported


def test_using_negatives_is_a_part_of_the_protocols_hash(fooled):
    class Not(Fooled):
        uses_negatives = False

    assert fooled.hash != Not().hash


def test_the_oracle_marks_nothing_on_a_negative(both):
    from groundcxr.methods.controls.oracle import Oracle

    negative = next(one for one in both[1] if one.negative)
    (answer,) = Oracle().ground_samples([negative])
    assert not answer.boxes
    assert not answer.heatmap.values.any()


def test_the_command_line_counts_them(groundcxr, tmp_path):
    words = [
        "--dataset",
        "phantom",
        "--root",
        tmp_path / "drawn",
        "--set",
        "dataset.images=8",
        "--set",
        "dataset.size=64",
    ]
    ran = groundcxr("evaluate", "--method", "oracle", *words, "--set", "dataset.negatives=2", "--out", tmp_path / "out")
    assert ran.code == 0
    assert "16 negatives, in no average but Silent on negatives, AUROC against negatives" in " ".join(ran.out.split())
    assert groundcxr("samples", *words, "--out", tmp_path / "samples.csv").code == 0
    # Whoever grounds elsewhere is not told either.
    assert (tmp_path / "samples.csv").read_text().splitlines()[0] == "sample_id,image,width,height,phrase,pathology"
