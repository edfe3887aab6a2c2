"""Means by class and overall, and intervals that agree with a plain loop over bootstrap draws."""

from fractions import Fraction

import numpy as np
import pytest

from groundcxr.metrics import Cell, summarise
from groundcxr.metrics.bootstrap import exact_sums

NAN = float("nan")


def test_by_hand():
    # a: 1, 2, 3 -> mean 2, population std sqrt(2/3). b: 6 (one is left out). c: nobody.
    values = [[1.0], [2.0], [3.0], [6.0], [NAN]]
    found = summarise(values, list("aaabb"), ["p", "p", "q", "r", "s"], pathologies=["b", "a", "c"])
    assert list(found.pathologies) == ["b", "a", "c"]
    a, b, c = (found.pathologies[name][0] for name in "abc")
    assert (a.value, a.n) == (2, 3)
    assert a.std == pytest.approx(np.sqrt(2 / 3))
    # One patient: every draw that has him gives 6, which says nothing about how certain 6 is.
    assert b == Cell(6.0, None, None, 0.0, 1)
    assert c == Cell(None, None, None, None, 0)
    macro, micro = found.macro[0], found.micro[0]
    assert (macro.value, macro.std, macro.n) == (4, 2, 4)
    assert (micro.value, micro.n) == (3, 4)
    assert micro.std == pytest.approx(np.std([1, 2, 3, 6]))


def made_up(seed=0, n=60, m=3):
    rng = np.random.default_rng(seed)
    values = rng.random((n, m))
    values[rng.random((n, m)) < 0.2] = NAN
    values[:, 2] = np.where(np.arange(n) < n - 3, NAN, values[:, 2])
    names = ["a", "b", "c", "rare"]
    pathology = [names[i] for i in rng.choice(4, n, p=[0.5, 0.3, 0.15, 0.05])]
    return values, pathology, [f"p{i}" for i in rng.integers(0, 25, n)], names


def plain_loop(values, pathology, patient, names, draws, seed):
    """Percentiles of macro and micro means, one draw and one sample after another."""
    patients = sorted(set(patient))
    rows = {p: [i for i, q in enumerate(patient) if q == p] for p in patients}
    rng = np.random.default_rng(seed)
    macro, micro = [], []
    for _ in range(draws):
        sample = [i for k in rng.integers(len(patients), size=len(patients)) for i in rows[patients[k]]]
        by_class = []
        for name in names:
            mine = [values[i] for i in sample if pathology[i] == name and not np.isnan(values[i])]
            if mine:
                by_class.append(sum(mine) / len(mine))
        everyone = [values[i] for i in sample if not np.isnan(values[i])]
        macro.append(np.mean(by_class) if by_class else NAN)
        micro.append(np.mean(everyone) if everyone else NAN)
    return [np.nanpercentile(means, [2.5, 97.5]) for means in (macro, micro)]


def test_intervals_equal_a_plain_loop():
    values, pathology, patient, names = made_up()
    found = summarise(values, pathology, patient, pathologies=names, draws=200, seed=5)
    for column in range(values.shape[1]):
        expected = plain_loop(values[:, column], pathology, patient, names, 200, 5)
        for cell, interval in zip((found.macro[column], found.micro[column]), expected, strict=True):
            assert (cell.low, cell.high) == pytest.approx(tuple(interval), abs=1e-12)
    for name in names:
        mine = [value if here == name else NAN for value, here in zip(values[:, 0], pathology, strict=True)]
        _, expected = plain_loop(mine, pathology, patient, names, 200, 5)
        cell = found.pathologies[name][0]
        assert (cell.low, cell.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_order_of_samples_does_not_matter():
    values, pathology, patient, names = made_up()
    shuffled = np.random.default_rng(1).permutation(len(values))
    one = summarise(values, pathology, patient, pathologies=names)
    other = summarise(
        values[shuffled], [pathology[i] for i in shuffled], [patient[i] for i in shuffled], pathologies=names
    )
    assert one == other
    assert one == summarise(values, pathology, patient, pathologies=names, draws=2000, seed=0)
    assert one != summarise(values, pathology, patient, pathologies=names, seed=1)


def test_many_patients_are_drawn_in_parts_without_changing_the_stream(monkeypatch):
    values, pathology, patient, names = made_up()
    whole = summarise(values, pathology, patient, pathologies=names, draws=300)
    monkeypatch.setattr("groundcxr.metrics.bootstrap._CHUNK", 7 * 25)
    parts = summarise(values, pathology, patient, pathologies=names, draws=300)
    assert [cell.low for cell in parts.macro] == pytest.approx([cell.low for cell in whole.macro], abs=1e-12)


def test_samples_of_one_patient_are_not_independent():
    # 50 patients, 10 equal samples each: the interval is that of 50 values, not of 500.
    rng = np.random.default_rng(0)
    values = rng.normal(size=50)
    single = summarise(values[:, None], ["a"] * 50, [str(i) for i in range(50)], pathologies=["a"]).micro[0]
    repeated = np.repeat(values, 10)[:, None]
    tenfold = summarise(repeated, ["a"] * 500, [str(i // 10) for i in range(500)], pathologies=["a"]).micro[0]
    assert (tenfold.low, tenfold.high) == pytest.approx((single.low, single.high), abs=1e-12)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    # 300 studies of 80 patients with 1 to 3 correlated samples; the true mean is 0.
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(300):
        who = np.repeat(np.arange(80), rng.integers(1, 4, 80))
        values = rng.normal(size=80)[who] + rng.normal(size=who.size)
        cell = summarise(values[:, None], ["a"] * who.size, who.astype(str), pathologies=["a"], draws=400).micro[0]
        covered += cell.low <= 0 <= cell.high
    assert 0.90 <= covered / 300 <= 0.98


def test_nothing_to_summarise():
    found = summarise(np.zeros((0, 2)), [], [], pathologies=["a"])
    assert found.macro == found.micro == found.pathologies["a"] == [Cell(None, None, None, None, 0)] * 2
    found = summarise([[NAN], [NAN]], ["a", "a"], ["p", "q"], pathologies=["a"])
    assert found.macro == found.micro == [Cell(None, None, None, None, 0)]


def test_the_largest_float32_is_averaged_like_any_value():
    largest = float(np.finfo(np.float32).max)
    cell = summarise([[largest], [0.0]], ["a", "a"], ["p", "q"], pathologies=["a"]).micro[0]
    assert cell.value == cell.std == pytest.approx(largest / 2)


@pytest.mark.parametrize(
    ("values", "pathology", "message"),
    [
        ([1.0, 2.0], ["a", "a"], "do not fit"),
        ([[1.0]], ["a", "a"], "do not fit"),
        ([[1.0], [float("inf")]], ["a", "a"], "finite"),
        ([[1.0], [2.0]], ["a", "b"], r"\['b'\] are not among \['a'\]"),
    ],
)
def test_wrong_arguments(values, pathology, message):
    with pytest.raises(ValueError, match=message):
        summarise(values, pathology, ["p", "q"], pathologies=["a"])


def test_an_average_by_squared_sizes_counts_what_a_metric_leaves_out_as_0():
    values, classes = np.array([1.0, np.nan, 0.5, 0.25, np.nan, 0.0]), np.array(list("aabbbb"))
    patients = np.array(list("pqpqrr"))
    found = summarise(
        values[:, None],
        classes.tolist(),
        patients.tolist(),
        pathologies=["a", "b"],
        draws=40,
        weights="samples squared",
    )

    def weighted(rows):
        sizes = np.array([(classes[rows] == name).sum() for name in classes[rows]])
        return np.nansum(values[rows] * sizes) / sizes.sum()

    generator = np.random.default_rng(0)
    drawn = [
        np.concatenate([np.flatnonzero(patients == "pqr"[i]) for i in generator.integers(3, size=3)]) for _ in range(40)
    ]
    assert found.weighted[0].value == pytest.approx(weighted(np.arange(6)))
    ends = np.percentile([weighted(rows) for rows in drawn], (2.5, 97.5))
    assert (found.weighted[0].low, found.weighted[0].high) == pytest.approx(ends)


def drawn_and_added(patients=300, draws=40):
    rng = np.random.default_rng(4)
    weights = rng.multinomial(patients, np.full(patients, 1 / patients), size=draws).astype(np.float64)
    added = [rng.random(patients), rng.normal(size=patients) * 10.0 ** rng.integers(-9, 9, patients)]
    added += [rng.integers(0, 9, patients), rng.random(patients) * 3.4e38, np.zeros(patients), rng.random(patients) / 3]
    return weights, np.stack(added, axis=1).astype(np.float64)


def test_sums_of_draws_are_exact_but_for_one_rounding():
    weights, added = drawn_and_added()
    found = exact_sums(added, weights.shape[1])(weights)
    for draw, sums in zip(weights.tolist(), found.tolist(), strict=True):
        for column, total in zip(added.T.tolist(), sums, strict=True):
            exact = sum((Fraction(w) * Fraction(x) for w, x in zip(draw, column, strict=True)), Fraction(0))
            assert total == pytest.approx(float(exact), rel=2**-52, abs=2**-70 * max(map(abs, column)))


def test_no_order_of_adding_changes_a_digit():
    # What another number of threads does: the products are added in another order, some of them first.
    weights, added = drawn_and_added()
    found = exact_sums(added, weights.shape[1])(weights)
    order = np.random.default_rng(0).permutation(weights.shape[1])
    assert (exact_sums(added[order], len(order))(weights[:, order]) == found).all()
    one_by_one = np.array([exact_sums(added, len(order))(one[None])[0] for one in weights])
    assert (one_by_one == found).all()


def test_nobody_adds_up_to_nothing():
    assert exact_sums(np.zeros((0, 2)), 0)(np.zeros((3, 0))).tolist() == [[0, 0]] * 3
