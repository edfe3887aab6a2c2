"""Cells that are no means: ratios, curves and rankings against what other code makes of the samples themselves."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from groundcxr.metrics import Ranking, Reduced, Sums, reducer_of, summarise
from groundcxr.metrics.chosen import Chosen
from groundcxr.metrics.reduced_cells import drawn_values, half_of

NAMES = ["a", "b"]


@pytest.fixture
def made():
    """Forty samples of 15 patients and two classes."""
    random = np.random.default_rng(3)
    patients = [f"p{number}" for number in random.integers(15, size=40)]
    return random, random.choice(NAMES, 40).tolist(), patients


def cells(reducer, parts, pathology, patient, draws=300):
    column = {0: Reduced.of(reducer, parts)}
    blank = np.full((len(parts), 1), np.nan)
    found = summarise(blank, pathology, patient, pathologies=NAMES, draws=draws, reduced=column)
    return found.macro[0], found.micro[0], {name: found.pathologies[name][0] for name in NAMES}


def drawn(patient, draws):
    """Each draw as the samples that it has, by the same generator, sample by sample."""
    names, who = np.unique(patient, return_inverse=True)
    generator = np.random.default_rng(0)
    for _ in range(draws):
        chosen = generator.integers(len(names), size=len(names))
        yield np.concatenate([np.flatnonzero(who == one) for one in chosen])


def test_a_ratio_is_the_sum_of_numerators_over_that_of_denominators(made):
    random, pathology, patient = made
    top, bottom = random.random(40), random.random(40) + 0.5
    parts = [([a], [b]) for a, b in zip(top, bottom, strict=True)]
    macro, micro, classes = cells(Sums(), parts, pathology, patient)
    of = np.array(pathology)
    ratios = {name: top[of == name].sum() / bottom[of == name].sum() for name in NAMES}
    assert {name: cell.value for name, cell in classes.items()} == pytest.approx(ratios)
    assert macro.value == pytest.approx(np.mean(list(ratios.values())))
    assert micro.value == pytest.approx(top.sum() / bottom.sum())
    assert micro.value != pytest.approx((top / bottom).mean(), abs=1e-3)
    again = [top[rows].sum() / bottom[rows].sum() for rows in drawn(patient, 300)]
    assert (micro.low, micro.high) == pytest.approx(np.percentile(again, (2.5, 97.5)))
    assert (micro.n, classes["a"].n + classes["b"].n, micro.std) == (40, 40, None)


def test_the_best_threshold_is_chosen_again_in_every_draw(made):
    random, pathology, patient = made
    curves = random.random((40, 3))
    parts = [(row.tolist(), [1.0] * 3) for row in curves]
    _, micro, _ = cells(Sums("best", (0.1, 0.2, 0.3)), parts, pathology, patient)
    assert micro.value == pytest.approx(curves.mean(axis=0).max())
    again = [curves[rows].mean(axis=0).max() for rows in drawn(patient, 300)]
    assert (micro.low, micro.high) == pytest.approx(np.percentile(again, (2.5, 97.5)))
    _, mean, _ = cells(Sums("mean", (0.1, 0.2, 0.3)), parts, pathology, patient)
    assert mean.value == pytest.approx(curves.mean())


def test_a_threshold_of_the_other_half_never_sees_its_own_patients(made):
    random, pathology, patient = made
    curves = random.random((40, 4))
    parts = [(row.tolist(), [1.0] * 4) for row in curves]
    _, micro, classes = cells(Sums("other half", (0.1, 0.3, 0.5, 0.7), 0.5), parts, pathology, patient)
    half, of = np.array([half_of(name) for name in patient]), np.array(pathology)
    values = np.zeros(40)
    for name in NAMES:
        for one in (0, 1):
            best = curves[(of == name) & (half != one)].mean(axis=0).argmax()
            mine = (of == name) & (half == one)
            values[mine] = curves[mine, best]
    assert classes["a"].value == pytest.approx(values[of == "a"].mean())
    assert micro.value == pytest.approx(values.mean())


def test_without_another_half_the_usual_threshold_counts():
    parts = [([0.1, 0.9], [1.0, 1.0]), ([0.3, 0.8], [1.0, 1.0])]
    macro, micro, _ = cells(Sums("other half", (0.2, 0.5), 0.2), parts, ["a", "a"], ["one", "one"])
    assert (macro.value, micro.value, macro.low) == (pytest.approx(0.2), pytest.approx(0.2), None)


def test_a_pooled_auroc_is_that_of_all_samples_at_once(made):
    random, pathology, patient = made
    scores, positive = random.integers(6, size=40) / 5, random.integers(2, size=40)
    parts = [([score], [hit], [1]) for score, hit in zip(scores.tolist(), positive.tolist(), strict=True)]
    _, micro, classes = cells(Ranking("auroc"), parts, pathology, patient)
    assert micro.value == pytest.approx(roc_auc_score(positive, scores))
    of = np.array(pathology) == "b"
    assert classes["b"].value == pytest.approx(roc_auc_score(positive[of], scores[of]))
    again = [roc_auc_score(positive[rows], scores[rows]) for rows in drawn(patient, 300)]
    assert (micro.low, micro.high) == pytest.approx(np.percentile(again, (2.5, 97.5)))


def coco(scores, hits, total):
    """Average precision as pycocotools' accumulate makes it, prediction by prediction."""
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    true = false = 0
    points = []
    for place in order:
        true, false = true + hits[place], false + 1 - hits[place]
        points.append((true / total, true / (true + false)))
    return np.mean([max((p for r, p in points if r >= recall), default=0.0) for recall in np.linspace(0, 1, 101)])


def test_a_pooled_average_precision_ranks_all_predictions_of_the_set(made):
    random, pathology, patient = made
    numbers = random.integers(0, 4, size=40)
    parts = [(random.random(k).tolist(), random.integers(2, size=k).tolist(), [int(k) + 1]) for k in numbers]
    _, micro, _ = cells(Ranking(), parts, pathology, patient)

    def of(rows):
        chosen = [parts[row] for row in rows]
        scores, hits = ([one for part in chosen for one in part[which]] for which in (0, 1))
        return coco(scores, hits, sum(part[2][0] for part in chosen))

    assert micro.value == pytest.approx(of(range(40)))
    assert (micro.low, micro.high) == pytest.approx(
        np.percentile([of(rows) for rows in drawn(patient, 300)], (2.5, 97.5))
    )


def test_thresholds_of_a_ranking_are_bits_of_its_hits():
    parts = [([0.9, 0.8], [0b01, 0b11], [2])]
    value = cells(Ranking("coco 101", (0.5, 0.7)), parts, ["a"], ["p"])[1].value
    assert value == pytest.approx(np.mean([coco([0.9, 0.8], [1, 1], 2), coco([0.9, 0.8], [0, 1], 2)]))


def test_perfect_boxes_under_the_interpolation_of_supervision_give_995():
    parts = [([1.0] * 4, [1] * 4, [4])]
    assert cells(Ranking("supervision 101"), parts, ["a"], ["p"])[1].value == pytest.approx(0.995)
    half = [([1.0] * 2, [1] * 2, [4])]
    assert cells(Ranking("supervision 101"), half, ["a"], ["p"])[1].value == pytest.approx(0.75)


def supervision(hits, total):
    """Average precision as supervision 0.25.1 makes it of a curve, hit by hit in the order of the file."""
    if not hits:
        return 0.0
    true = np.cumsum(hits)
    recall = np.concatenate([[0.0], true / total, [1.0]])
    precision = np.concatenate([[1.0], true / np.arange(1, len(hits) + 1), [0.0]])
    envelope = np.flip(np.maximum.accumulate(np.flip(precision)))
    recalls = np.linspace(0, 1, 101)
    return np.trapezoid(np.interp(recalls, recall, envelope), recalls)


def all_points(hits, total):
    """Area under the envelope of precision, step by step, as PASCAL VOC 2010."""
    true, area = 0, 0.0
    points = []
    for number, hit in enumerate(hits, start=1):
        true += hit
        points.append((true / total, true / number))
    for (before, _), (recall, _) in zip([(0.0, 0.0), *points], points, strict=False):
        area += (recall - before) * max((p for r, p in points if r >= recall), default=0.0)
    return area


@pytest.mark.parametrize(("rule", "reference"), [("supervision 101", supervision), ("all points", all_points)])
@pytest.mark.parametrize("sure", [0.2, 0.8])
def test_a_ranking_without_scores_has_the_order_of_the_samples(made, rule, reference, sure):
    random, pathology, patient = made
    numbers = random.integers(0, 4, size=40)
    hits = [(random.random(k) < sure).astype(int).tolist() for k in numbers]
    parts = [([1.0] * len(one), one, [len(one) + extra % 2]) for extra, one in enumerate(hits)]
    _, micro, classes = cells(Ranking(rule), parts, pathology, patient, draws=50)
    everyone = [hit for one in hits for hit in one]
    assert micro.value == pytest.approx(reference(everyone, sum(part[2][0] for part in parts)))
    mine = [part for part, name in zip(parts, pathology, strict=True) if name == "a"]
    total = sum(part[2][0] for part in mine)
    assert classes["a"].value == pytest.approx(reference([hit for part in mine for hit in part[1]], total))


def test_draws_of_a_ranking_repeat_predictions_in_their_places(made):
    random, pathology, _ = made
    patient = [f"p{number:02d}" for number in range(40)]
    parts = [([1.0], [int(hit)], [1]) for hit in random.integers(2, size=40)]
    _, micro, _ = cells(Ranking("supervision 101"), parts, pathology, patient, draws=200)
    again = [supervision([parts[row][1][0] for row in sorted(rows)], 40) for rows in drawn(patient, 200)]
    assert (micro.low, micro.high) == pytest.approx(np.percentile(again, (2.5, 97.5)))


def test_a_class_without_predictions_has_no_precision():
    parts = [([1.0], [1], [1]), ([], [], [2])]
    for rule in ("supervision 101", "coco 101", "all points"):
        _, _, classes = cells(Ranking(rule), parts, ["a", "b"], ["p", "q"])
        assert classes["b"].value == 0.0


def test_samples_that_are_left_out_count_nowhere():
    parts = [([1.0], [2.0]), None, ([1.0], [1.0])]
    macro, micro, classes = cells(Sums(), parts, ["a", "b", "a"], ["p", "q", "r"])
    assert (micro.value, micro.n, macro.n) == (pytest.approx(2 / 3), 2, 2)
    assert (classes["b"].value, classes["b"].n) == (None, 0)


@pytest.mark.parametrize(
    ("reducer", "lists"),
    [
        (Sums(), 2),
        (Sums("mean", (0.1, 0.2, 0.3)), 2),
        (Sums("other half", (0.1, 0.2, 0.3), 0.2), 2),
        (Chosen("best", (0.1, 0.2, 0.3)), 4),
        (Chosen("other half", (0.1, 0.2, 0.3), 0.2), 4),
        (Ranking("auroc"), 3),
    ],
)
def test_methods_drawn_together_have_the_values_of_each_alone(made, reducer, lists):
    random, pathology, patient = made
    length = max(1, len(reducer.thresholds))

    def sample(method):
        numbers = [random.random(length).tolist() for _ in range(lists)]
        if reducer.kind == "ranking":  # positives and negatives
            numbers[1] = np.rint(numbers[1]).tolist()
        elif method == 1:  # the same denominator at every threshold
            numbers[1::2] = [[1.0] * length for _ in numbers[1::2]]
        return None if method and random.random() < 0.3 else tuple(numbers)

    methods = [Reduced.of(reducer, [sample(method) for _ in pathology]).parts for method in range(3)]
    names, who = np.unique(patient, return_inverse=True)
    same = np.array([NAMES.index(name) for name in pathology]), len(NAMES), names, who, 50, 0
    together = drawn_values(reducer, methods, *same)
    for found, parts in zip(together, methods, strict=True):
        (alone,) = drawn_values(reducer, [parts], *same)
        assert np.array_equal(found.classes, alone.classes, equal_nan=True)
        assert np.array_equal(found.micro, alone.micro, equal_nan=True)
        assert np.isfinite(found.micro).any()


@pytest.mark.parametrize("reducer", [Sums(), Sums("other half", (0.1, 0.5), 0.5), Ranking("auroc"), Ranking()])
def test_a_reducer_is_told_whole_in_plain_json(reducer):
    assert reducer_of(reducer.said()) == reducer
    with pytest.raises(ValueError, match=r"known: .*sums"):
        reducer_of({**reducer.said(), "kind": "unheard of"})


def test_classes_weigh_by_the_square_of_their_size_where_that_is_asked_for():
    values, pathology, patient = [[1.0], [0.0], [0.0], [0.5]], ["a", "b", "b", "b"], list("pqrs")
    found = summarise(values, pathology, patient, pathologies=NAMES, weights="samples squared")
    assert found.weighted is not None
    assert found.weighted[0].value == pytest.approx((1 * 1 + 9 * 0.5 / 3) / 10)
    assert summarise(values, pathology, patient, pathologies=NAMES).weighted is None
