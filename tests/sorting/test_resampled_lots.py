"""Intervals over scans: what covers the truth as often as it says, and when nothing is said."""

import numpy as np

from oresort.sorting.resample import drawn_scans, interval


def test_scans_are_drawn_whole_and_the_first_row_is_all_of_them():
    codes, drawn = drawn_scans(["b", "a", "b", "c"], 50)
    assert codes.tolist() == [0, 1, 0, 2]
    assert drawn.shape == (51, 3)
    assert drawn[0].tolist() == [1, 1, 1]
    assert (drawn.sum(axis=1) == 3).all()


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(0), 0
    for trial in range(200):
        means = rng.normal(size=40)  # of scans; their expectation is 0
        codes, drawn = drawn_scans([str(i) for i in range(40)], 400, trial)
        found = interval(drawn @ means[codes] / 40, 40)
        covered += found.low <= 0 <= found.high
    assert 180 <= covered <= 198


def test_too_few_scans_or_resamples_give_no_interval():
    values = np.arange(100.0)
    assert np.isnan(interval(values, 4)[1:]).all()
    assert interval(values, 5).low < interval(values, 5).high
    values[1:40] = np.nan
    assert interval(values, 5).value == 0
    assert np.isnan(interval(values, 5)[1:]).all()
    assert np.isnan(interval(np.array([np.nan, 1, 2, 3]), 5)).all()
