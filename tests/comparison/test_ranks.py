"""Mean ranks over data sets, by hand and by published tables."""

import numpy as np
import pytest

from groundcxr.comparison.ranks import mean_ranks


def test_ranks_and_tests_are_those_worked_out_by_hand():
    always = np.tile([0.9, 0.7, 0.5, 0.3], (5, 1))
    found = mean_ranks(always, higher_is_better=True)
    assert found.mean.tolist() == [1, 2, 3, 4]
    # Friedman's statistic: 12 * 5 / (4 * 5) * (1 + 4 + 9 + 16 - 4 * 25 / 4) = 15, with 3 degrees of freedom.
    assert found.p == pytest.approx(0.001817, abs=1e-6)
    # Table 5a of Demšar (2006): 2.569 for four methods.
    assert found.critical == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 5)), abs=1e-3)
    ten = mean_ranks(np.random.default_rng(0).uniform(size=(9, 10)), higher_is_better=True)
    assert ten.critical == pytest.approx(3.164 * np.sqrt(10 * 11 / (6 * 9)), abs=1e-3)
    tied = mean_ranks([[1, 1, 3], [2, 1, 3], [1, 2, 2]], higher_is_better=False)
    assert tied.mean.round(3).tolist() == [1.5, 1.667, 2.833]


def test_nothing_is_ranked_below_three_sets_or_three_methods():
    assert mean_ranks(np.eye(3)[:2], higher_is_better=True) is None
    assert mean_ranks(np.eye(3)[:, :2], higher_is_better=True) is None
    equal = mean_ranks(np.ones((4, 3)), higher_is_better=True)
    assert equal.p == 1
    assert equal.mean.tolist() == [2, 2, 2]
