"""Cells told at a threshold that others choose, and pooled pixels, against what other code makes of the samples."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from groundcxr.metrics import Chosen, PooledPixels, Reduced, reducer_of, summarise
from groundcxr.metrics.pooled_pixels import STORED_LEVELS, counted
from groundcxr.metrics.reduced_cells import half_of

NAMES = ["a", "b"]
AT = (0.1, 0.2, 0.3)


@pytest.fixture
def made():
    """Fifty samples of 15 patients and two classes."""
    random = np.random.default_rng(5)
    patients = [f"p{number}" for number in random.integers(15, size=50)]
    return random, np.array(random.choice(NAMES, 50)), np.array(patients)


def cells(reducer, parts, pathology, patient, draws=200):
    column = {0: Reduced.of(reducer, parts)}
    blank = np.full((len(parts), 1), np.nan)
    found = summarise(blank, list(pathology), list(patient), pathologies=NAMES, draws=draws, reduced=column)
    return found.micro[0], {name: found.pathologies[name][0] for name in NAMES}


def drawn(patient, draws=200):
    names, who = np.unique(patient, return_inverse=True)
    generator = np.random.default_rng(0)
    for _ in range(draws):
        yield np.concatenate([np.flatnonzero(who == one) for one in generator.integers(len(names), size=len(names))])


def choosers_and_told(random, count):
    """Half of the samples choose with a curve, the others tell one."""
    curves, chooses = random.random((count, len(AT))), np.arange(count) % 2 == 0
    zeros, ones = [0.0] * len(AT), [1.0] * len(AT)
    parts = [
        (curve.tolist(), ones, zeros, zeros) if one else (zeros, zeros, curve.tolist(), ones)
        for curve, one in zip(curves, chooses, strict=True)
    ]
    return curves, chooses, parts


def test_it_is_told_where_the_others_are_best(made):
    random, pathology, patient = made
    curves, chooses, parts = choosers_and_told(random, len(patient))

    def told(rows):
        best = curves[rows[chooses[rows]]].mean(axis=0).argmax()
        return curves[rows[~chooses[rows]]].mean(axis=0)[best]

    micro, classes = cells(Chosen("best", AT), parts, pathology, patient)
    assert micro.value == pytest.approx(told(np.arange(50)))
    assert (micro.low, micro.high) == pytest.approx(np.percentile([told(rows) for rows in drawn(patient)], (2.5, 97.5)))
    for name in NAMES:
        assert classes[name].value == pytest.approx(told(np.flatnonzero(pathology == name)))


def test_of_the_other_half(made):
    random, pathology, patient = made
    curves, chooses, parts = choosers_and_told(random, len(patient))
    half = np.array([half_of(one) for one in patient])

    def told(rows):
        values = []
        for one in (0, 1):
            best = curves[rows[chooses[rows] & (half[rows] != one)]].mean(axis=0).argmax()
            values += curves[rows[~chooses[rows] & (half[rows] == one)], best].tolist()
        return np.mean(values)

    micro, classes = cells(Chosen("other half", AT, 0.2), parts, pathology, patient)
    for name in NAMES:
        assert classes[name].value == pytest.approx(told(np.flatnonzero(pathology == name)))
    sizes = [int((~chooses & (pathology == name)).sum()) for name in NAMES]
    assert micro.value == pytest.approx(np.average([classes[name].value for name in NAMES], weights=sizes))


@pytest.mark.parametrize(("usual", "value"), [(None, None), (0.2, 0.5)])
def test_where_nobody_chooses(usual, value):
    zeros = [0.0] * 3
    micro, _ = cells(Chosen("best", AT, usual), [(zeros, zeros, [0.0, 0.5, 1.0], [1.0] * 3)], ["a"], ["p"])
    assert micro.value == value


class TestPooledPixels:
    def test_few_scores_are_ranked_exactly(self, made):
        random, pathology, patient = made
        scores, hits = random.integers(0, 9, (50, 30)) / np.float32(8), random.random((50, 30)) < 0.3
        scores = scores.astype(np.float32)
        parts = [counted(one, hit) for one, hit in zip(scores, hits, strict=True)]
        micro, classes = cells(PooledPixels(), parts, pathology, patient)

        def exact(rows):
            return roc_auc_score(hits[rows].ravel(), scores[rows].ravel())

        assert micro.value == pytest.approx(exact(np.arange(50)))
        again = [exact(rows) for rows in drawn(patient)]
        assert (micro.low, micro.high) == pytest.approx(np.percentile(again, (2.5, 97.5)))
        for name in NAMES:
            assert classes[name].value == pytest.approx(exact(pathology == name))

    @pytest.mark.parametrize(("scale", "offset"), [(1, 0), (0.01, 0), (0.01, 5)])
    def test_many_scores_are_ranked_to_1e_5(self, scale, offset):
        random = np.random.default_rng(0)
        scores = (random.normal(size=(8, 20_000)) * scale + offset).astype(np.float32)
        hits = random.random(scores.shape) < 1 / (1 + np.exp(-(scores - offset) / scale))
        parts = [counted(one, hit) for one, hit in zip(scores, hits, strict=True)]
        assert max(len(one) for part in parts for one in part) == STORED_LEVELS
        micro, _ = cells(PooledPixels(), parts, ["a"] * 8, [f"p{one}" for one in range(8)], draws=2)
        assert micro.value == pytest.approx(roc_auc_score(hits.ravel(), scores.ravel()), abs=1e-5)

    def test_equal_scores_of_two_samples_stay_equal(self):
        level = np.full(7, 0.3, dtype=np.float32)
        parts = [counted(level, np.arange(7) < 3), counted(np.append(level, level), np.arange(14) < 5)]
        micro, _ = cells(PooledPixels(), parts, ["a", "a"], ["p", "q"])
        assert micro.value == 0.5

    def test_without_a_pixel_inside_there_is_no_value(self):
        parts = [counted(np.arange(5, dtype=np.float32), np.zeros(5, dtype=bool))]
        assert cells(PooledPixels(), parts, ["a"], ["p"])[0].value is None


@pytest.mark.parametrize("reducer", [Chosen(), Chosen("other half", AT, 0.2), PooledPixels()])
def test_they_are_told_whole_in_plain_json(reducer):
    assert reducer_of(reducer.said()) == reducer
